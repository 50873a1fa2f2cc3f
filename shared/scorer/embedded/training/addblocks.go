package training

import (
	"errors"
	"fmt"
	"slices"

	"gonum.org/v1/gonum/blas"
	"gonum.org/v1/gonum/blas/blas64"
	"gonum.org/v1/gonum/mat"
)

// A blockKey identifies the matrices that regressions of several heads share: they depend only on these values.
type blockKey struct {
	penalty float64
	styles  bool
}

func (a *addition) key(head int) blockKey {
	return blockKey{a.base.Penalties[head], head >= len(a.rubric.Capabilities)}
}

// blocks is a ridge regression in two blocks. The block of the base is solved once. The user's samples, with any
// weight, are added by the Schur complement of the base.
type blocks struct {
	penalty float64
	*scratch
	cross mat.Matrix    // products of features: base x user's samples
	own   *mat.SymDense // products of features: user's samples x user's samples
}

// scratch is memory that regressions use one after another. The matrices of a few thousand samples need most of the
// free memory of a small machine.
type scratch struct {
	factor mat.Cholesky  // Cholesky factor of the base's products plus the penalty
	rest   *mat.SymDense // the part of own that the base does not explain: the Schur complement
	system system
	buffer []float64 // for temporary matrices
}

func (a *addition) newScratch() *scratch {
	base, own := len(a.base.Samples), len(a.own)
	most := max(base, own)
	return &scratch{rest: mat.NewSymDense(own, nil), buffer: make([]float64, most*most)}
}

// symmetric returns a copy of a symmetric matrix, with add added to its diagonal. The copy uses the buffer.
func (s *scratch) symmetric(from *mat.SymDense, add float64) *mat.SymDense {
	n := from.SymmetricDim()
	m := mat.NewSymDense(n, s.buffer[:n*n])
	m.CopySym(from)
	for i := range n {
		m.SetSym(i, i, m.At(i, i)+add)
	}
	return m
}

func (a *addition) newBlocks(d *design, key blockKey, s *scratch) (*blocks, error) {
	kernel := d.ratings
	if key.styles {
		kernel = d.styles
	}
	base, own := len(a.base.Samples), len(a.own)
	among := kernel.SliceSym(0, base).(*mat.SymDense)
	if !s.factor.Factorize(s.symmetric(among, key.penalty)) {
		return nil, errDegenerate
	}
	b := &blocks{penalty: key.penalty, scratch: s, own: kernel.SliceSym(base, base+own).(*mat.SymDense)}
	all := kernel.RawSymmetric()
	upper := blas64.General{Rows: base, Cols: own, Stride: all.Stride, Data: all.Data[base:]}
	cross := new(mat.Dense)
	cross.SetRawMatrix(upper)
	b.cross = cross
	b.setRest(upper)
	return b, nil
}

// setRest sets rest to own - half' half, where half = (factor of the base)'^-1 cross.
func (b *blocks) setRest(cross blas64.General) {
	half := blas64.General{Rows: cross.Rows, Cols: cross.Cols, Stride: cross.Cols, Data: b.buffer[:cross.Rows*cross.Cols]}
	for i := range half.Rows {
		copy(half.Data[i*half.Stride:][:half.Cols], cross.Data[i*cross.Stride:][:cross.Cols])
	}
	blas64.Trsm(blas.Left, blas.Trans, 1, upperOf(&b.factor), half)
	b.rest.CopySym(b.own)
	rest := b.rest.RawSymmetric()
	const width = 256 // number of columns in a product; with blocks of columns, the lower half is not computed
	for start := 0; start < half.Cols; start += width {
		end := min(start+width, half.Cols)
		left, right, into := half, half, blas64.General{
			Rows: end, Cols: end - start, Stride: rest.Stride, Data: rest.Data[start:],
		}
		left.Cols = end
		right.Cols, right.Data = end-start, half.Data[start:]
		blas64.Gemm(blas.Trans, blas.NoTrans, -1, left, right, 1, into)
	}
}

var errDegenerate = errors.New("solving the regression: the features are degenerate")

// A systemKey has the values on which the system of the user's samples depends, in addition to the blocks.
type systemKey struct {
	weight float64
	alone  bool
}

func (v variant) system() systemKey { return systemKey{v.weight, v.alone} }

// systems returns the different system keys of the variants.
func systems() (keys []systemKey) {
	for _, v := range variants() {
		if !slices.Contains(keys, v.system()) {
			keys = append(keys, v.system())
		}
	}
	return keys
}

// A system is the matrix of the equations for the user's samples: its Cholesky factor and its inverse.
type system struct {
	systemKey
	factor  mat.Cholesky
	inverse *mat.SymDense
}

// system returns the system for a weight of the user's samples: their penalty is divided by the weight. The earlier
// system is overwritten.
func (b *blocks) system(key systemKey) (*system, error) {
	s := &b.scratch.system
	s.systemKey = key
	among := b.rest
	if key.alone {
		among = b.own
	}
	s.inverse = b.symmetric(among, b.penalty/key.weight)
	if !s.factor.Factorize(s.inverse) {
		return nil, errDegenerate
	}
	if err := s.factor.InverseTo(s.inverse); err != nil {
		return nil, fmt.Errorf("solving the regression: %w", err)
	}
	return s, nil
}

// solve returns the dual solutions for targets, which are the targets of the base, followed by those of the user's
// samples.
func (b *blocks) solve(s *system, targets []float64) (base, own []float64, err error) {
	count := len(targets) - b.own.SymmetricDim()
	rest, explained := mat.NewVecDense(len(targets)-count, slices.Clone(targets[count:])), new(mat.VecDense)
	given := mat.NewVecDense(count, targets[:count:count])
	if !s.alone {
		if err := b.factor.SolveVecTo(explained, given); err != nil {
			return nil, nil, fmt.Errorf("solving the regression: %w", err)
		}
		var known mat.VecDense
		known.MulVec(b.cross.T(), explained)
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
	var left mat.VecDense // the part of the base's targets that the user's samples do not explain
	left.MulVec(b.cross, &solution)
	left.SubVec(given, &left)
	if err := b.factor.SolveVecTo(explained, &left); err != nil {
		return nil, nil, fmt.Errorf("solving the regression: %w", err)
	}
	return explained.RawVector().Data, own, nil
}

// leftOut returns the residuals of a group of the user's samples: their targets, minus the predictions of a model that
// is trained on all other samples. own is the dual solution of the user's samples. The residuals are (inverse of the
// group's block of the inverse) x (duals of the group). This follows from the block form of the inverse; for one
// sample, it is the leave-one-out residual of ridge regression.
func (s *system) leftOut(group []int, own []float64) ([]float64, error) {
	if len(group) == 1 { // Most groups have one sample, so this case avoids the memory of many factorisations.
		return []float64{own[group[0]] / s.inverse.At(group[0], group[0])}, nil
	}
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

// upperOf returns the factor U of a matrix U'U.
func upperOf(factor *mat.Cholesky) blas64.Triangular {
	return factor.RawU().(mat.RawTriangular).RawTriangular()
}
