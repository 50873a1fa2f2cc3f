package subset_test

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/harvest-ml/harvest/shared/dataset"
	"github.com/harvest-ml/harvest/shared/events"
	"github.com/harvest-ml/harvest/shared/images"
	"github.com/harvest-ml/harvest/shared/run"
	"github.com/harvest-ml/harvest/shared/run/runtest"
	"github.com/harvest-ml/harvest/shared/scores"
	"github.com/harvest-ml/harvest/shared/scores/reason"
	"github.com/harvest-ml/harvest/shared/selection"
	"github.com/harvest-ml/harvest/shared/subset"
)

func TestSelectionID(t *testing.T) {
	t.Parallel()
	f, plan := scored(t, runtest.Plain("a", 20))
	spec := func(budget string) selection.Request { return atBudget(t, budget, selection.Rules{}) }
	with := func(rules selection.Rules) selection.Request { return atBudget(t, "6", rules) }
	base := selectNow(t, f, plan, spec("30%"))
	all := plan.Rubric.Capabilities
	tests := []struct {
		name string
		spec selection.Request
		same bool
	}{
		{"ratio", spec("0.3"), true},
		{"longer ratio", spec("0.30"), true},
		{"count", spec("6"), true},
		{"ratio that rounds down to it", spec("34%"), true},
		{"all capabilities, spelled out", with(selection.Rules{Capabilities: all}), true},
		{
			"defaults by their names",
			with(selection.Rules{Strategy: selection.MMSSR, WithinBin: selection.ByPosition}), true,
		},
		{"other count", spec("7"), false},
		{"other order", with(selection.Rules{Capabilities: append(slices.Clone(all[1:]), all[0])}), false},
		{"threshold", with(selection.Rules{Threshold: 1}), false},
		{"ratings only", with(selection.Rules{RatingsOnly: true}), false},
		{"seed", with(selection.Rules{Seed: 1}), false},
		{"everything", spec("1.0"), false},
	}
	for _, test := range tests {
		sel, err := f.Subsets.Select(t.Context(), plan.Run, test.spec, run.Allowance{})
		if err != nil {
			t.Fatal(err)
		}
		if (sel.ID == base.ID) != test.same {
			t.Errorf("%s: selection %s, and 30%% is %s; want the same: %v", test.name, sel.ID, base.ID, test.same)
		}
	}
	if got := len(f.Status(plan.Run).Selections); got != 7 {
		t.Errorf("%d selections, want 7", got)
	}
}

func TestSelectOnce(t *testing.T) {
	t.Parallel()
	f, plan := scored(t, runtest.Plain("a", 12))
	spec := selection.Request{Budget: runtest.Budget(t, "5")}
	first := selectNow(t, f, plan, spec)
	var styles []string
	for _, share := range first.Summary.Pool.Styles {
		styles = append(styles, share.Style)
	}
	if diff := cmp.Diff(plan.Rubric.Styles, styles); diff != "" {
		t.Errorf("styles of the summary (-rubric +got):\n%s", diff)
	}
	before, steps := f.Snapshot(), f.Steps
	again, err := f.Subsets.Select(t.Context(), plan.Run, spec, run.Allowance{})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(first, again, compareBudgets); diff != "" {
		t.Errorf("selection (-first +again):\n%s", diff)
	}
	if len(f.Queue) > 0 || f.Steps > steps || !cmp.Equal(before, f.Snapshot()) {
		t.Errorf("the same selection again took %d writes and %d messages", f.Steps-steps, len(f.Queue))
	}
}

func TestSelectNotScored(t *testing.T) {
	t.Parallel()
	f := runtest.New(t)
	f.Limits.Budget = runtest.Budget(t, "75%")
	f.Upload("datasets/demo/a.json", runtest.Array(runtest.Plain("a", 12)))
	plan := f.Begin("datasets/demo/a.json")
	_, err := f.Subsets.Select(t.Context(), plan.Run, plan.Selection, run.Allowance{})
	if !errors.Is(err, run.ErrNotScored) {
		t.Errorf("got error %v, want ErrNotScored", err)
	}
	for _, id := range []string{"0123456789ab", "../x"} {
		if _, err := f.Subsets.Selection(t.Context(), plan.Run, id); !errors.Is(err, subset.ErrNoSelection) {
			t.Errorf("selection %s: error %v, want ErrNoSelection", id, err)
		}
	}
}

func TestRejected(t *testing.T) {
	t.Parallel()
	records := append(runtest.Plain("a", 1),
		runtest.Record("a00", "Again."), runtest.Record("poor", runtest.Worthless), runtest.Record("mute", runtest.Unrated),
		runtest.Record("odd", runtest.Styleless), runtest.Record("bad", runtest.Unratable),
		`{"id": "hollow"}`, runtest.Record("p", "Gone.", "gone.png"))
	f, plan := scored(t, append(records, runtest.Plain("b", 2)...))
	sel := selectNow(t, f, plan, selection.Request{Budget: runtest.Budget(t, "2")})
	type line struct {
		Status scores.Status
		Code   reason.Code
		Place  int64 // element; 0 if the line has none
	}
	got := map[string]line{}
	outranked := 0
	for _, r := range rejected(t, f, sel) {
		if !strings.HasPrefix(r.Reason, r.Code.Phrase()) {
			t.Errorf("the code %s has the reason %q", r.Code, r.Reason)
		}
		l := line{Status: r.Status, Code: r.Code}
		if r.Place != nil {
			l.Place = r.Place.Element
			if r.Place.Manifest != "a.json" || r.Place.Element != r.Index+1 {
				t.Errorf("sample %s has index %d and place %v", r.ID, r.Index, r.Place)
			}
		}
		if r.Code == "outranked" {
			outranked++
			continue
		}
		got[r.ID] = l
	}
	want := map[string]line{
		"poor":   {scores.OK, "below_threshold", 0},
		"mute":   {scores.OK, "no_rating", 0},
		"odd":    {scores.OK, run.NoKnownStyle, 0},
		"bad":    {scores.Failed, "unratable", 6},
		"hollow": {scores.Failed, dataset.NoConversation, 7},
		"p":      {scores.Failed, images.NotFound, 8},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("rejected (-want +got):\n%s", diff)
	}
	if outranked == 0 || outranked+len(got)+sel.Selected > 10 {
		t.Errorf("%d are outranked, %d selected", outranked, sel.Selected)
	}
}

func TestShortfall(t *testing.T) {
	t.Parallel()
	f, plan := scored(t, append(runtest.Plain("a", 6),
		runtest.Record("bad", runtest.Unratable), runtest.Record("poor", runtest.Worthless)))
	sel := selectNow(t, f, plan, selection.Request{Budget: runtest.Budget(t, "100%")})
	if sel.Parameters.Budget != 8 || sel.Selected != 6 || sel.Shortfall != 2 || sel.Summary.Selection.Samples != 6 {
		t.Errorf("selected %d of a budget of %d with a shortfall of %d, want 6 of 8 with 2",
			sel.Selected, sel.Parameters.Budget, sel.Shortfall)
	}
	if n := len(rejected(t, f, sel)); n != 2 {
		t.Errorf("%d are rejected, want 2", n)
	}
	event := runtest.Decode[events.SelectionEvent](t, f.Published[len(f.Published)-1])
	if event.Selected != 6 || event.Shortfall != 2 {
		t.Errorf("the event is %+v, want 6 selected and a shortfall of 2", event)
	}
	// Ratings of 0 exceed a threshold of -1.
	if sel := selectNow(t, f, plan, atBudget(t, "100%", selection.Rules{Threshold: -1})); sel.Selected != 7 {
		t.Errorf("above -1 %d are selected, want 7", sel.Selected)
	}
}

func TestNothingSelected(t *testing.T) {
	t.Parallel()
	f, plan := scored(t, []string{runtest.Record("bad", runtest.Unratable), runtest.Record("poor", runtest.Worthless)})
	f.Published = nil
	sel := selectNow(t, f, plan, selection.Request{Budget: runtest.Budget(t, "1")})
	if sel.Selected != 0 || sel.Outputs.Subset != "" || f.SelectionState(plan.Run, sel.ID) != subset.StateFailed {
		t.Errorf("a selection of nothing is %+v", sel)
	}
	for _, words := range []string{
		"no sample can be selected", "below threshold", "1 of 2", "sample poor", "element 2",
		"threshold: every rating is 0, but a rating must exceed the threshold, which is 0; give -1",
	} {
		if !strings.Contains(sel.Problem, words) {
			t.Errorf("the problem %q lacks %q", sel.Problem, words)
		}
	}
	selectNow(t, f, plan, selection.Request{Budget: runtest.Budget(t, "1")})
	if diff := cmp.Diff([]string{plan.Run + "/" + sel.ID}, f.EventIDs(events.SelectionFailed)); diff != "" {
		t.Errorf("events of failed selections (-want +got):\n%s", diff)
	}
	if ids := f.EventIDs(events.SelectionCompleted); len(ids) > 0 {
		t.Errorf("selections of nothing are completed: %q", ids)
	}
}

// TestSelectionIDOfMaps checks that the order of the keys of maps does not change the id of a selection.
func TestSelectionIDOfMaps(t *testing.T) {
	t.Parallel()
	f, plan := varied(t)
	base := ""
	for range 20 {
		weights, thresholds := map[string]float64{}, map[string]int{}
		for i, name := range plan.Rubric.Capabilities {
			weights[name], thresholds[name] = float64(i+1), i%3
		}
		request := atBudget(t, "5", selection.Rules{
			Weights: weights, Thresholds: thresholds, Minimums: map[string]int{"tests": 1, "other": 1},
		})
		sel, err := f.Subsets.Select(t.Context(), plan.Run, request, run.Allowance{})
		if err != nil {
			t.Fatal(err)
		}
		if base == "" {
			base = sel.ID
		}
		if sel.ID != base {
			t.Fatalf("selections %s and %s of the same parameters", base, sel.ID)
		}
	}
}
