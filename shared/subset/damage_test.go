package subset_test

import (
	"bytes"
	"errors"
	"strings"
	"testing"

	"github.com/harvest-ml/harvest/shared/bucket"
	"github.com/harvest-ml/harvest/shared/run"
	"github.com/harvest-ml/harvest/shared/run/runtest"
	"github.com/harvest-ml/harvest/shared/selection"
	"github.com/harvest-ml/harvest/shared/subset"
)

// lostSays checks that an error is a *bucket.LostError, and contains these words.
func lostSays(t *testing.T, err error, words ...string) {
	t.Helper()
	if _, lost := errors.AsType[*bucket.LostError](err); !lost {
		t.Errorf("error %v, want that of a lost object", err)
		return
	}
	for _, word := range words {
		if !strings.Contains(err.Error(), word) {
			t.Errorf("error %v does not say %q", err, word)
		}
	}
}

// TestDamagedAcceptance damages the objects with the times when a run and a selection were accepted. The run and the
// selection are still shown, and the selection can be made again.
func TestDamagedAcceptance(t *testing.T) {
	t.Parallel()
	f, plan := scored(t, runtest.Plain("a", 5))
	request := atBudget(t, "2", selection.Rules{})
	sel := selectNow(t, f, plan, request)
	for _, name := range []string{"accepted", "selections/" + sel.ID + "/accepted"} {
		f.Replace(run.Folder(plan.Run)+name, []byte(`{"at": "20`))
	}
	f.Restart()
	if status := f.Status(plan.Run); status.Created.IsZero() || len(status.Selections) != 1 {
		t.Errorf("status %+v", status)
	}
	listed, _, err := f.Subsets.ListPage(t.Context(), plan.Run, "", 9)
	if err != nil || len(listed) != 1 || listed[0].State != subset.StateCompleted {
		t.Errorf("listed %+v, error %v", listed, err)
	}
	f.Remove(run.Folder(plan.Run) + "selections/" + sel.ID + "/completed")
	f.Restart()
	before := f.Objects("index/")
	if again := selectNow(t, f, plan, request); again.ID != sel.ID {
		t.Errorf("selection %s, want %s", again.ID, sel.ID)
	}
	if after := f.Objects("index/accepted/"); len(after) > len(before) {
		t.Errorf("the index has %v, and had %v", after, before)
	}
}

// TestDamagedMarker damages the object that records that a dataset's selections are made. The selections are made
// again.
func TestDamagedMarker(t *testing.T) {
	t.Parallel()
	f := runtest.New(t)
	f.Upload("datasets/demo/parts/a.json", runtest.Array(runtest.Plain("a", 5)))
	f.Upload("datasets/demo/dataset.yaml", []byte("manifests: [parts/a.json]\nbudget: 2\n"))
	plan := f.Begin("datasets/demo/dataset.yaml")
	f.Finish(plan)
	f.Replace(run.Folder(plan.Run)+"made/automatic", []byte(`{"pro`))
	f.Restart()
	if status := f.Status(plan.Run); len(status.Selections) != 1 || status.SelectionProblem != "" {
		t.Errorf("status %+v", status)
	}
	f.Arrive("datasets/demo/dataset.yaml")
	drain(t, f)
	if status := f.Status(plan.Run); len(status.Selections) != 1 {
		t.Errorf("after another upload: status %+v", status)
	}
}

// TestLostSelection removes the selection.json of a selection. The selection is reported as lost, also in lists.
func TestLostSelection(t *testing.T) {
	t.Parallel()
	f, plan := scored(t, runtest.Plain("a", 5))
	sel := selectNow(t, f, plan, atBudget(t, "2", selection.Rules{}))
	f.Remove(sel.Outputs.Selection)
	f.Restart()
	_, err := f.Subsets.Selection(t.Context(), plan.Run, sel.ID)
	lostSays(t, err, sel.Outputs.Selection, "make the selection again")
	listed, _, err := f.Subsets.ListPage(t.Context(), plan.Run, "", 9)
	if err != nil || len(listed) != 1 || listed[0].State != run.StateDamaged {
		t.Errorf("listed %+v, error %v", listed, err)
	}
	f.Remove(run.Folder(plan.Run) + "selections/" + sel.ID)
	f.Restart()
	if again := selectNow(t, f, plan, atBudget(t, "2", selection.Rules{})); again.ID != sel.ID {
		t.Errorf("selection %s, want %s", again.ID, sel.ID)
	}
}

// TestDamagedCounts changes counts of a run and of a range, so that they do not add up. This is an error.
func TestDamagedCounts(t *testing.T) {
	t.Parallel()
	f, plan := scored(t, runtest.Plain("a", 5))
	marker := run.Folder(plan.Run) + "scored"
	whole := f.Read(marker)
	f.Replace(marker, bytes.Replace(whole, []byte(`"scored": 5`), []byte(`"scored": 0`), 1))
	f.Restart()
	_, err := f.Subsets.RunStatus(t.Context(), plan.Run)
	lostSays(t, err, marker, "of 5 samples 0 are scored")
	f.Replace(marker, whole)
	name := run.Folder(plan.Run) + "ranges/0000.json"
	f.Replace(name, bytes.Replace(f.Read(name), []byte(`"samples": 5`), []byte(`"samples": 6`), 1))
	f.Restart()
	_, err = f.Subsets.ShowOne(t.Context(), plan.Run, "@0")
	lostSays(t, err, name, "5 of 6 samples")
}

// TestDamagedMisses damages the object of near misses. Explanations return an error.
func TestDamagedMisses(t *testing.T) {
	t.Parallel()
	f, plan := scored(t, runtest.Plain("a", 5))
	sel := selectNow(t, f, plan, atBudget(t, "1", selection.Rules{}))
	name := run.Folder(plan.Run) + "selections/" + sel.ID + "/misses"
	f.Replace(name, bytes.Repeat([]byte{1}, len(f.Read(name))))
	f.Restart()
	_, err := f.Subsets.Explain(t.Context(), plan.Run, sel.ID, []string{"@0", "@1", "@2", "@3", "@4"})
	lostSays(t, err, name, "style 257")
}

// TestDamagedNumbers changes the content of a stored file of numbers. Its numbers are not used.
func TestDamagedNumbers(t *testing.T) {
	t.Parallel()
	f, plan := scored(t, runtest.Plain("a", 5))
	f.Upload("datasets/demo/n.csv", []byte("id,n\na00,1\na01,2\na02,3\n"))
	request := selection.Request{Budget: runtest.Budget(t, "1"), ScoresFrom: "n.csv",
		Rules: selection.Rules{Strategy: selection.Top, By: "n"}}
	first := selectNow(t, f, plan, request)
	stored := f.Objects("external/")
	if len(stored) != 1 {
		t.Fatalf("stored %v", stored)
	}
	f.Replace(stored[0], []byte("id,n\na00,1\n"))
	f.Remove(run.Folder(plan.Run) + "external/") // the columns that the run keeps
	f.Restart()
	request.Budget, request.ScoresFrom = runtest.Budget(t, "2"), first.Parameters.Request.ScoresFrom
	_, err := f.Subsets.Select(t.Context(), plan.Run, request, run.Allowance{})
	lostSays(t, err, stored[0], "restore "+stored[0]+" from a copy, or ", "give the file of scores_from again")
	f.Remove(stored[0])
	f.Restart()
	request.ScoresFrom = "n.csv"
	selectNow(t, f, plan, request)
}
