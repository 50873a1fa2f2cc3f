package training_test

import (
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/harvest-ml/harvest/shared/memory/memorytest"
	"github.com/harvest-ml/harvest/shared/scorer/embedded"
	"github.com/harvest-ml/harvest/shared/scorer/embedded/training"
	"github.com/harvest-ml/harvest/shared/scorer/reach"
	"github.com/harvest-ml/harvest/shared/thorough"
)

// TestReach measures errors by distance. With too few families of sources, there are no errors. A scorer with the
// weights has the same errors, and returns the distance of each sample.
func TestReach(t *testing.T) {
	t.Parallel()
	thorough.Only(t)
	r := harbour(t)
	learn, items := samples(0, 160)
	few, _ := train(t, learn, r)
	if few.Weights.Reach != nil {
		t.Errorf("4 families have errors: %+v", few.Weights.Reach)
	}
	for i := range learn {
		learn[i].Source = fmt.Sprintf("family%d_%d", i%10, i%2)
	}
	result, file := train(t, learn, r)
	s := result.Weights.Reach
	if s == nil {
		t.Fatal("no errors by distance")
	}
	sources, samples := 0, 0
	for _, m := range s.Bands {
		sources, samples = sources+m.Sources, samples+m.Samples
	}
	if sources != 10 || samples != 160 || s.Edge < 1 || s.Far < s.Edge || s.Errors[reach.Edge][1] <= 0 {
		t.Errorf("%d sources, %d samples, scale %+v", sources, samples, s)
	}
	loaded, err := embedded.Load(file, r, memorytest.Budget(t))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(s, reach.Of(loaded)); diff != "" {
		t.Errorf("reach of the weights (-want +got):\n%s", diff)
	}
	results, err := loaded.Rate(t.Context(), items[:9])
	if err != nil {
		t.Fatal(err)
	}
	for i := range results {
		if d := results[i].Distance; d < 1 || d > 2*s.Far {
			t.Errorf("sample %d has the distance %d, but samples are far only from %d on", i, d, s.Far)
		}
	}
}

// TestDefaultReach checks the errors of the embedded weights: there is a forecast, and errors grow with the distance.
func TestDefaultReach(t *testing.T) {
	t.Parallel()
	w, err := embedded.DefaultWeights()
	if err != nil {
		t.Fatal(err)
	}
	base, err := training.Builtin()
	if err != nil {
		t.Fatal(err)
	}
	all := map[string]bool{}
	for i := range base.Samples {
		all[base.Samples[i].Source] = true
	}
	s := w.Reach
	if s == nil || !s.Forecasts() {
		t.Fatalf("no forecast: %+v", s)
	}
	near, edge, far := s.Bands[reach.Near], s.Bands[reach.Edge], s.Bands[reach.Far]
	if !(near.Error.Value < edge.Error.Value && edge.Error.Value < far.Error.Value) ||
		near.Sources+edge.Sources+far.Sources != len(all) {
		t.Errorf("bands %+v of %d sources", s.Bands, len(all))
	}
}
