package run_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/harvest-ml/harvest/shared/bucket"
	"github.com/harvest-ml/harvest/shared/memory/memorytest"
	"github.com/harvest-ml/harvest/shared/rubric"
	"github.com/harvest-ml/harvest/shared/run"
	"github.com/harvest-ml/harvest/shared/run/runtest"
	"github.com/harvest-ml/harvest/shared/scorer"
)

// A dataset is not refused because the scorer is unreachable.
func TestScorerUnavailable(t *testing.T) {
	t.Parallel()
	input, err := bucket.NewView(map[string]bucket.Content{"datasets/d/d.json": bucket.Literal([]byte(`[{}]`))})
	if err != nil {
		t.Fatal(err)
	}
	work, err := bucket.OpenFolder(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	for name, tt := range map[string]struct {
		err     error
		refused bool
	}{
		"unreachable":    {fmt.Errorf("%w: the sidecar cannot be reached", scorer.ErrUnavailable), false},
		"no such scorer": {errors.New("there is no such kind"), true},
	} {
		runs, err := run.NewReader(work, run.DefaultCacheBytes)
		if err != nil {
			t.Fatal(err)
		}
		planner, err := run.NewPlanner(run.PlannerConfig{
			Runs: runs, Input: input, Work: work, Limits: runtest.Limits(), Memory: memorytest.Budget(t),
			OpenScorer: func(context.Context, string, *rubric.Rubric) (scorer.Scorer, error) { return nil, tt.err },
		})
		if err != nil {
			t.Fatal(err)
		}
		_, err = planner.Plan(t.Context(), run.Spec{Dataset: "d", Manifests: []string{"d.json"}, Scorer: "gpu"})
		_, refused := errors.AsType[*run.RefusedError](err)
		if err == nil || refused != tt.refused || !strings.Contains(err.Error(), tt.err.Error()) {
			t.Errorf("%s: error %v, refused %v", name, err, refused)
		}
	}
}
