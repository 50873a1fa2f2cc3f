package training

import (
	"errors"
	"fmt"
	"slices"

	"gonum.org/v1/gonum/mat"
)

// A blockKey is what the blocks of a regression depend on.
type blockKey struct {
	penalty float64
	styles  bool
}

// blocks is a ridge regression of which the part of the base is solved once, however much own samples count: these
// enter by the Schur complement of the base.
type blocks struct {
	penalty float64
	factor  *mat.Cholesky // of the base's products and the penalty
	cross   *mat.Dense    // products: own samples x base
	solved  *mat.Dense    // the base's solution for each own sample's products: base x own samples
	own     *mat.SymDense // products: own samples x own samples
	known   *mat.Dense    // what the base explains of these
}

func (a *addition) newBlocks(d *design, key blockKey) (*blocks, error) {
	kernel := d.ratings
	if key.styles {
		kernel = d.styles
	}
	base, own := len(a.base.Samples), len(a.own)
	b := &blocks{penalty: key.penalty, own: mat.NewSymDense(own, nil)}
	b.own.CopySym(kernel.SliceSym(base, base+own))
	among := mat.NewSymDense(base, nil)
	among.CopySym(kernel.SliceSym(0, base))
	for i := range base {
		among.SetSym(i, i, among.At(i, i)+key.penalty)
	}
	b.factor = new(mat.Cholesky)
	if !b.factor.Factorize(among) {
		return nil, errDegenerate
	}
	b.cross = mat.NewDense(own, base, nil)
	b.cross.Apply(func(i, j int, _ float64) float64 { return kernel.At(base+i, j) }, b.cross)
	b.solved, b.known = new(mat.Dense), new(mat.Dense)
	if err := b.factor.SolveTo(b.solved, b.cross.T()); err != nil {
		return nil, fmt.Errorf("solving the regression: %w", err)
	}
	b.known.Mul(b.cross, b.solved)
	return b, nil
}

var errDegenerate = errors.New("solving the regression: the features are degenerate")

// A systemKey is what the system of own samples depends on, in addition to the blocks.
type systemKey struct {
	weight float64
	alone  bool
}

func (v variant) system() systemKey { return systemKey{v.weight, v.alone} }

// systems are those of the variants, each once.
func systems() (keys []systemKey) {
	for _, v := range variants() {
		if !slices.Contains(keys, v.system()) {
			keys = append(keys, v.system())
		}
	}
	return keys
}

// A system is what own samples solve for, factorised and inverted.
type system struct {
	systemKey
	factor  mat.Cholesky
	inverse mat.SymDense
}

// system is the one of own samples that count weight times: such a one has so many times less of the penalty.
func (b *blocks) system(key systemKey) (*system, error) {
	n := b.own.SymmetricDim()
	among, s := mat.NewSymDense(n, nil), &system{systemKey: key}
	for i := range n {
		for j := range i + 1 {
			value := b.own.At(i, j)
			if !key.alone {
				value -= b.known.At(i, j)
			}
			if i == j {
				value += b.penalty / key.weight
			}
			among.SetSym(i, j, value)
		}
	}
	if !s.factor.Factorize(among) {
		return nil, errDegenerate
	}
	if err := s.factor.InverseTo(&s.inverse); err != nil {
		return nil, fmt.Errorf("solving the regression: %w", err)
	}
	return s, nil
}

// solve is the dual solution for targets of the base and then of the own samples.
func (b *blocks) solve(s *system, targets []float64) (base, own []float64, err error) {
	count := len(targets) - b.own.SymmetricDim()
	rest, explained := mat.NewVecDense(len(targets)-count, slices.Clone(targets[count:])), new(mat.VecDense)
	if !s.alone {
		if err := b.factor.SolveVecTo(explained, mat.NewVecDense(count, targets[:count:count])); err != nil {
			return nil, nil, fmt.Errorf("solving the regression: %w", err)
		}
		var known mat.VecDense
		known.MulVec(b.cross, explained)
		rest.SubVec(rest, &known)
	}
	var solution mat.VecDense
	if err := s.factor.SolveVecTo(&solution, rest); err != nil {
		return nil, nil, fmt.Errorf("solving the regression: %w", err)
	}
	own = solution.RawVector().Data
	if s.alone {
		return make([]float64, count), own, nil
	}
	var moved mat.VecDense
	moved.MulVec(b.solved, &solution)
	explained.SubVec(explained, &moved)
	return explained.RawVector().Data, own, nil
}

// leftOut is how far the targets of a group of own samples lie from what a model of all others predicts for them, given
// the dual solution of the own samples: (inverse of the group's block of the inverse) x (the group's duals). Source:
// the block form of the inverse; for one sample it is the leave-one-out residual of ridge regression.
func (s *system) leftOut(group []int, own []float64) ([]float64, error) {
	block, duals := mat.NewSymDense(len(group), nil), mat.NewVecDense(len(group), nil)
	for row, i := range group {
		duals.SetVec(row, own[i])
		for column, j := range group[:row+1] {
			block.SetSym(row, column, s.inverse.At(i, j))
		}
	}
	var factor mat.Cholesky
	if !factor.Factorize(block) {
		return nil, errDegenerate
	}
	var residuals mat.VecDense
	if err := factor.SolveVecTo(&residuals, duals); err != nil {
		return nil, fmt.Errorf("solving the regression: %w", err)
	}
	return residuals.RawVector().Data, nil
}
