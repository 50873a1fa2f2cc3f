package run

import (
	"cmp"
	"math/rand/v2"
	"slices"

	"github.com/harvest-ml/harvest/shared/dataset"
)

const (
	// trialEach is the largest number of samples of a source that are rated as a trial.
	trialEach = 100
	// trialMost is the largest number of samples that are rated as a trial. It is shared by the sources: each source has
	// the same number, or all of its samples.
	trialMost = 300
)

// A trialSamples draws some of the valid samples of a dataset, at random over the whole dataset. The same dataset gives
// the same samples.
type trialSamples struct {
	order   []*trialSource // in the order of their first samples
	sources map[string]*trialSource
	each    int // the largest number of samples of a source
	kept    int
	seen    int
	rng     *rand.Rand
}

// A trialSource has the drawn samples of a source.
type trialSource struct {
	seen  int
	drawn []trialSample
}

// A trialSample is a sample with its range, and with its number among all valid samples.
type trialSample struct {
	sample         dataset.Sample
	inRange, place int
}

func newTrialSamples() *trialSamples {
	return &trialSamples{sources: map[string]*trialSource{}, each: trialEach, rng: rand.New(rand.NewPCG(1, 0))}
}

// add offers the next valid samples, which are in a range.
func (t *trialSamples) add(r int, valid []dataset.Sample) {
	for i := range valid {
		t.seen++
		s, known := t.sources[valid[i].Source]
		switch {
		case !known && len(t.order) == trialMost:
			continue
		case !known:
			s = &trialSource{}
			t.sources[valid[i].Source], t.order = s, append(t.order, s)
		}
		s.seen++
		offered := trialSample{valid[i], r, t.seen}
		if len(s.drawn) < t.each {
			s.drawn = append(s.drawn, offered)
			t.kept++
			t.shrink()
		} else if at := t.rng.IntN(s.seen); at < len(s.drawn) {
			s.drawn[at] = offered
		}
	}
}

// shrink removes samples of the sources with the most samples until at most trialMost samples are left.
func (t *trialSamples) shrink() {
	for t.kept > trialMost {
		t.each--
		for _, s := range t.order {
			if n := len(s.drawn); n > t.each {
				at := t.rng.IntN(n)
				s.drawn[at] = s.drawn[n-1]
				s.drawn = s.drawn[:n-1]
				t.kept--
			}
		}
	}
}

// all returns the drawn samples and their ranges, in the order of the dataset.
func (t *trialSamples) all() (samples []dataset.Sample, ranges []int) {
	var drawn []trialSample
	for _, s := range t.order {
		drawn = append(drawn, s.drawn...)
	}
	slices.SortFunc(drawn, func(a, b trialSample) int { return cmp.Compare(a.place, b.place) })
	for _, d := range drawn {
		samples, ranges = append(samples, d.sample), append(ranges, d.inRange)
	}
	return samples, ranges
}
