package subset_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/harvest-ml/harvest/shared/run"
	"github.com/harvest-ml/harvest/shared/run/runtest"
	"github.com/harvest-ml/harvest/shared/scores"
	"github.com/harvest-ml/harvest/shared/selection"
	"github.com/harvest-ml/harvest/shared/subset"
	"github.com/harvest-ml/harvest/shared/thorough"
)

// TestMain makes the garbage collector run less often, because the tests make much garbage.
func TestMain(m *testing.M) {
	if folder := os.Getenv(scaleFolder); folder != "" {
		if err := selectAlone(context.Background(), folder, os.Stdout); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	thorough.Quicken()
	m.Run()
}

// compareBudgets lets cmp compare budgets, whose fields are not exported.
var compareBudgets = cmpopts.EquateComparable(
	selection.Budget{}, selection.Cap{}, selection.VisualTokens{}, run.Allowance{})

// atBudget returns a request with these rules.
func atBudget(t *testing.T, budget string, rules selection.Rules) selection.Request {
	t.Helper()
	return selection.Request{Budget: runtest.Budget(t, budget), Rules: rules}
}

// scored returns a fixture with a scored run of these records and no selection.
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

// ids returns the ids of a selection's picks, in their order.
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

// from returns a record of a source.
func from(source, record string) string {
	return strings.Replace(record, `"data_source":"tests"`, `"data_source":"`+source+`"`, 1)
}

// varied returns a fixture with a scored run: 8 samples of the source tests (a00 to a07), 4 of the source other (b00 to
// b03; b00 and b01 have one image), two samples that differ only in their ids (twin1, twin2), a second record with the
// id a00, and a failed sample (bad).
func varied(t *testing.T) (*runtest.Fixture, *run.Plan) {
	t.Helper()
	f := runtest.New(t)
	f.Upload("images/demo/p.png", runtest.PNG(t, 8, 8))
	records := runtest.Plain("a", 8)
	for i, images := range [][]string{{"p.png"}, {"p.png"}, nil, nil} {
		records = append(records, from("other", runtest.Record("b0"+string(rune('0'+i)), "Well said.", images...)))
	}
	twin := runtest.Record("twin1", "The same.")
	records = append(records, twin, strings.Replace(twin, `"id":"twin1"`, `"id":"twin2"`, 1))
	records = slices.Insert(records, 1, runtest.Record("a00", "Again."))
	f.Upload("datasets/demo/a.json", runtest.Array(append(records, runtest.Record("bad", runtest.Unratable))))
	f.Limits.RangeBytes = 2000 // a00 and its duplicate are in one range; the run has several ranges
	plan := f.Begin("datasets/demo/a.json")
	f.Finish(plan)
	return f, plan
}

// imageCap returns a cap on the samples with one image.
func imageCap(t *testing.T, text string) selection.Caps {
	t.Helper()
	c, err := selection.ParseCap(text)
	if err != nil {
		t.Fatal(err)
	}
	return selection.Caps{Image: c}
}
