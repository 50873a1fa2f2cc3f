package subset_test

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/harvest-ml/harvest/shared/run/runtest"
	"github.com/harvest-ml/harvest/shared/selection"
	"github.com/harvest-ml/harvest/shared/subset"
)

// TestCompare compares two selections with each other, and each selection with the ids of the other.
func TestCompare(t *testing.T) {
	t.Parallel()
	f, plan := varied(t)
	a := selectNow(t, f, plan, atBudget(t, "6", selection.Rules{}))
	b := selectNow(t, f, plan, atBudget(t, "5", selection.Rules{Strategy: selection.Random, Seed: 2}))
	got, err := f.Subsets.Compare(t.Context(), plan.Run, subset.CompareRequest{Selection: a.ID, Other: b.ID})
	if err != nil {
		t.Fatal(err)
	}
	indexes := func(sel *subset.Selection) (list []int64) {
		for _, p := range picks(t, f, sel) {
			list = append(list, p.Index)
		}
		return list
	}
	both := 0
	for _, i := range indexes(a) {
		if slices.Contains(indexes(b), i) {
			both++
		}
	}
	if got.A != 6 || got.B != 5 || got.Both != both || both == 6 {
		t.Errorf("%d and %d, %d in both; want 6, 5 and %d", got.A, got.B, got.Both, both)
	}
	for name, flows := range map[string][]subset.Flow{"sources": got.Sources, "capabilities": got.Capabilities} {
		sum := subset.Flow{}
		for _, one := range flows {
			sum.A, sum.B, sum.In, sum.Out = sum.A+one.A, sum.B+one.B, sum.In+one.In, sum.Out+one.Out
		}
		want := subset.Flow{A: 6, B: 5, In: 5 - both, Out: 6 - both}
		if name == "capabilities" { // strategy random picks for no capability
			want.B, want.In = 0, 0
		}
		if sum != want {
			t.Errorf("%s: %+v in all, want %+v", name, sum, want)
		}
	}
	if len(got.In) != 5-both || len(got.Out) != 6-both || len(got.Styles) == 0 || got.Correlations != nil {
		t.Errorf("in %q, out %q of %+v", got.In, got.Out, got)
	}
	var ids []string
	for _, p := range picks(t, f, b) {
		ids = append(ids, p.ID)
	}
	if slices.Contains(ids, "a00") {
		t.Fatal("the ids name more samples than the selection has")
	}
	named, err := f.Subsets.Compare(t.Context(), plan.Run, subset.CompareRequest{Selection: a.ID, IDs: ids})
	if diff := cmp.Diff(got, named); diff != "" || err != nil {
		t.Errorf("by ids (-selection +ids), %v:\n%s", err, diff)
	}
}

// TestCompareRuns compares a run with its next attempt, which has the same ratings.
func TestCompareRuns(t *testing.T) {
	t.Parallel()
	f, plan := varied(t)
	next, err := f.Retry(plan.Run)
	if err != nil {
		t.Fatal(err)
	}
	f.Finish(next)
	a := selectNow(t, f, plan, atBudget(t, "6", selection.Rules{}))
	b := selectNow(t, f, next, atBudget(t, "6", selection.Rules{}))
	got, err := f.Subsets.Compare(t.Context(), plan.Run, subset.CompareRequest{
		Selection: a.ID, Other: b.ID, OtherRun: next.Run,
	})
	if err != nil {
		t.Fatal(err)
	}
	if got.Both != 6 || len(got.Correlations) != len(plan.Rubric.Capabilities) {
		t.Errorf("%d in both, %d correlations", got.Both, len(got.Correlations))
	}
	varies := 0
	for _, c := range got.Correlations {
		if c.Spearman != nil {
			varies++
			if *c.Spearman < 0.999 || c.Samples == 0 {
				t.Errorf("%s: %v of %d samples with itself", c.Capability, *c.Spearman, c.Samples)
			}
		}
	}
	if varies == 0 {
		t.Error("no capability varies")
	}
	alone, err := f.Subsets.Compare(t.Context(), plan.Run, subset.CompareRequest{OtherRun: next.Run})
	if err != nil || len(alone.Correlations) == 0 || alone.A != 0 {
		t.Errorf("two runs without selections: %+v, %v", alone, err)
	}
}

func TestCompareRefused(t *testing.T) {
	t.Parallel()
	f, plan := varied(t)
	f.Upload("datasets/other/a.json", runtest.Array(runtest.Plain("z", 4)))
	other := f.Begin("datasets/other/a.json")
	f.Finish(other)
	sel := selectNow(t, f, plan, atBudget(t, "6", selection.Rules{}))
	for want, request := range map[string]subset.CompareRequest{
		"selection: it is missing":       {},
		"a comparison needs two sets":    {Selection: sel.ID},
		"ids are given, too":             {Selection: sel.ID, Other: sel.ID, IDs: []string{"b00"}},
		"ids: the run has no sample":     {Selection: sel.ID, IDs: []string{"zebra"}},
		"is not a run of the same files": {OtherRun: other.Run},
	} {
		_, err := f.Subsets.Compare(t.Context(), plan.Run, request)
		if reason := runtest.Refusal(t, err); !strings.Contains(reason, want) {
			t.Errorf("reason %q, want one with %q", reason, want)
		}
	}
	_, err := f.Subsets.Compare(t.Context(), plan.Run, subset.CompareRequest{Selection: sel.ID, Other: "0123456789ab"})
	if !errors.Is(err, subset.ErrNoSelection) {
		t.Errorf("error %v of an unknown selection", err)
	}
}

// TestCompareColumns compares numeric fields of records, and columns of a selection's file of numbers.
func TestCompareColumns(t *testing.T) {
	t.Parallel()
	f, plan := numbered(t)
	a := selectNow(t, f, plan, selection.Request{Budget: runtest.Budget(t, "3"), ScoresFrom: "n.csv",
		Rules: selection.Rules{Strategy: selection.Top, By: "relevance"}})
	got, err := f.Subsets.Compare(t.Context(), plan.Run, subset.CompareRequest{
		Selection: a.ID, IDs: []string{"a02", "a03"},
	})
	if err != nil {
		t.Fatal(err)
	}
	number := func(v float64) *float64 { return &v }
	want := []subset.ColumnPair{
		{
			Name: "relevance", Least: 1, Most: 3,
			A: subset.ColumnFigures{Samples: 3, Coverage: 1, Mean: number(2), Median: number(2)},
			B: subset.ColumnFigures{Samples: 1, Coverage: .5, Mean: number(2), Median: number(2)},
		},
		{
			Name: "level", Least: 1, Most: 4,
			A: subset.ColumnFigures{Samples: 3, Coverage: 1, Mean: number(2.5), Median: number(2.5)},
			B: subset.ColumnFigures{Samples: 1, Coverage: .5, Mean: number(4), Median: number(4)},
		},
	}
	if diff := cmp.Diff(want, got.Columns); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}
