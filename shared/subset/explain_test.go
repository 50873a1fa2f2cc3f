package subset_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/harvest-ml/harvest/shared/run"
	"github.com/harvest-ml/harvest/shared/run/runtest"
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

// TestExplain explains samples of every outcome, and says of each what rejected.jsonl says.
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
		if at := slices.IndexFunc(x, func(x subset.Explanation) bool { return x.Index == r.Index }); at < 0 ||
			x[at].Reason != selection.ReasonRank || len(x[at].Misses) == 0 {
			t.Errorf("%s is outranked, and explained as %+v", r.ID, x)
		}
	}
	_, err = f.Subsets.Explain(t.Context(), plan.Run, sel.ID, []string{"a00", "zz"})
	if reason := runtest.Refusal(t, err); !strings.Contains(reason, `"zz"`) {
		t.Errorf("reason %q of an unknown id", reason)
	}
}
