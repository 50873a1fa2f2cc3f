package local_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"hash/fnv"
	"io"
	"iter"
	"log/slog"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/harvest-ml/harvest/infra/local"
	"github.com/harvest-ml/harvest/infra/local/queue"
	"github.com/harvest-ml/harvest/shared/bucket"
	"github.com/harvest-ml/harvest/shared/dataset"
	"github.com/harvest-ml/harvest/shared/events"
	"github.com/harvest-ml/harvest/shared/images"
	"github.com/harvest-ml/harvest/shared/memory/memorytest"
	"github.com/harvest-ml/harvest/shared/rubric"
	"github.com/harvest-ml/harvest/shared/run"
	"github.com/harvest-ml/harvest/shared/run/runtest"
	"github.com/harvest-ml/harvest/shared/scorer"
	"github.com/harvest-ml/harvest/shared/scorer/kinds"
	"github.com/harvest-ml/harvest/shared/subset"
	"github.com/harvest-ml/harvest/shared/thorough"
)

// TestMain lets the tests use more memory, which saves time for garbage collection.
func TestMain(m *testing.M) {
	thorough.Quicken()
	m.Run()
}

const (
	demo     = "../../testdata/demo"
	demoSpec = "manifests: [parts/dataset.json]\nbudget: 30%\n"
	demoSize = 259
	// patience is the maximum time of steps that usually take a second or two.
	patience = 5 * time.Minute
)

// demoInput returns a bucket with the demo dataset.
func demoInput(t *testing.T) bucket.Reader {
	t.Helper()
	view, err := bucket.NewView(map[string]bucket.Content{
		"datasets/demo/dataset.yaml":       bucket.Literal([]byte(demoSpec)),
		"datasets/demo/parts/dataset.json": bucket.AtFile(demo + "/dataset.json"),
		"images/demo/":                     bucket.AtFolder(demo),
	})
	if err != nil {
		t.Fatal(err)
	}
	return view
}

// fineLimits are limits that cut the demo into several ranges and many shards.
func fineLimits() run.Limits {
	return run.Limits{
		Scorer: kinds.Embedded, Records: dataset.Limits{MaxRecordBytes: 1 << 20},
		Images: images.Limits{
			MaxBytes: 1 << 24, MaxPixels: 1 << 24,
			MaxDecodedBytes: 1 << 29, MaxImages: 64, MaxSampleBytes: 1 << 28,
		},
		PlanBytes: 8 << 30, RangeBytes: 32 << 10, ShardSamples: 20, ShardBytes: 1 << 20, InFlight: 16,
	}
}

// localScorers opens the scorers that need no sidecar.
func localScorers(t *testing.T) *kinds.Opener {
	t.Helper()
	scorers, err := kinds.New(kinds.Config{}, memorytest.Budget(t), nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	return scorers
}

// A system is a stack that keeps its events.
type system struct {
	*local.Stack
	work bucket.Bucket

	mu     sync.Mutex
	events []events.Message
}

// start starts a stack on an empty work folder. If o has no input, the input is the demo.
func start(t *testing.T, o local.Options) *system {
	t.Helper()
	s := &system{work: o.Work}
	if o.Input == nil {
		o.Input = demoInput(t)
	}
	if s.work == nil {
		folder, err := bucket.OpenFolder(t.TempDir())
		if err != nil {
			t.Fatal(err)
		}
		s.work, o.Work = folder, folder
	}
	if o.OpenScorer == nil {
		o.OpenScorer = localScorers(t).Open
	}
	if o.Retry == (queue.Retry{}) {
		o.Retry = queue.Retry{Min: 5 * time.Millisecond, Max: 50 * time.Millisecond}
	}
	o.Memory = memorytest.Budget(t)
	o.Limits, o.Log = fineLimits(), slog.New(slog.DiscardHandler)
	o.OnEvent = func(m events.Message) {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.events = append(s.events, m)
	}
	var err error
	if s.Stack, err = local.Start(t.Context(), o); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

// ids returns the ids of the events of a type, in the order of their arrival, without duplicates.
func (s *system) ids(kind string) []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	var ids []string
	for _, m := range s.events {
		if id := m.Attributes["ce-id"]; m.Attributes[events.AttrType] == kind && !slices.Contains(ids, id) {
			ids = append(ids, id)
		}
	}
	return ids
}

// until waits for a condition.
func until(t *testing.T, what string, met func() bool) {
	t.Helper()
	for end := time.Now().Add(patience); !met(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("waited %s for %s", patience, what)
		}
	}
}

// upload uploads the demo, and returns the run that its dataset.yaml starts.
func (s *system) upload(t *testing.T) string {
	t.Helper()
	if err := s.Upload(t.Context(), "datasets/demo/dataset.yaml"); err != nil {
		t.Fatal(err)
	}
	var runs []string
	until(t, "the run to be planned", func() bool {
		var err error
		if runs, err = s.Runs.Runs(t.Context()); err != nil {
			t.Fatal(err)
		}
		return len(runs) > 0
	})
	return runs[0]
}

// complete uploads the demo, waits for its selection, and returns the run.
func (s *system) complete(t *testing.T) string {
	t.Helper()
	id := s.upload(t)
	s.completed(t)
	return id
}

// completed waits until a selection is completed and its last object is written. The object is written after the event.
func (s *system) completed(t *testing.T) {
	t.Helper()
	until(t, "the selection to be completed", func() bool { return len(s.ids(events.SelectionCompleted)) > 0 })
	run, id, _ := strings.Cut(s.ids(events.SelectionCompleted)[0], "/")
	until(t, "the selection's last object", func() bool {
		_, err := s.work.Stat(t.Context(), "runs/"+run+"/selections/"+id+"/completed.sent")
		return err == nil
	})
}

// call makes a request of the API.
func (s *system) call(t *testing.T, method, path, body string, v any) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, s.URL+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	answer, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	if resp.StatusCode/100 != 2 {
		t.Fatalf("%s %s: %s: %s", method, path, resp.Status, answer)
	}
	if err := json.Unmarshal(answer, v); err != nil {
		t.Fatal(err)
	}
}

// reaches waits until a run is in a state, and returns the status of the run.
func (s *system) reaches(t *testing.T, id, state string) subset.RunStatus {
	t.Helper()
	var status subset.RunStatus
	until(t, "run to be "+state, func() bool {
		status = subset.RunStatus{}
		s.call(t, http.MethodGet, "/v1/runs/"+id, "", &status)
		return status.State == state
	})
	return status
}

func read(t *testing.T, b bucket.Reader, name string) []byte {
	t.Helper()
	r, err := b.Open(t.Context(), name, 0, 0, -1)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	data, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// differs matches the objects that depend on the time or the process of the work.
var differs = regexp.MustCompile(
	`/(plan\.json|draft\.json|scored|accepted)$|\.sent$|/(started|sent|again|waves|made|items)/`)

var (
	acceptedAt = regexp.MustCompile(`\d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC`)
	reportSum  = regexp.MustCompile(`report\.html": \d+`)
)

// outcome returns digests of the objects of a work bucket by name. It includes only objects whose bytes depend only on
// the input. It leaves out the plan, which has generations, the markers, which name a delivery, and the generations of
// images in scores.
func outcome(t *testing.T, work bucket.Reader) map[string]string {
	t.Helper()
	digests := map[string]string{}
	for attrs, err := range work.List(t.Context(), "runs/", "") {
		if err != nil {
			t.Fatal(err)
		}
		if differs.MatchString(attrs.Name) {
			continue
		}
		content := read(t, work, attrs.Name)
		switch {
		case strings.HasSuffix(attrs.Name, "/report.html"): // it has the time at which the selection was accepted
			content = acceptedAt.ReplaceAll(content, nil)
		case strings.HasSuffix(attrs.Name, "/completed"): // it has the report's checksum
			content = reportSum.ReplaceAll(content, nil)
		}
		scored := !strings.Contains(attrs.Name, "/selections/") && !strings.Contains(attrs.Name, "/numbers/")
		if scored && strings.HasSuffix(attrs.Name, ".parquet") {
			content = runtest.WithoutSeen(t, content)
		}
		sum := sha256.Sum256(content)
		digests[attrs.Name] = hex.EncodeToString(sum[:8])
	}
	return digests
}

func TestDemo(t *testing.T) {
	t.Parallel()
	s := start(t, local.Options{})
	id := s.complete(t)
	status := s.reaches(t, id, run.StateScored)
	if diff := cmp.Diff(events.Counts{In: demoSize, Scored: demoSize}, status.Samples); diff != "" {
		t.Errorf("samples (-want +got):\n%s", diff)
	}
	if p := status.Progress; p.Ranges < 3 || p.Shards < demoSize/fineLimits().ShardSamples ||
		p.ShardsScored != p.Shards || p.SamplesDone != demoSize {
		t.Errorf("progress %+v of a dataset that should have many shards", p)
	}
	if len(status.Selections) != 1 {
		t.Fatalf("selections %q, want one", status.Selections)
	}
	if diff := cmp.Diff([]string{id}, s.ids(events.RunScored)); diff != "" {
		t.Errorf("run.scored (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{id + "/" + status.Selections[0]}, s.ids(events.SelectionCompleted)); diff != "" {
		t.Errorf("selection.completed (-want +got):\n%s", diff)
	}
	var sel subset.Selection
	s.call(t, http.MethodGet, "/v1/runs/"+id+"/selections/"+status.Selections[0], "", &sel)
	const budget = demoSize * 30 / 100
	if sel.Selected != budget {
		t.Errorf("selected %d, want %d", sel.Selected, budget)
	}

	// The subset holds records of the manifest byte for byte, in its order.
	manifest, subset := read(t, demoInput(t), "datasets/demo/parts/dataset.json"), read(t, s.work, sel.Outputs.Subset)
	var all, taken []json.RawMessage
	if err := errors.Join(json.Unmarshal(manifest, &all), json.Unmarshal(subset, &taken)); err != nil {
		t.Fatal(err)
	}
	next := 0
	for _, record := range taken {
		found := slices.IndexFunc(all[next:], func(r json.RawMessage) bool { return bytes.Equal(r, record) })
		if found < 0 {
			t.Fatalf("the manifest does not have this record at its place: %s", record)
		}
		next += found + 1
	}
	rejected := bytes.Count(read(t, s.work, sel.Outputs.Rejected), []byte("\n"))
	if len(taken) != budget || rejected != demoSize-budget {
		t.Errorf("%d taken and %d rejected, want %d and %d", len(taken), rejected, budget, demoSize-budget)
	}
}

// A gate is a proxy in front of the functions. It refuses deliveries like a busy service.
type gate struct {
	// refuse reports whether a delivery of a message is answered 503. Called by one goroutine at a time.
	refuse func(events.Envelope) bool

	mu     sync.Mutex
	passed []string // shard tasks that passed the gate, in the order of their passing
}

func (g *gate) mount(handlers map[string]http.Handler) (http.Handler, error) {
	mux := http.NewServeMux()
	for path, h := range handlers {
		if strings.HasPrefix(path, "/v1/") {
			mux.Handle(path, h)
			continue
		}
		mux.HandleFunc(path, func(w http.ResponseWriter, r *http.Request) {
			body, err := io.ReadAll(r.Body)
			var env events.Envelope
			if err = errors.Join(err, json.Unmarshal(body, &env)); err != nil {
				http.Error(w, err.Error(), http.StatusBadRequest)
				return
			}
			if !g.pass(env) {
				http.Error(w, "busy", http.StatusServiceUnavailable)
				return
			}
			r.Body = io.NopCloser(bytes.NewReader(body))
			h.ServeHTTP(w, r)
		})
	}
	return mux, nil
}

func (g *gate) pass(env events.Envelope) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.refuse(env) {
		return false
	}
	if env.Message.Attributes[events.AttrTask] == events.TaskShard {
		g.passed = append(g.passed, string(env.Message.Data))
	}
	return true
}

// inOrder reports whether the shards passed the gate in the order of their numbers.
func (g *gate) inOrder() bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	return slices.IsSorted(g.passed)
}

// TestDeliveries checks that the outcome depends only on the input, even if messages are lost, repeated or reordered.
func TestDeliveries(t *testing.T) {
	t.Parallel()
	thorough.Only(t)
	plain := start(t, local.Options{})
	plain.complete(t)
	want := outcome(t, plain.work)

	// A message is refused up to three times: at random, but equally in every run of the test.
	shuffled := &gate{refuse: func(env events.Envelope) bool {
		h := fnv.New32a()
		fmt.Fprintf(h, "%s %v", env.Message.Data, env.Message.Attributes)
		return env.DeliveryAttempt <= int(h.Sum32()%4)
	}}
	for name, o := range map[string]local.Options{
		"every message twice": {Faults: queue.Faults{Duplicate: 1}},
		"out of order":        {Mount: shuffled.mount},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := start(t, o)
			s.complete(t)
			if diff := cmp.Diff(want, outcome(t, s.work)); diff != "" {
				t.Errorf("outcome differs from the outcome of undisturbed deliveries (-want +got):\n%s", diff)
			}
			if got := s.ids(events.SelectionCompleted); len(got) != 1 {
				t.Errorf("completed selections %q, want one", got)
			}
			if name == "out of order" && shuffled.inOrder() {
				t.Error("the shards were scored in the order of their numbers")
			}
		})
	}
}

// A slowListing is a bucket whose listings of a selection's parts are outdated, as on a busy machine.
type slowListing struct{ bucket.Bucket }

func (b slowListing) List(ctx context.Context, prefix, after string) iter.Seq2[bucket.Attrs, error] {
	listing := b.Bucket.List(ctx, prefix, after)
	if !strings.Contains(prefix, "/parts/") {
		return listing
	}
	return func(yield func(bucket.Attrs, error) bool) {
		type entry struct {
			attrs bucket.Attrs
			err   error
		}
		var entries []entry
		for attrs, err := range listing {
			entries = append(entries, entry{attrs, err})
		}
		time.Sleep(100 * time.Millisecond)
		for _, e := range entries {
			if !yield(e.attrs, e.err) {
				return
			}
		}
	}
}

// TestPartsTogether writes the parts of a selection concurrently, so that at its beginning no delivery finds the parts
// of other deliveries.
func TestPartsTogether(t *testing.T) {
	t.Parallel()
	folder, err := bucket.OpenFolder(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	start(t, local.Options{Work: slowListing{folder}}).complete(t)
}

// A fragile is a scorer that fails whenever it gets a certain sample.
type fragile struct {
	scorer.Scorer
	sample string
	fixed  *atomic.Bool
}

var errDown = errors.New("the scorer is down")

func (f fragile) Rate(ctx context.Context, items []scorer.Item) ([]scorer.Result, error) {
	for _, item := range items {
		if item.Sample.ID == f.sample && !f.fixed.Load() {
			return nil, errDown
		}
	}
	return f.Scorer.Rate(ctx, items)
}

// TestStalled runs a scorer that fails on one shard. It continues the stalled run in both ways: by trying again, and by
// giving up the shard.
func TestStalled(t *testing.T) {
	t.Parallel()
	thorough.Only(t)
	var records []struct{ ID string }
	if err := json.Unmarshal(read(t, demoInput(t), "datasets/demo/parts/dataset.json"), &records); err != nil {
		t.Fatal(err)
	}
	for _, tc := range []struct {
		name, body string
		fix        bool
		failed     int64
	}{
		{name: "resume", body: "", fix: true},
		{name: "give up", body: `{"give_up": true}`, failed: int64(fineLimits().ShardSamples)},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			var fixed atomic.Bool
			scorers := localScorers(t)
			s := start(t, local.Options{
				Retry: queue.Retry{Min: time.Millisecond, Max: 2 * time.Millisecond},
				OpenScorer: func(ctx context.Context, kind string, r *rubric.Rubric) (scorer.Scorer, error) {
					rater, err := scorers.Open(ctx, kind, r)
					return fragile{Scorer: rater, sample: records[0].ID, fixed: &fixed}, err
				},
			})
			id := s.upload(t)
			status := s.reaches(t, id, run.StateStalled)
			if d := status.DeadLetters; len(d) != 1 || d[0].Range != 0 || d[0].Shard != 0 ||
				!strings.Contains(d[0].Reason, errDown.Error()) {
				t.Errorf("given up: %v", d)
			}
			fixed.Store(tc.fix)
			s.call(t, http.MethodPost, "/v1/runs/"+id+":resume", tc.body, &status)
			status = s.reaches(t, id, run.StateScored)
			counts := events.Counts{In: demoSize, Scored: demoSize - tc.failed, Failed: tc.failed}
			if diff := cmp.Diff(counts, status.Samples); diff != "" {
				t.Errorf("samples (-want +got):\n%s", diff)
			}
			if status.Reasons[run.GivenUp] != tc.failed {
				t.Errorf("reasons %v, want %d %q", status.Reasons, tc.failed, run.GivenUp)
			}
			s.completed(t)
		})
	}
}
