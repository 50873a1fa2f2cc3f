package subset_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/harvest-ml/harvest/shared/run"
	"github.com/harvest-ml/harvest/shared/run/runtest"
	"github.com/harvest-ml/harvest/shared/scores"
	"github.com/harvest-ml/harvest/shared/selection"
	"github.com/harvest-ml/harvest/shared/subset"
)

func TestExplainEqualIDs(t *testing.T) {
	t.Parallel()
	f, plan := scored(t, append(runtest.Plain("a", 6), runtest.Record("a00", "Again.")))
	sel := selectNow(t, f, plan, selection.Request{Budget: runtest.Budget(t, "2")})
	both, err := f.Subsets.Explain(t.Context(), plan.Run, sel.ID, []string{"a00#2", "a00"})
	if err != nil || len(both) != 2 || both[0].Index != 6 || both[1].Index != 0 || both[0].ID != "a00" {
		t.Errorf("the samples of one id are explained as %+v, error %v", both, err)
	}
}

// TestExplain explains samples of every outcome, and compares each explanation with rejected.jsonl.
func TestExplain(t *testing.T) {
	t.Parallel()
	f, plan := scored(t, append(runtest.Plain("a", 6),
		runtest.Record("a00", "Again."), runtest.Record("poor", runtest.Worthless),
		runtest.Record("odd", runtest.Styleless), runtest.Record("bad", runtest.Unratable)))
	sel := selectNow(t, f, plan, selection.Request{Budget: runtest.Budget(t, "2")})
	picked := picks(t, f, sel)[1]
	got, err := f.Subsets.Explain(t.Context(), plan.Run, sel.ID, []string{picked.ID, "poor", "odd", "bad"})
	if err != nil {
		t.Fatal(err)
	}
	first := got[slices.IndexFunc(got, func(x subset.Explanation) bool { return x.Index == picked.Index })]
	if first.Order != 2 || first.Rule != "turn" || first.Capability != picked.Capability || first.Bin != picked.Bin ||
		first.Round != picked.Round || first.Rank != picked.Rank {
		t.Errorf("%+v explains pick %+v", first, picked)
	}
	outcomes := map[string][3]string{}
	for _, x := range got {
		if x.ID != picked.ID {
			outcomes[x.ID] = [3]string{x.Status.String(), string(x.Reason), x.Failure}
		}
	}
	want := map[string][3]string{
		"poor": {"ok", string(selection.ReasonThreshold), ""},
		"odd":  {"ok", string(selection.ReasonNoStyle), run.NoKnownStyle.Phrase()},
		"bad":  {"failed", string(selection.ReasonNoStyle), "unratable: the answer asks for it"},
	}
	if diff := cmp.Diff(want, outcomes); diff != "" {
		t.Errorf("outcomes (-want +got):\n%s", diff)
	}
	for _, r := range rejected(t, f, sel) {
		if r.Code != "outranked" {
			continue
		}
		x, err := f.Subsets.Explain(t.Context(), plan.Run, sel.ID, []string{r.ID})
		if err != nil {
			t.Fatal(err)
		}
		at := slices.IndexFunc(x, func(x subset.Explanation) bool { return x.Index == r.Index })
		if at < 0 || x[at].Reason != selection.ReasonRank || len(x[at].Misses) == 0 {
			t.Fatalf("%s is outranked, and explained as %+v", r.ID, x)
		}
		checkNearest(t, x[at], r, picks(t, f, sel))
	}
	_, err = f.Subsets.Explain(t.Context(), plan.Run, sel.ID, []string{"a00", "zz"})
	if reason := runtest.Refusal(t, err); !strings.Contains(reason, `"zz"`) {
		t.Errorf("reason %q of an unknown id", reason)
	}
}

// checkNearest compares the explanation of an outranked sample with its line in rejected.jsonl and with the picks.
func checkNearest(t *testing.T, x subset.Explanation, line subset.Rejected, all []scores.Pick) {
	t.Helper()
	if diff := cmp.Diff(line.Nearest, x.Nearest); diff != "" || x.Nearest == nil {
		t.Fatalf("%s: nearest (-rejected +explained):\n%s", x.ID, diff)
	}
	near, first := x.Nearest, x.Misses[0]
	if first.Capability != near.Capability || first.Bin != near.Bin || near.Rank <= near.Last {
		t.Errorf("%s: nearest %+v, and the first miss %+v", x.ID, near, first)
	}
	if !strings.Contains(line.Reason, near.Capability) || !strings.Contains(line.Reason, "outranked: number ") {
		t.Errorf("%s: reason %q does not say where it was nearest", x.ID, line.Reason)
	}
	var ratings subset.RatingList
	for _, rated := range x.Rated {
		if rated.Rating == nil {
			t.Fatalf("%s: no rating on %s", x.ID, rated.Capability)
		}
		ratings = append(ratings, *rated.Rating)
		if rated.Capability == near.Capability && *rated.Rating != first.Rating {
			t.Errorf("%s: rating %d, and %d in the first miss", x.ID, *rated.Rating, first.Rating)
		}
	}
	if diff := cmp.Diff(line.Ratings, ratings); diff != "" || len(ratings) == 0 {
		t.Errorf("%s: ratings (-rejected +explained):\n%s", x.ID, diff)
	}
	var last *scores.Pick
	for i, pick := range all {
		if pick.Capability == near.Capability && pick.Bin == near.Bin {
			last = &all[i]
		}
	}
	switch {
	case (last == nil) != (near.Last == 0) || (last == nil) != (x.Taken == nil):
		t.Errorf("%s: nearest %+v, taken %+v, and the last pick there is %+v", x.ID, near, x.Taken, last)
	case last != nil && (x.Taken.ID != last.ID || x.Taken.Index != last.Index || *x.Taken.Rating != *last.Rating ||
		x.Taken.Gap != int(*last.Rating)-int(first.Rating) || x.Taken.ExpectedGap == nil):
		t.Errorf("%s: taken %+v, and the last pick there is %+v", x.ID, x.Taken, last)
	}
}

// TestExplainStrategy explains samples of a strategy without turns, by their positions in the strategy's order.
func TestExplainStrategy(t *testing.T) {
	t.Parallel()
	f, plan := scored(t, runtest.Plain("a", 9))
	sel := selectNow(t, f, plan, atBudget(t, "4", selection.Rules{Strategy: selection.Top}))
	met := map[uint32]bool{}
	for _, line := range rejected(t, f, sel) {
		near := line.Nearest
		if near == nil || near.Last != 4 || near.Rank <= 4 || near.Rank > 9 || near.Capability != "" || met[near.Rank] ||
			!strings.Contains(line.Reason, "in the order of the strategy, where the last sample taken is number 4") {
			t.Fatalf("rejected as %+v, nearest %+v", line, near)
		}
		met[near.Rank] = true
	}
	if len(met) != 5 {
		t.Errorf("%d are outranked, want 5", len(met))
	}
}
