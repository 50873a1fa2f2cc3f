package subset_test

import (
	"bytes"
	"encoding/json"
	"testing"

	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/harvest-ml/harvest/shared/run"
	"github.com/harvest-ml/harvest/shared/run/runtest"
	"github.com/harvest-ml/harvest/shared/scores"
	"github.com/harvest-ml/harvest/shared/selection"
	"github.com/harvest-ml/harvest/shared/subset"
)

// compareBudgets lets cmp compare budgets, which keep their form to themselves.
var compareBudgets = cmpopts.EquateComparable(selection.Budget{}, selection.Cap{}, run.Allowance{})

// scored is a fixture with a scored run of these records and no selection.
func scored(t *testing.T, records []string) (*runtest.Fixture, *run.Plan) {
	t.Helper()
	f := runtest.New(t)
	f.Upload("datasets/demo/a.json", runtest.Array(records))
	plan := f.Begin("datasets/demo/a.json")
	f.Finish(plan)
	return f, plan
}

// selectNow makes a selection and writes its parts.
func selectNow(t *testing.T, f *runtest.Fixture, plan *run.Plan, request selection.Request) *subset.Selection {
	t.Helper()
	sel, err := f.Subsets.Select(t.Context(), plan.Run, request, run.Allowance{})
	if err != nil {
		t.Fatal(err)
	}
	f.Finish(plan)
	want := subset.StateCompleted
	if sel.Selected == 0 {
		want = subset.StateFailed
	}
	if state := f.SelectionState(plan.Run, sel.ID); state != want {
		t.Fatalf("selection %s is %s, want %s", sel.ID, state, want)
	}
	return sel
}

func picks(t *testing.T, f *runtest.Fixture, sel *subset.Selection) []scores.Pick {
	t.Helper()
	data := f.Read(sel.Outputs.Picks)
	picks, err := scores.ReadPicks(bytes.NewReader(data), int64(len(data)))
	if err != nil {
		t.Fatal(err)
	}
	return picks
}

// ids are those of a selection's picks, in their order.
func ids(t *testing.T, f *runtest.Fixture, sel *subset.Selection) []string {
	t.Helper()
	var ids []string
	for _, p := range picks(t, f, sel) {
		ids = append(ids, p.ID)
	}
	return ids
}

func rejected(t *testing.T, f *runtest.Fixture, sel *subset.Selection) []subset.Rejected {
	t.Helper()
	var found []subset.Rejected
	for dec := json.NewDecoder(bytes.NewReader(f.Read(sel.Outputs.Rejected))); dec.More(); {
		var r subset.Rejected
		if err := dec.Decode(&r); err != nil {
			t.Fatal(err)
		}
		found = append(found, r)
	}
	return found
}
