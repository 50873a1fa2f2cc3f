package run_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/harvest-ml/harvest/shared/events"
	"github.com/harvest-ml/harvest/shared/rubric"
	"github.com/harvest-ml/harvest/shared/run"
	"github.com/harvest-ml/harvest/shared/run/runtest"
	"github.com/harvest-ml/harvest/shared/scorer"
)

// An allowance limits the samples that a paid scorer rates.
type allowance struct {
	mu    sync.Mutex
	limit int // samples
	spent map[string]int

	perSample float64 // seconds
}

// A paidScorer counts a sample in its run's allowance before it rates the sample.
type paidScorer struct {
	scorer.Scorer
	*allowance
	run string
}

func (s paidScorer) ForRun(_ context.Context, run string) (scorer.Scorer, error) {
	s.run = run
	return s, nil
}

func (s paidScorer) Estimate(l scorer.Load) scorer.Estimate {
	dollars := float64(l.Samples) + float64(l.Images)/1000 + float64(l.TextBytes)/1e6
	seconds := float64(l.Samples) * s.perSample
	return scorer.Estimate{Dollars: &dollars, Seconds: seconds, LimitedBy: "LLM_REQUESTS_PER_MINUTE"}
}

func (s paidScorer) Rate(ctx context.Context, items []scorer.Item) ([]scorer.Result, error) {
	s.mu.Lock()
	if s.spent[s.run]+len(items) > s.limit {
		s.mu.Unlock()
		return nil, fmt.Errorf("rating: %w", &scorer.StopError{Reason: "the limit is reached; raise it"})
	}
	s.spent[s.run] += len(items)
	s.mu.Unlock()
	return s.Scorer.Rate(ctx, items)
}

// newPaid returns a fixture whose scorer costs money.
func newPaid(t *testing.T, p *allowance) *runtest.Fixture {
	f := runtest.New(t)
	p.spent = map[string]int{}
	f.OpenScorer = func(_ context.Context, _ string, r *rubric.Rubric) (scorer.Scorer, error) {
		return paidScorer{Scorer: f.Scorer.For(r), allowance: p}, nil
	}
	f.Restart()
	return f
}

// A scorer that must stop stalls its run immediately, without failed attempts and failed samples. After the cause is
// fixed and the run is resumed, the run is scored.
func TestStopStallsRun(t *testing.T) {
	t.Parallel()
	p := &allowance{limit: 7}
	f := newPaid(t, p)
	f.Upload("datasets/demo/a.jsonl", runtest.Lines(runtest.Plain("p", 12)))
	plan := f.Begin("datasets/demo/a.jsonl")
	if err := f.Drain(); err != nil {
		t.Fatalf("a delivery was refused, and should be acknowledged: %v", err)
	}
	st := f.Status(plan.Run)
	if st.State != run.StateStalled || st.Stopped != "the limit is reached; raise it" || len(st.DeadLetters) > 0 ||
		st.Progress.SamplesDone != 6 {
		t.Fatalf("status %+v", st)
	}
	check(t, f, events.RunStalled, plan.Run+"/stalled/0")
	p.limit = 100
	if err := f.Worker.Resume(t.Context(), plan.Run, false); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(events.Counts{In: 12, Scored: 12}, f.Finish(plan)); diff != "" {
		t.Errorf("samples (-want +got)\n%s", diff)
	}
	if p.spent[plan.Run] != 12 || len(p.spent) != 1 {
		t.Errorf("spent %v", p.spent)
	}
}

// The cost of a paid scorer is known before the run starts, and may need approval.
func TestPaidEstimates(t *testing.T) {
	t.Parallel()
	p := &allowance{perSample: 2}
	f := newPaid(t, p)
	f.Limits.MaxRunCost = 12
	f.Limits.CostPerMillion = run.Prices{runtest.Kind: 7}
	f.Upload("images/demo/here.png", runtest.PNG(t, 8, 8))
	records := append(runtest.Plain("p", 11), runtest.Record("q", "Found.", "here.png"))
	f.Upload("datasets/demo/a.jsonl", runtest.Lines(records))
	plan, err := f.Planner().Plan(t.Context(), run.Spec{Dataset: "demo", Manifests: []string{"a.jsonl"}})
	if err != nil {
		t.Fatal(err)
	}
	bytes := 0
	for _, r := range records {
		bytes += len(r)
	}
	// The separators of records are between ranges or in them.
	if low := 12 + 0.012 + float64(bytes)/1e6; plan.EstimatedCost < low || plan.EstimatedCost > low+2e-5 ||
		!plan.NeedsApproval {
		t.Errorf("estimated $%v, approval needed: %v; want $%v and little more", plan.EstimatedCost, plan.NeedsApproval, low)
	}
	survey, err := f.Planner().Survey(t.Context(), plan)
	if err != nil {
		t.Fatal(err)
	}
	if e := survey.Estimate; e == nil || *e.Dollars != 12+0.001+float64(survey.TextBytes)/1e6 || survey.TextBytes == 0 ||
		survey.Seconds != 24 || survey.PerSecond != 0.5 {
		t.Errorf("survey %+v, estimate %+v", survey, e)
	}
	if len(f.Scorer.Counts()) > 0 || len(p.spent) > 0 {
		t.Errorf("planning rated %v and spent %v", f.Scorer.Counts(), p.spent)
	}
}

// A scorer that is so slow that no shard would ever be finished is refused before the run begins.
func TestTooSlowIsRefused(t *testing.T) {
	t.Parallel()
	p := &allowance{perSample: 1800} // 20 deliveries of 540 s are 10,800 s, and two shards of three samples share them
	f := newPaid(t, p)
	f.Upload("datasets/demo/a.jsonl", runtest.Lines(runtest.Plain("p", 12)))
	spec := run.Spec{Dataset: "demo", Manifests: []string{"a.jsonl"}}
	if _, err := f.Planner().Plan(t.Context(), spec); err != nil {
		t.Errorf("a scorer that is just fast enough is refused: %v", err)
	}
	p.perSample = 2000
	_, err := f.Planner().Plan(t.Context(), spec)
	for _, words := range []string{"LLM_REQUESTS_PER_MINUTE", "a shard of 3 samples would take 3h20m0s", "have 3h0m0s",
		"SHARD_SAMPLES to at most 2"} {
		if !strings.Contains(runtest.Refusal(t, err), words) {
			t.Errorf("%q lacks %q", runtest.Refusal(t, err), words)
		}
	}
}

// TestNoPrice refuses a run with a scorer without a price if there is a cost limit, even if the run is small.
func TestNoPrice(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		limit   float64
		prices  run.Prices
		refused bool
	}{
		{0, nil, false},
		{500, nil, true},
		{500, run.Prices{"other": 1}, true},
		{500, run.Prices{runtest.Kind: 0}, false},
	} {
		f := runtest.New(t)
		f.Limits.MaxRunCost, f.Limits.CostPerMillion = tt.limit, tt.prices
		f.Upload("datasets/demo/a.json", runtest.Array(runtest.Plain("a", 2)))
		_, err := f.Planner().Plan(t.Context(), run.Spec{Dataset: "demo", Manifests: []string{"a.json"}})
		if _, refused := errors.AsType[*run.RefusedError](err); refused != tt.refused || (err != nil) != tt.refused {
			t.Errorf("limit %v, prices %v: error %v", tt.limit, tt.prices, err)
		}
		want := "add " + runtest.Kind + "=DOLLARS (for a million samples) to COST_PER_MILLION, which is \"" +
			tt.prices.String() + "\""
		if err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %s in it", err, want)
		}
	}
}

func TestPrices(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"": "", "gpu=195, embedded=1": "embedded=1,gpu=195", "a=0.5,": "a=0.5",
		"195": "\"195\": give", "gpu=": "\"gpu=\": give", "gpu=-1": "give kinds", "=1": "give kinds",
		"gpu=NaN":   "is not a number; give kinds",
		"gpu=1e300": "is not from 0 to 1000000000 US dollars; give kinds", "gpu=1_0": "is not a number",
		"gpu=1,gpu=2": "has a price already",
	} {
		var p run.Prices
		if err := p.UnmarshalText([]byte(text)); err != nil {
			if !strings.Contains(err.Error(), want) || want == "" {
				t.Errorf("%q: %v, want %q", text, err, want)
			}
		} else if p.String() != want {
			t.Errorf("%q is %q, want %q", text, p, want)
		}
	}
}
