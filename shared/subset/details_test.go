package subset_test

import (
	"errors"
	"testing"

	"github.com/harvest-ml/harvest/shared/bucket"
	"github.com/harvest-ml/harvest/shared/run"
	"github.com/harvest-ml/harvest/shared/run/runtest"
	"github.com/harvest-ml/harvest/shared/selection"
	"github.com/harvest-ml/harvest/shared/subset"
)

// TestDetails explains a selection whose details do not exist yet, after a restart. A Reader, which writes nothing,
// returns an error then.
func TestDetails(t *testing.T) {
	t.Parallel()
	f, plan := scored(t, runtest.Plain("a", 12))
	request := selection.Request{Budget: runtest.Budget(t, "5")}
	sel, err := f.Subsets.Select(t.Context(), plan.Run, request, run.Allowance{})
	if err != nil {
		t.Fatal(err)
	}
	picks := run.Folder(plan.Run) + "selections/" + sel.ID + "/picks.parquet"
	if there, err := bucket.Exists(t.Context(), f.Work, picks); there || err != nil {
		t.Fatalf("the picks are written before they are needed: %v, %v", there, err)
	}
	runs, err := run.NewReader(f.Work, run.DefaultCacheBytes)
	if err != nil {
		t.Fatal(err)
	}
	reader, err := subset.NewReader(runs, f.Work, subset.DefaultLimits())
	if err != nil {
		t.Fatal(err)
	}
	_, err = reader.Explain(t.Context(), plan.Run, sel.ID, []string{"a00"})
	if _, refused := errors.AsType[*run.RefusedError](err); !refused {
		t.Errorf("a reader explains a selection that is being written: %v", err)
	}
	f.Restart()
	explained, err := f.Subsets.Explain(t.Context(), plan.Run, sel.ID, []string{"a00", "a11"})
	if err != nil || len(explained) != 2 {
		t.Fatalf("%+v, %v", explained, err)
	}
	after := f.Steps
	if _, err := reader.Explain(t.Context(), plan.Run, sel.ID, []string{"a00"}); err != nil {
		t.Error(err)
	}
	if err := f.Drain(); err != nil {
		t.Fatal(err)
	}
	if state, err := f.Subsets.State(t.Context(), sel); err != nil || state != subset.StateCompleted {
		t.Errorf("state %s, %v after %d writes", state, err, f.Steps-after)
	}
}
