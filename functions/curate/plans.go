package curate

import (
	"fmt"
	"net/http"

	"github.com/harvest-ml/harvest/shared/api"
	"github.com/harvest-ml/harvest/shared/run"
)

// maxPlannedBytes limits the manifests of a dataset that is planned during a call, because planning reads all of their
// bytes. It limits the sum of their stored bytes, and the unpacked bytes of each manifest.
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
			"manifests: they have %d bytes, and POST %s reads at most %d; start the run with POST %s. If the run's "+
				"estimated cost is above MAX_RUN_COST, the run waits for an approval",
			bytes, api.PlansPath, maxPlannedBytes, api.RunsPath))
	}
	plan, err := s.planner.Bounded(maxPlannedBytes, "POST "+api.PlansPath).Plan(ctx, spec)
	if err != nil {
		return answer{}, err
	}
	defer func() {
		scored := false
		if planned {
			scored, _ = s.runs.Scored(ctx, plan.Run) // if this fails, keep the content: an unfinished run may need it
		}
		if scored || !planned {
			s.planner.RemoveUnpacked(ctx, plan)
		}
	}()
	survey, err := s.planner.Survey(ctx, plan)
	if err != nil {
		return answer{}, err
	}
	changes, err := s.planner.ChangedImages(ctx, plan, func(int64) {})
	return answer{status: http.StatusOK, body: api.NewPlanReport(plan, survey, changes)}, err
}
