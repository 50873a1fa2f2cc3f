package curate

import (
	"fmt"
	"net/http"

	"github.com/harvest-ml/harvest/shared/api"
	"github.com/harvest-ml/harvest/shared/run"
)

// maxPlannedBytes is the most bytes that the manifests of a dataset may have if it is planned while a caller waits,
// because planning reads all of them. It bounds their stored bytes together, and the unpacked bytes of each.
const maxPlannedBytes = 1 << 30

// plan serves POST /v1/plans.
func (s server) plan(r *http.Request) (answer, error) {
	ctx := r.Context()
	var spec run.Spec
	if err := decode(r, &spec); err != nil {
		return answer{}, err
	}
	outline, planned, err := s.planner.Identify(ctx, spec)
	if err != nil {
		return answer{}, err
	}
	var bytes int64
	for _, m := range outline.Manifests {
		bytes += m.Size
	}
	if bytes > maxPlannedBytes {
		return answer{}, api.NewProblem(http.StatusUnprocessableEntity, fmt.Sprintf(
			"manifests: they have %d bytes, and at most %d are planned while a caller waits; start the run, which waits "+
				"for its approval if it is estimated above MAX_RUN_COST", bytes, maxPlannedBytes))
	}
	plan, err := s.planner.Bounded(maxPlannedBytes, "POST "+api.PlansPath).Plan(ctx, spec)
	if err != nil {
		return answer{}, err
	}
	if !planned {
		defer s.planner.RemoveUnpacked(ctx, plan)
	}
	survey, err := s.planner.Survey(ctx, plan)
	if err != nil {
		return answer{}, err
	}
	changes, err := s.planner.ChangedImages(ctx, plan, func(int64) {})
	return answer{status: http.StatusOK, body: api.NewPlanReport(plan, survey, changes)}, err
}
