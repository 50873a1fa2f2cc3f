package training

import (
	"errors"
	"fmt"
	"math"

	"github.com/harvest-ml/harvest/shared/scorer/embedded"
	"gonum.org/v1/gonum/mat"
)

// A model is the result of fitting a design: a linear function for each head.
type model struct {
	*design
	dense       *mat.Dense  // features x heads
	byPrototype *mat.Dense  // prototypes x heads
	grams       [][]float64 // by bucket: a weight for each head; nil without n-grams
}

// fit solves the ridge regression of each head, with the head's penalty, in the dual form (K + penalty) a = targets. K
// has the products of the samples' features. Its size is the number of samples, not the number of features.
func (d *design) fit(penalties []float64) (*model, error) {
	duals := mat.NewDense(len(d.learn), d.heads(), nil)
	capabilities := len(d.rubric.Capabilities)
	for _, group := range []struct {
		kernel     *mat.SymDense
		start, end int
	}{{d.ratings, 0, capabilities}, {d.styles, capabilities, d.heads()}} {
		solved := map[float64]*mat.Dense{}
		for h := group.start; h < group.end; h++ {
			if solved[penalties[h]] == nil {
				s, err := d.solve(group.kernel, penalties[h], group.start, group.end)
				if err != nil {
					return nil, err
				}
				solved[penalties[h]] = s
			}
			duals.SetCol(h, mat.Col(nil, h-group.start, solved[penalties[h]]))
		}
	}
	return d.model(duals)
}

// solve returns the dual solution for the heads from start to end.
func (d *design) solve(kernel *mat.SymDense, penalty float64, start, end int) (*mat.Dense, error) {
	n := len(d.learn)
	system := mat.NewSymDense(n, nil)
	system.CopySym(kernel)
	for i := range n {
		system.SetSym(i, i, system.At(i, i)+penalty)
	}
	var factor mat.Cholesky
	if !factor.Factorize(system) {
		return nil, errors.New("solving the regression: the features are degenerate")
	}
	solution := mat.NewDense(n, end-start, nil)
	if err := factor.SolveTo(solution, d.targets.Slice(0, n, start, end)); err != nil {
		return nil, fmt.Errorf("solving the regression: %w", err)
	}
	return solution, nil
}

// setKernels computes the products of the samples' features, for the heads of ratings and for the heads of styles.
func (d *design) setKernels() error {
	n, features := d.dense.Dims()
	own := features - embedded.RuleFeatures
	var weighted mat.Dense
	weighted.Apply(func(_, j int, x float64) float64 { return x * math.Sqrt(variance(j, features)) }, d.dense)
	d.ratings, d.styles = mat.NewSymDense(n, nil), mat.NewSymDense(n, nil)
	d.ratings.SymOuterK(1, weighted.Slice(0, n, 0, own))
	d.addGrams(d.ratings)
	if err := d.addSimilarities(d.ratings); err != nil {
		return err
	}
	d.styles.SymOuterK(1, weighted.Slice(0, n, own, features))
	d.styles.AddSym(d.ratings, d.styles)
	return nil
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

// model converts dual weights, one for each sample and head, to weights of the features.
func (d *design) model(duals *mat.Dense) (*model, error) {
	_, features := d.dense.Dims()
	m := &model{design: d, dense: mat.NewDense(features, d.heads(), nil), grams: make([][]float64, embedded.Buckets)}
	var err error
	if m.byPrototype, err = d.prototypeWeights(duals); err != nil {
		return nil, err
	}
	m.dense.Mul(d.dense.T(), duals)
	m.dense.Apply(func(j, h int, w float64) float64 {
		if j >= features-embedded.RuleFeatures && h < len(d.rubric.Capabilities) {
			return 0
		}
		return w * variance(j, features)
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
	return m, nil
}

// predict returns the values of the heads, computed with the model's weights before they are quantised.
func (m *model) predict(f *embedded.Features) []float64 {
	values := append([]float64(nil), m.centre...)
	h := embedded.Header{Mean: m.mean, Scale: m.scale}
	for j, v := range f.Dense {
		x := h.Standard(j, v)
		for k, w := range m.dense.RawRowView(j) {
			values[k] += x * w
		}
	}
	place := h.Position(f)
	for i, prototype := range m.prototypes {
		similarity := embedded.Similarity(place, prototype)
		for k, w := range m.byPrototype.RawRowView(i) {
			values[k] += similarity * w
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

// weights returns the model in the form that scorers read. Each n-gram weight is a multiple of the unit of its head.
func (m *model) weights(c calibration) *embedded.Weights {
	heads := m.heads()
	w := &embedded.Weights{
		Header: embedded.Header{
			Version: embedded.Version, Capabilities: m.rubric.Capabilities, Styles: m.rubric.Styles,
			Mean: m.mean, Scale: m.scale, Cuts: c.cuts, Thresholds: c.thresholds, GramUnits: make([]float32, heads),
			PrototypeCount: len(m.prototypes),
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
	for i, prototype := range m.prototypes {
		w.Prototypes = append(w.Prototypes, prototype...)
		for _, v := range m.byPrototype.RawRowView(i) {
			w.Similarities = append(w.Similarities, float32(v))
		}
	}
	return w
}
