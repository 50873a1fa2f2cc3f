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
