package report

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/harvest-ml/harvest/shared/bucket"
	"github.com/harvest-ml/harvest/shared/rubric"
	"github.com/harvest-ml/harvest/shared/run"
	"github.com/harvest-ml/harvest/shared/scores"
)

// TestSureness checks that a report has charts of margin and mass only if the scorer gives them.
func TestSureness(t *testing.T) {
	t.Parallel()
	const samples = 300
	for _, sure := range []bool{true, false} {
		o := outcome(t, samples, 3)
		o.Plan = &run.Plan{Run: "synthetic-0123456789ab", Rubric: rubric.Default(), Samples: samples}
		o.Plan.Ranges = make([]run.Range, 1)
		w := Writer{Config{Runs: surelyScored(t, o.Plan, samples, sure)}}
		all, err := w.sureness(t.Context(), o)
		if err != nil {
			t.Fatal(err)
		}
		figures := surenessFigures(all)
		if !sure {
			if len(figures) > 0 {
				t.Errorf("%d charts of a scorer without masses and margins", len(figures))
			}
			continue
		}
		if len(figures) != 2 || len(figures[0].Drawing.Dots) != 2*len(o.Plan.Rubric.Capabilities) {
			t.Fatalf("%d charts", len(figures))
		}
		want := []string{"object spatial understanding", "0.25", "0.25", "50.0 %", "50.0 %"}
		got := figures[0].Table.Rows[0]
		got[2], got[4] = want[2], want[4] // the figures of the selection are the same
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("margins (-want +got):\n%s", diff)
		}
		for i, says := range []string{"by 0.25 in the pool", "have 0.75 of the probability in the pool"} {
			if !strings.Contains(figures[i].Reading, says) {
				t.Errorf("%s: %q", figures[i].ID, figures[i].Reading)
			}
		}
		if _, err := figures[1].CSV(); err != nil || figures[1].Drawing.Description == "" {
			t.Errorf("the numbers of the figure: %v", err)
		}
	}
}

// surelyScored returns a reader of a run of one range. If sure is true, all ratings have a mass of .75. Half of them
// have a margin of 0, the other half a margin of .5.
func surelyScored(t *testing.T, plan *run.Plan, samples int, sure bool) *run.Reader {
	t.Helper()
	records := make([]scores.Record, samples)
	for i := range records {
		r := &records[i]
		r.ID, r.Position, r.Source, r.Status, r.Turns = fmt.Sprint(i), i, "s", scores.OK, 1
		r.Content, r.ScorerID, r.Rubric = fmt.Sprintf("%032x", i), "scorer", plan.Rubric.Hash()
		for range plan.Rubric.Capabilities {
			r.Ratings, r.Expected = append(r.Ratings, 3), append(r.Expected, 3)
			if sure {
				r.Mass, r.Margin = append(r.Mass, .75), append(r.Margin, float32(i%2)/2)
			}
		}
	}
	var file bytes.Buffer
	if err := scores.Write(&file, plan.Rubric.Capabilities, records); err != nil {
		t.Fatal(err)
	}
	work := bucket.NewMemory()
	if _, err := bucket.CreateBytes(t.Context(), work, run.RangeScoresName(plan.Run, 0), file.Bytes()); err != nil {
		t.Fatal(err)
	}
	runs, err := run.NewReader(work, run.DefaultCacheBytes)
	if err != nil {
		t.Fatal(err)
	}
	return runs
}
