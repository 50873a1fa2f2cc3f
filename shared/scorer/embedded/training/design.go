package training

import (
	"math"

	"github.com/harvest-ml/harvest/shared/rubric"
	"github.com/harvest-ml/harvest/shared/scorer/embedded"
	"gonum.org/v1/gonum/mat"
)

// A task has the annotated samples to train on, and their rubric.
type task struct {
	samples []Sample
	rubric  *rubric.Rubric
}

func (t *task) heads() int { return len(t.rubric.Capabilities) + len(t.rubric.Styles) }

// These are prior variances. Each is the total of a group of features: the dense features, the n-grams, the
// similarities to prototypes and, for styles, the rules. A cue counts as much as cueShare other features. These numbers
// and rankShare were chosen by cross-validation on the samples of the default weights.
const (
	denseVariance      = 0.5
	gramVariance       = 0.5
	rulesVariance      = 1.0
	cueShare           = 3
	similarityVariance = 0.6
)

// variance returns the prior variance of a dense feature's weight.
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

// A design has a set of samples in the form that fitting a model requires.
type design struct {
	*task
	learn           []int
	mean, scale     []float32
	buckets         []float64   // the scale of each bucket's n-grams
	dense           *mat.Dense  // samples x features, standardised
	grams           [][]feature // n-grams with a weight, by sample
	prototypes      [][]int8
	similarity      *mat.Dense    // prototypes x samples
	prototypeFactor mat.Cholesky  // Cholesky factor of the similarities among prototypes
	targets         *mat.Dense    // samples x heads
	centre          []float64     // means of the targets, by head
	ratings         *mat.SymDense // kernels: products of the samples' features, for the heads of ratings
	styles          *mat.SymDense // the same for the heads of styles
}

// A feature is the index and the value of a feature of a sample. Features with the value 0 are not listed.
type feature struct {
	index int
	value float64
}

// design prepares the samples with the indexes in learn for training.
func (t *task) design(learn []int) (*design, error) {
	d, err := t.prepare(learn)
	if err != nil {
		return nil, err
	}
	return d, d.setKernels()
}

// prepare does the work of design, except the kernels.
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

// leastDeviation is added to the standard deviation of a feature. Without it, a nearly constant feature would get a
// very large scale.
const leastDeviation = 0.02

// standardise computes the mean and the scale of each dense feature, and sets the standardised features. It does not
// change the features of the rules.
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

// weighBuckets sets the weights of n-grams. A rare n-gram has more weight than a common one. An n-gram of a single
// sample has no weight. An n-gram of many sources has more weight than an n-gram of few sources, because the latter
// depends more on the source than on a capability.
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
