package curate

import (
	"net/http"

	"github.com/harvest-ml/harvest/shared/api"
	"github.com/harvest-ml/harvest/shared/scorer/kinds"
	"github.com/harvest-ml/harvest/shared/subset"
)

func (s server) sweep(r *http.Request) (answer, error) {
	var asked api.SweepRequest
	if err := decode(r, &asked); err != nil {
		return answer{}, err
	}
	if asked.RatingErrors == nil {
		plan, err := s.runs.UsablePlan(r.Context(), r.PathValue("run"))
		if err != nil {
			return answer{}, err
		}
		asked.RatingErrors = kinds.RatingErrors(plan.Scorer, plan.Rubric.Capabilities)
	}
	sweep, err := s.subsets.Sweep(r.Context(), r.PathValue("run"), asked.SweepRequest, asked.MaxFailed)
	return answer{status: http.StatusOK, body: sweep}, err
}

func (s server) compare(r *http.Request) (answer, error) {
	var asked subset.CompareRequest
	if err := decode(r, &asked); err != nil {
		return answer{}, err
	}
	comparison, err := s.subsets.Compare(r.Context(), r.PathValue("run"), asked)
	return answer{status: http.StatusOK, body: comparison}, err
}
