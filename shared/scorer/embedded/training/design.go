package training

import (
	"math"

	"github.com/harvest-ml/harvest/shared/rubric"
	"github.com/harvest-ml/harvest/shared/scorer/embedded"
	"gonum.org/v1/gonum/mat"
)

// A task is what is to be learned.
type task struct {
	samples []Sample
	rubric  *rubric.Rubric
}

func (t *task) heads() int { return len(t.rubric.Capabilities) + len(t.rubric.Styles) }

// The prior variances of what a model sees: dense features together, n-grams together, likenesses to prototypes, and,
// for styles, the rules. A cue counts as much as cueShare other features. These and rankShare were chosen by
// cross-validation on the default weights' samples.
const (
	denseVariance = 0.5
	gramVariance  = 0.5
	rulesVariance = 1.0
	cueShare      = 3
	likeVariance  = 0.6
)

// variance is the prior variance of a dense feature's weight.
func variance(feature, features int) float64 {
	share := denseVariance / float64(features-embedded.RuleFeatures)
	switch {
	case feature < embedded.CueFeatures:
		return share * cueShare
	case feature >= features-embedded.RuleFeatures:
		return rulesVariance / embedded.RuleFeatures
	}
	return share
}

// A design is a set of samples in the form that models are fitted to.
type design struct {
	*task
	learn       []int
	mean, scale []float32
	buckets     []float64   // the scale of each bucket's n-grams
	dense       *mat.Dense  // samples x features, standardised
	grams       [][]feature // by sample: n-grams that count
	prototypes  [][]int8
	likeness    *mat.Dense    // prototypes x samples
	likenesses  mat.Cholesky  // of those among the prototypes
	targets     *mat.Dense    // samples x heads
	centre      []float64     // of the targets, by head
	ratings     *mat.SymDense // kernels: products of the samples' features, for the heads of ratings
	styles      *mat.SymDense // and for those of styles
}

// A feature is one that a sample has, and its value.
type feature struct {
	index int
	value float64
}

// design prepares the samples that are to be learned from.
func (t *task) design(learn []int) (*design, error) {
	d, err := t.prepare(learn)
	if err != nil {
		return nil, err
	}
	return d, d.setKernels()
}

// prepare is design without the kernels.
func (t *task) prepare(learn []int) (*design, error) {
	d := &design{task: t, learn: learn}
	d.standardise()
	d.weighBuckets()
	for _, i := range learn {
		d.grams = append(d.grams, d.gramsOf(t.samples[i].Features))
	}
	d.setTargets()
	return d, d.setPrototypes()
}

// leastDeviation is added to a feature's deviation, so that one that hardly varies is not blown up.
const leastDeviation = 0.02

// standardise finds the mean and deviation of the dense features. Those of the rules stay as they are.
func (d *design) standardise() {
	features, n := len(embedded.FeatureNames()), float64(len(d.learn))
	d.mean, d.scale = make([]float32, features), make([]float32, features)
	for j := range features {
		sum, squares := 0.0, 0.0
		for _, i := range d.learn {
			sum += d.samples[i].Features.Dense[j]
		}
		for _, i := range d.learn {
			off := d.samples[i].Features.Dense[j] - sum/n
			squares += off * off
		}
		d.mean[j], d.scale[j] = float32(sum/n), float32(1/(math.Sqrt(squares/n)+leastDeviation))
		if j >= features-embedded.RuleFeatures {
			d.mean[j], d.scale[j] = 0, 1
		}
	}
	h := embedded.Header{Mean: d.mean, Scale: d.scale}
	d.dense = mat.NewDense(len(d.learn), features, nil)
	for row, i := range d.learn {
		for j, v := range d.samples[i].Features.Dense {
			d.dense.Set(row, j, h.Standard(j, v))
		}
	}
}

// weighBuckets gives rare n-grams more weight than common ones, those of one sample none, and those that are seen in
// many sources more than those of few, which depend on their source rather than on a capability.
func (d *design) weighBuckets() {
	samples := make([]int, embedded.Buckets)
	sources := make([]int, embedded.Buckets)
	seen := map[string]map[uint32]bool{}
	for _, i := range d.learn {
		s := &d.samples[i]
		if seen[s.Source] == nil {
			seen[s.Source] = map[uint32]bool{}
		}
		for _, grams := range s.Features.Grams {
			for _, g := range grams {
				samples[g.Bucket]++
				if !seen[s.Source][g.Bucket] {
					seen[s.Source][g.Bucket] = true
					sources[g.Bucket]++
				}
			}
		}
	}
	d.buckets = make([]float64, embedded.Buckets)
	for b, n := range samples {
		if n < 2 {
			continue
		}
		rarity := math.Log(float64(len(d.learn)+1)/float64(n+1)) + 1
		stability := math.Sqrt(float64(sources[b]) / float64(sources[b]+2))
		d.buckets[b] = rarity / 4 * stability
	}
}

func (d *design) gramsOf(f *embedded.Features) []feature {
	var known []feature
	for _, grams := range f.Grams {
		norm := grams.Norm()
		for _, g := range grams {
			if scale := d.buckets[g.Bucket]; scale > 0 {
				known = append(known, feature{int(g.Bucket), scale * float64(g.Weight) / norm})
			}
		}
	}
	return known
}
