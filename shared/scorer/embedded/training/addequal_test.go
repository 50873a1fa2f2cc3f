package training

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/harvest-ml/harvest/shared/rubric"
	"github.com/harvest-ml/harvest/shared/scorer/embedded"
	"github.com/harvest-ml/harvest/shared/thorough"
	"gonum.org/v1/gonum/mat"
)

// TestAddEqualsTraining adds samples to a base, and trains on all samples together: both give the same model. With
// features that are not rounded to 8 bits, the models differ by less than a step of a rating.
func TestAddEqualsTraining(t *testing.T) {
	t.Parallel()
	base, builtin, out := someSources(t)
	own, rest := ratedBy(out, 10, func(_ int, rating int8) int8 { return rating })
	a := newAddition(base, builtin, own, rubric.Default())
	learned, err := a.fit(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	equal := slices.Index(variants(), variant{weight: 1})
	added, err := learned.model(slices.Repeat([]int{equal}, a.task(nil).heads()))
	if err != nil {
		t.Fatal(err)
	}
	for name, tt := range map[string]struct {
		samples []Sample
		within  float64
	}{
		"the same features":     {base.Samples, 1e-6},
		"features of more bits": {unrounded(base.Samples), 0.1},
	} {
		together := &task{samples: slices.Concat(tt.samples, own), rubric: rubric.Default()}
		d, err := together.design(all(len(together.samples)))
		if err != nil {
			t.Fatal(err)
		}
		trained, err := d.fit(base.Penalties)
		if err != nil {
			t.Fatal(err)
		}
		most := 0.0
		for i := range rest {
			values := trained.predict(rest[i].Features)
			for h, v := range added.predict(rest[i].Features) {
				most = max(most, math.Abs(v-values[h]))
			}
		}
		t.Logf("%s: values differ by %.2g at most", name, most)
		if most > tt.within {
			t.Errorf("%s: values differ by %g, but may differ by at most %g", name, most, tt.within)
		}
	}
}

// unrounded returns the samples with features that a base rounds to the same steps.
func unrounded(samples []Sample) []Sample {
	rng := rand.New(rand.NewPCG(6, 6))
	out := slices.Clone(samples)
	for j := range embedded.FeatureNames() {
		low, high := math.Inf(1), math.Inf(-1)
		for i := range samples {
			low, high = min(low, samples[i].Features.Dense[j]), max(high, samples[i].Features.Dense[j])
		}
		for i := range out {
			if j == 0 {
				out[i].Features = &embedded.Features{
					Dense: slices.Clone(samples[i].Features.Dense), Grams: samples[i].Features.Grams,
				}
			}
			out[i].Features.Dense[j] += (rng.Float64() - 0.5) * (high - low) / baseSteps
		}
	}
	return out
}

// TestLeftOut compares the predictions for held-out samples of the user with a solution that is computed without these
// samples. Some of the samples share an image.
func TestLeftOut(t *testing.T) {
	t.Parallel()
	whole, err := Builtin()
	if err != nil {
		t.Fatal(err)
	}
	builtin, err := embedded.DefaultWeights()
	if err != nil {
		t.Fatal(err)
	}
	base := &Base{Capabilities: whole.Capabilities, Styles: whole.Styles, Samples: whole.Samples[:90]}
	own := slices.Clone(whole.Samples[90:114])
	own[3].Images, own[9].Images = []string{"same"}, []string{"same"}
	a := newAddition(base, builtin, own, rubric.Default())
	d, err := a.task(own).design(all(len(base.Samples) + len(own)))
	if err != nil {
		t.Fatal(err)
	}
	for _, key := range systems() {
		b, err := a.newBlocks(d, blockKey{penalty: 0.2}, a.newScratch())
		if err != nil {
			t.Fatal(err)
		}
		s, err := b.system(key)
		if err != nil {
			t.Fatal(err)
		}
		targets, _ := a.targets(2, variant{weight: key.weight, alone: key.alone})
		_, duals, err := b.solve(s, targets)
		if err != nil {
			t.Fatal(err)
		}
		for _, group := range [][]int{{0}, {3, 9}} {
			residuals, err := s.leftOut(group, duals)
			if err != nil {
				t.Fatal(err)
			}
			for k, i := range group {
				got, want := targets[len(base.Samples)+i]-residuals[k], without(t, d, key, targets, len(base.Samples), group, i)
				if math.Abs(got-want) > 1e-6 {
					t.Errorf("%+v: sample %d without %v is predicted as %g, want %g", key, i, group, got, want)
				}
			}
		}
	}
}

// without predicts a sample of the user from all samples except a group of the user's samples. Samples of the base have
// weight 1, and the user's samples have the weight of the key.
func without(t *testing.T, d *design, key systemKey, targets []float64, base int, group []int, i int) float64 {
	t.Helper()
	var learn []int
	for row := range targets {
		if !slices.Contains(group, row-base) && (!key.alone || row >= base) {
			learn = append(learn, row)
		}
	}
	rows, own := len(learn), base+i
	among, rest := mat.NewSymDense(rows, nil), mat.NewVecDense(rows, nil)
	for r, x := range learn {
		weight := 1.0
		if x >= base {
			weight = key.weight
		}
		rest.SetVec(r, targets[x])
		for c, y := range learn[:r+1] {
			among.SetSym(r, c, d.ratings.At(x, y))
		}
		among.SetSym(r, r, d.ratings.At(x, x)+0.2/weight)
	}
	var factor mat.Cholesky
	var duals mat.VecDense
	if !factor.Factorize(among) {
		t.Fatal("the features are degenerate")
	}
	if err := factor.SolveVecTo(&duals, rest); err != nil {
		t.Fatal(err)
	}
	value := 0.0
	for c, y := range learn {
		value += d.ratings.At(own, y) * duals.AtVec(c)
	}
	return value
}

// TestAddMany trains without holding out samples, as for many samples, with another variant for each head. The model
// equals the model of the regressions that hold out samples.
func TestAddMany(t *testing.T) {
	t.Parallel()
	thorough.Only(t)
	base, builtin, out := someSources(t)
	own, rest := ratedBy(out, 5, func(_ int, rating int8) int8 { return rating })
	a := newAddition(base, builtin, own, rubric.Default())
	learned, err := a.fit(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	heads := make([]int, a.task(nil).heads())
	for h := range heads {
		heads[h] = h % len(variants())
	}
	want, err := learned.model(heads)
	if err != nil {
		t.Fatal(err)
	}
	got, err := a.solve(t.Context(), heads)
	if err != nil {
		t.Fatal(err)
	}
	most := 0.0
	for i := range rest {
		values := want.predict(rest[i].Features)
		for h, value := range got.predict(rest[i].Features) {
			most = max(most, math.Abs(value-values[h]))
		}
	}
	if t.Logf("values differ by %.2g at most", most); most > 1e-6 {
		t.Errorf("values differ by %g", most)
	}
}

// TestAddLeavesSomeOut trains on all of the user's samples, but holds out only as many as requested.
func TestAddLeavesSomeOut(t *testing.T) {
	t.Parallel()
	thorough.Only(t)
	base, builtin, out := someSources(t)
	own, rest := ratedBy(out, 20, func(_ int, rating int8) int8 { return rating })
	add := func(left int, all []Sample) *Addition {
		t.Helper()
		a := newAddition(base, builtin, subsample(own, left), rubric.Default())
		a.all = all
		added, err := a.learn(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		return added
	}
	many, some := add(len(own)/2, own), add(len(own)/2, subsample(own, len(own)/2))
	if many.Own != len(own) || many.Left.Samples != len(own)/2 {
		t.Errorf("%d samples are used in training and %d are held out, of %d", many.Own, many.Left.Samples, len(own))
	}
	score := func(added *Addition) float64 { return score(measured(t, added.Weights, rest).Mean.Figures) }
	whole := add(len(own), own)
	t.Logf("agreement with others: %.3f where all are left out, %.3f where half is, %.3f where half is learned from",
		score(whole), score(many), score(some))
	if score(many) < score(some) || score(many) < score(whole)-0.02 {
		t.Errorf("score with all samples %.3f, with half of them %.3f, with all held out %.3f", score(many), score(some),
			score(whole))
	}
}
