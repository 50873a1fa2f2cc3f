package training

import (
	"errors"
	"fmt"

	"github.com/harvest-ml/harvest/shared/scorer/embedded"
	"gonum.org/v1/gonum/mat"
)

// prototypes is how many samples stand for all in the non-linear part of a model.
const prototypes = 256

// jitter keeps nearly equal prototypes from being distinguished by rounding errors.
const jitter = 1e-3

// setPrototypes takes samples at even distances for prototypes, and compares all samples with them: Nystroem's
// approximation of a kernel (Williams and Seeger, 2001), so that a scorer compares a sample with a few hundred others
// and not all.
func (d *design) setPrototypes() error {
	h := embedded.Header{Mean: d.mean, Scale: d.scale}
	positions := make([][]int8, len(d.learn))
	for row, i := range d.learn {
		positions[row] = h.Position(d.samples[i].Features)
	}
	count := min(prototypes, len(positions))
	for k := range count {
		d.prototypes = append(d.prototypes, positions[k*len(positions)/count])
	}
	d.likeness = mat.NewDense(count, len(positions), nil)
	d.likeness.Apply(func(k, row int, _ float64) float64 { return embedded.Likeness(d.prototypes[k], positions[row]) },
		d.likeness)
	among := mat.NewSymDense(count, nil)
	for k := range count {
		for l := range k + 1 {
			among.SetSym(k, l, embedded.Likeness(d.prototypes[k], d.prototypes[l]))
		}
		among.SetSym(k, k, 1+jitter)
	}
	if !d.likenesses.Factorize(among) {
		return errors.New("comparing the samples: the features are degenerate")
	}
	return nil
}

// addLikenesses adds the products of the samples' likenesses to a kernel.
func (d *design) addLikenesses(kernel *mat.SymDense) error {
	var solved mat.Dense
	if err := d.likenesses.SolveTo(&solved, d.likeness); err != nil {
		return fmt.Errorf("comparing the samples: %w", err)
	}
	const rows = 256 // at a time: the products of all samples take as much memory as the kernel
	count, n := d.likeness.Dims()
	for start := 0; start < n; start += rows {
		end := min(start+rows, n)
		var products mat.Dense
		products.Mul(d.likeness.Slice(0, count, start, end).T(), solved.Slice(0, count, 0, end))
		for i := start; i < end; i++ {
			for j := range i + 1 {
				kernel.SetSym(i, j, kernel.At(i, j)+likeVariance*products.At(i-start, j))
			}
		}
	}
	return nil
}

// likenessWeights turns dual weights into weights of the prototypes.
func (d *design) likenessWeights(duals *mat.Dense) (*mat.Dense, error) {
	var products, weights mat.Dense
	products.Mul(d.likeness, duals)
	if err := d.likenesses.SolveTo(&weights, &products); err != nil {
		return nil, fmt.Errorf("comparing the samples: %w", err)
	}
	weights.Scale(likeVariance, &weights)
	return &weights, nil
}
