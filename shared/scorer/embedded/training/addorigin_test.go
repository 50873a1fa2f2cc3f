package training

import (
	"testing"
	"time"

	"github.com/harvest-ml/harvest/shared/rubric"
	"github.com/harvest-ml/harvest/shared/scorer/embedded"
	"github.com/harvest-ml/harvest/shared/study/agreement"
)

// TestOriginOfAddition counts the samples and sources on which the weights of an addition were trained: the user's
// samples, the base's, or both.
func TestOriginOfAddition(t *testing.T) {
	t.Parallel()
	base := &Base{Samples: make([]Sample, 5)}
	for i := range base.Samples {
		base.Samples[i].Source = []string{"a", "b"}[i%2]
	}
	for _, tt := range []struct {
		noBase, unused   bool
		samples, sources int
	}{{false, false, 8, 3}, {true, false, 3, 2}, {false, true, 5, 2}} {
		a := &Addition{
			Weights: &embedded.Weights{}, Own: 3, NoBase: tt.noBase, Unused: tt.unused, sources: []string{"b", "c"},
			Left: &agreement.Report{}, Before: &agreement.Report{},
		}
		origin := a.Origin(base, rubric.Default(), time.Now())
		if origin.Samples != tt.samples || origin.Sources != tt.sources || origin.Added.Unused != tt.unused {
			t.Errorf("without base %t, unused %t: %d samples of %d sources, unused %t; want %d of %d",
				tt.noBase, tt.unused, origin.Samples, origin.Sources, origin.Added.Unused, tt.samples, tt.sources)
		}
	}
}
