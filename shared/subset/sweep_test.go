package subset_test

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/harvest-ml/harvest/shared/run"
	"github.com/harvest-ml/harvest/shared/run/runtest"
	"github.com/harvest-ml/harvest/shared/selection"
	"github.com/harvest-ml/harvest/shared/subset"
)

func TestLetterEqual(t *testing.T) {
	t.Parallel()
	got := subset.LetterEqual([2]float64{5, 6}, [2]float64{1, 2}, [2]float64{2, 5}, [2]float64{2, 3}, [2]float64{9, 9})
	if want := []string{"b", "a", "ab", "a", "c"}; !slices.Equal(got, want) {
		t.Errorf("letters %q, want %q", got, want)
	}
	if got := subset.LetterEqual([2]float64{1, 4}, [2]float64{1, 2}, [2]float64{3, 3}); !slices.Equal(got,
		[]string{"ab", "a", "b"}) {
		t.Errorf("letters %q", got)
	}
}

// TestSweep compares each row of a sweep with the selection of its strategy and threshold. It also checks the ranges
// over seeds and over perturbed ratings.
func TestSweep(t *testing.T) {
	t.Parallel()
	f, plan := varied(t)
	request := atBudget(t, "6", selection.Rules{Seed: 3})
	ask := subset.SweepRequest{Request: request, RatingErrors: map[string]float64{"": 1, "humanities": 0}}
	sweep, err := f.Subsets.Sweep(t.Context(), plan.Run, ask, run.Allowance{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := json.Marshal(sweep); err != nil {
		t.Errorf("a sweep as JSON: %v", err)
	}
	again, err := f.Subsets.Sweep(t.Context(), plan.Run, ask, run.Allowance{})
	if diff := cmp.Diff(sweep, again); diff != "" || err != nil {
		t.Errorf("the second sweep differs (-first +second), %v:\n%s", err, diff)
	}
	if len(sweep.Rows) != 9 || sweep.Budget != 6 {
		t.Fatalf("%d rows at %d", len(sweep.Rows), sweep.Budget)
	}
	for _, row := range sweep.Rows {
		request.Strategy, request.Threshold = row.Strategy, row.Threshold
		sel := selectNow(t, f, plan, request)
		s := sel.Summary
		if sel.Selected != row.Selected || s.HighKept != row.HighKept || s.Selection.Bins != row.Bins ||
			sel.Shortfall != row.Shortfall || s.Selection.Tokens != row.Tokens {
			t.Errorf("%s, %d: %+v, and the selection has %+v", row.Strategy, row.Threshold, row.Figures, s)
		}
		for _, ranges := range [][]subset.FigureRange{row.Seeds, row.Perturbed} {
			if want := 9; len(ranges) != want && (row.PickRatings != nil || len(ranges) != want-1) {
				t.Errorf("%s, %d: %d figures", row.Strategy, row.Threshold, len(ranges))
			}
			for _, r := range ranges {
				if r.Low > r.Mean || r.Mean > r.High || r.Equal == "" {
					t.Errorf("%s, %d: range %+v", row.Strategy, row.Threshold, r)
				}
			}
		}
		kept := row.Seeds[slices.IndexFunc(row.Seeds, func(r subset.FigureRange) bool { return r.Figure == "high_kept" })]
		if kept.Low > row.HighKept || kept.High < row.HighKept {
			t.Errorf("%s, %d: %v is not within %+v", row.Strategy, row.Threshold, row.HighKept, kept)
		}
	}
	ask.RatingErrors = map[string]float64{"": 0}
	exact, err := f.Subsets.Sweep(t.Context(), plan.Run, ask, run.Allowance{})
	if err != nil {
		t.Fatal(err)
	}
	for i, row := range exact.Rows {
		for _, r := range row.Perturbed {
			if r.Low != r.High {
				t.Errorf("row %d: with rating errors of 0, %s goes from %v to %v", i, r.Figure, r.Low, r.High)
			}
		}
	}
}

func TestSweepRefused(t *testing.T) {
	t.Parallel()
	f, plan := varied(t)
	for want, ask := range map[string]subset.SweepRequest{
		`rating_errors: "humanity" is unknown`: {RatingErrors: map[string]float64{"humanity": 1}},
		"rating_errors: -1; give 0 to 5":       {RatingErrors: map[string]float64{"": -1}},
		"strategy: a sweep compares all": {
			Request: selection.Request{Rules: selection.Rules{Strategy: selection.Top}},
		},
		"include: the run has no sample": {Request: selection.Request{Include: []string{"zz"}}},
		"one budget": {Request: selection.Request{
			Within: []selection.Budget{runtest.Budget(t, "2")},
		}},
	} {
		ask.Budget = runtest.Budget(t, "6")
		_, err := f.Subsets.Sweep(t.Context(), plan.Run, ask, run.Allowance{})
		if reason := runtest.Refusal(t, err); !strings.Contains(reason, want) {
			t.Errorf("reason %q, want one with %q", reason, want)
		}
	}
}
