package run

import (
	"testing"

	"github.com/harvest-ml/harvest/shared/dataset"
)

// TestTrialSamples picks the first hundred samples, and ten of each later source, up to three hundred samples.
func TestTrialSamples(t *testing.T) {
	t.Parallel()
	var tried trialSamples
	add := func(source string, n int) {
		samples := make([]dataset.Sample, n)
		for i := range samples {
			samples[i].Source = source
		}
		tried.add(0, samples)
	}
	add("first", 150)
	add("second", 4)
	add("second", 30)
	if n := len(tried.samples); n != 110 || tried.sources["second"] != 10 || len(tried.ranges) != n {
		t.Errorf("%d samples, by source %v", n, tried.sources)
	}
	for range 40 {
		add(string(rune('a'+len(tried.sources))), 20)
	}
	if n := len(tried.samples); n != 300 {
		t.Errorf("%d samples of many sources", n)
	}
}
