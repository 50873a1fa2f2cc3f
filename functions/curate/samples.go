package curate

import (
	"net/http"

	"github.com/harvest-ml/harvest/shared/api"
)

func (s server) showSamples(r *http.Request) (answer, error) {
	ids := r.URL.Query()["id"]
	if len(ids) == 0 {
		return answer{}, api.NewProblem(http.StatusBadRequest, "name the samples to show: ?id=…&id=…")
	}
	samples, err := s.subsets.Show(r.Context(), r.PathValue("run"), ids)
	return answer{status: http.StatusOK, body: api.SampleList{Samples: samples}}, err
}
