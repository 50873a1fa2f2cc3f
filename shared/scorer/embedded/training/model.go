package training

import (
	"errors"
	"math"

	"github.com/harvest-ml/harvest/shared/scorer/embedded"
	"gonum.org/v1/gonum/mat"
)

// A model is a fit to a design: a linear function for each head.
type model struct {
	*design
	dense *mat.Dense  // features x heads
	grams [][]float64 // by bucket: a weight for each head; nil where there is none
}

// fit solves ridge regressions in their dual form, whose size is the number of samples and not that of the features:
// (K + penalty) a = targets, where K holds the products of the samples' features.
func (d *design) fit(penalty float64) (*model, error) {
	n, heads, capabilities := len(d.learn), d.heads(), len(d.rubric.Capabilities)
	duals := mat.NewDense(n, heads, nil)
	for _, part := range []struct {
		kernel     *mat.SymDense
		start, end int
	}{{d.ratings, 0, capabilities}, {d.styles, capabilities, heads}} {
		system := mat.NewSymDense(n, nil)
		system.CopySym(part.kernel)
		for i := range n {
			system.SetSym(i, i, system.At(i, i)+penalty)
		}
		var factor mat.Cholesky
		if !factor.Factorize(system) {
			return nil, errors.New("solving the regression: the features are degenerate")
		}
		if err := factor.SolveTo(duals.Slice(0, n, part.start, part.end).(*mat.Dense), d.targets.Slice(0, n, part.start, part.end)); err != nil {
			return nil, err
		}
	}
	return d.model(duals), nil
}

// setKernels computes the products of the samples' features, as the heads of ratings and those of styles see them.
func (d *design) setKernels() {
	n := len(d.learn)
	_, features := d.dense.Dims()
	own := features - embedded.RuleFeatures
	var dense, rules mat.SymDense
	dense.SymOuterK(denseVariance/float64(own), d.dense.Slice(0, n, 0, own))
	rules.SymOuterK(rulesVariance/embedded.RuleFeatures, d.dense.Slice(0, n, own, features))
	d.addGrams(&dense)
	d.ratings, d.styles = &dense, mat.NewSymDense(n, nil)
	d.styles.AddSym(&dense, &rules)
}

// addGrams adds the products of the n-grams to a kernel.
func (d *design) addGrams(kernel *mat.SymDense) {
	holders := make([][]feature, embedded.Buckets) // by bucket: samples so far
	row := make([]float64, len(d.learn))
	for i, grams := range d.grams {
		clear(row)
		for _, g := range grams {
			holders[g.index] = append(holders[g.index], feature{i, g.value})
			for _, h := range holders[g.index] {
				row[h.index] += g.value * h.value
			}
		}
		for j := range i + 1 {
			kernel.SetSym(i, j, kernel.At(i, j)+row[j]*gramVariance/4)
		}
	}
}

// model turns dual weights, one for each sample and head, into weights of the features.
func (d *design) model(duals *mat.Dense) *model {
	_, features := d.dense.Dims()
	own, capabilities := features-embedded.RuleFeatures, len(d.rubric.Capabilities)
	m := &model{design: d, dense: mat.NewDense(features, d.heads(), nil), grams: make([][]float64, embedded.Buckets)}
	m.dense.Mul(d.dense.T(), duals)
	m.dense.Apply(func(j, h int, w float64) float64 {
		switch {
		case j < own:
			return w * denseVariance / float64(own)
		case h < capabilities:
			return 0
		}
		return w * rulesVariance / embedded.RuleFeatures
	}, m.dense)
	for row, grams := range d.grams {
		dual := duals.RawRowView(row)
		for _, g := range grams {
			if m.grams[g.index] == nil {
				m.grams[g.index] = make([]float64, d.heads())
			}
			for h, a := range dual {
				m.grams[g.index][h] += g.value * d.buckets[g.index] * a * gramVariance / 4
			}
		}
	}
	return m
}

// predict is what the weights of the model give, before they are quantised.
func (m *model) predict(f *embedded.Features) []float64 {
	values := append([]float64(nil), m.centre...)
	h := embedded.Header{Mean: m.mean, Scale: m.scale}
	for j, v := range f.Dense {
		x := h.Standard(j, v)
		for k, w := range m.dense.RawRowView(j) {
			values[k] += x * w
		}
	}
	for _, grams := range f.Grams {
		norm := grams.Norm()
		for _, g := range grams {
			for k, w := range m.grams[g.Bucket] {
				values[k] += w * float64(g.Weight) / norm
			}
		}
	}
	return values
}

// weights are the model in the form that scorers read: n-gram weights as multiples of a unit of their head.
func (m *model) weights(cuts [][5]float32, thresholds []float32) *embedded.Weights {
	heads := m.heads()
	w := &embedded.Weights{
		Header: embedded.Header{
			Version: embedded.Version, Capabilities: m.rubric.Capabilities, Styles: m.rubric.Styles,
			Mean: m.mean, Scale: m.scale, Cuts: cuts, Thresholds: thresholds, GramUnits: make([]float32, heads),
		},
		Grams: make([]int8, embedded.Buckets*heads),
	}
	for h := range heads {
		w.Bias = append(w.Bias, float32(m.centre[h]))
		largest := 0.0
		for _, row := range m.grams {
			if row != nil {
				largest = max(largest, math.Abs(row[h]))
			}
		}
		w.GramUnits[h] = float32(largest / math.MaxInt8)
	}
	for b, row := range m.grams {
		for h, v := range row {
			if unit := float64(w.GramUnits[h]); unit > 0 {
				w.Grams[b*heads+h] = int8(math.Round(v / unit))
			}
		}
	}
	for j := range m.mean {
		for _, v := range m.dense.RawRowView(j) {
			w.Dense = append(w.Dense, float32(v))
		}
	}
	return w
}
