package training

import (
	"errors"
	"fmt"

	"github.com/harvest-ml/harvest/shared/scorer/embedded"
	"gonum.org/v1/gonum/mat"
)

// prototypes is the largest number of samples that represent all samples in the non-linear part of a model.
const prototypes = 256

// jitter is added to the similarity of each prototype to itself. So rounding errors do not distinguish nearly equal
// prototypes.
const jitter = 1e-3

// setPrototypes chooses evenly spaced samples as prototypes, and computes the similarities of all samples to them. This
// is Nystroem's approximation of a kernel (Williams and Seeger, 2001). With it, a scorer compares a sample with a few
// hundred others, not with all.
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
	d.similarity = mat.NewDense(count, len(positions), nil)
	d.similarity.Apply(func(k, row int, _ float64) float64 { return embedded.Similarity(d.prototypes[k], positions[row]) },
		d.similarity)
	among := mat.NewSymDense(count, nil)
	for k := range count {
		for l := range k + 1 {
			among.SetSym(k, l, embedded.Similarity(d.prototypes[k], d.prototypes[l]))
		}
		among.SetSym(k, k, 1+jitter)
	}
	if !d.prototypeFactor.Factorize(among) {
		return errors.New("comparing the samples: the features are degenerate")
	}
	return nil
}

// addSimilarities adds the products of the samples' similarities to a kernel.
func (d *design) addSimilarities(kernel *mat.SymDense) error {
	var solved mat.Dense
	if err := d.prototypeFactor.SolveTo(&solved, d.similarity); err != nil {
		return fmt.Errorf("comparing the samples: %w", err)
	}
	const rows = 256 // number of rows in a product: the products of all rows would need as much memory as the kernel
	count, n := d.similarity.Dims()
	for start := 0; start < n; start += rows {
		end := min(start+rows, n)
		var products mat.Dense
		products.Mul(d.similarity.Slice(0, count, start, end).T(), solved.Slice(0, count, 0, end))
		for i := start; i < end; i++ {
			for j := range i + 1 {
				kernel.SetSym(i, j, kernel.At(i, j)+similarityVariance*products.At(i-start, j))
			}
		}
	}
	return nil
}

// prototypeWeights converts dual weights to weights of the prototypes.
func (d *design) prototypeWeights(duals *mat.Dense) (*mat.Dense, error) {
	var products, weights mat.Dense
	products.Mul(d.similarity, duals)
	if err := d.prototypeFactor.SolveTo(&weights, &products); err != nil {
		return nil, fmt.Errorf("comparing the samples: %w", err)
	}
	weights.Scale(similarityVariance, &weights)
	return &weights, nil
}
