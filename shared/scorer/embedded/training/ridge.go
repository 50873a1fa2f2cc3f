package training

import (
	"errors"
	"fmt"
	"math"

	"github.com/harvest-ml/harvest/shared/scorer/embedded"
	"gonum.org/v1/gonum/blas"
	"gonum.org/v1/gonum/blas/blas64"
	"gonum.org/v1/gonum/floats"
	"gonum.org/v1/gonum/mat"
)

// A ridge solves regressions over the samples of a design iteratively. It does not compute the products of all pairs of
// samples: for 7,000 samples, these products need 400 MB, and half a minute for each penalty.
type ridge struct {
	// dense has a row for each sample: its features, its similarities to prototypes and, at the end, the features of the
	// rules, which only the heads of styles use. The products of its rows, plus the products of the n-grams, are the
	// kernels.
	dense *mat.Dense
	rules int // number of columns with features of the rules
	// grams has the numbers of the n-grams that count, and values their values. Sample i has the entries from starts[i] up
	// to, but not including, starts[i+1].
	grams   []int32
	values  []float64
	starts  []int
	numbers int // number of different n-grams
	// products has the products of the columns of dense, first over the samples of the base, then over the user's samples.
	products [2]*mat.SymDense
	base     int // number of samples of the base, which come first
}

// ridge prepares the samples of a design for iterative solutions. The design needs no kernels. Its first samples are
// those of the base.
func (d *design) ridge(base int) *ridge {
	n, features := d.dense.Dims()
	own, prototypes := features-embedded.RuleFeatures, len(d.prototypes)
	r := &ridge{dense: mat.NewDense(n, features+prototypes, nil), rules: embedded.RuleFeatures, base: base}
	r.setGrams(d.grams)
	// If U'U is the matrix of similarities among prototypes, the products of the columns of U'^-1 similarity are
	// Nystroem's approximation.
	similar := mat.DenseCopyOf(d.similarity)
	blas64.Trsm(blas.Left, blas.Trans, 1, upperOf(&d.prototypeFactor), similar.RawMatrix())
	for i := range n {
		into := r.dense.RawRowView(i)
		for j, x := range d.dense.RawRowView(i) {
			at := j
			if j >= own {
				at += prototypes
			}
			into[at] = x * math.Sqrt(variance(j, features))
		}
		for k := range prototypes {
			into[own+k] = math.Sqrt(similarityVariance) * similar.At(k, i)
		}
	}
	for part, span := range [2][2]int{{0, base}, {base, n}} {
		r.products[part] = mat.NewSymDense(features+prototypes, nil)
		if span[0] < span[1] {
			r.products[part].SymOuterK(1, r.dense.Slice(span[0], span[1], 0, features+prototypes).T())
		}
	}
	return r
}

// setGrams numbers the n-grams that occur, so that their sums are close together in memory.
func (r *ridge) setGrams(grams [][]feature) {
	numbers := map[int]int32{}
	r.starts = append(r.starts, 0)
	for _, of := range grams {
		for _, g := range of {
			number, known := numbers[g.index]
			if !known {
				number = int32(len(numbers))
				numbers[g.index] = number
			}
			r.grams, r.values = append(r.grams, number), append(r.values, g.value*math.Sqrt(gramVariance/4))
		}
		r.starts = append(r.starts, len(r.grams))
	}
	r.numbers = len(numbers)
}

// A regression describes a regression that a ridge solves: the weight of the user's samples, whether the base counts,
// the penalty, and the kind of head.
type regression struct {
	systemKey
	blockKey
}

const (
	// exact is the norm of the residual at which the iteration ends, as a share of the norm of the targets.
	exact = 1e-8
	// mostSteps is the largest number of steps. Regressions need some dozens to two hundred.
	mostSteps = 5000
)

var errNoEnd = errors.New("solving the regression: the iteration does not converge")

// solve returns the dual solution by preconditioned conjugate gradients. targets has the targets of the base, followed
// by those of the user's samples. The preconditioner is the system without n-grams, D + ZZ', where Z has a few hundred
// columns. So each step multiplies only by the n-grams. Source: Golub and van Loan, Matrix Computations, 11.5;
// Woodbury's formula.
func (r *ridge) solve(of regression, targets []float64) ([]float64, error) {
	from := 0
	if of.alone {
		from = r.base
	}
	p, err := r.precondition(of, from)
	if err != nil {
		return nil, err
	}
	n := len(targets) - from
	solution := make([]float64, len(targets))
	x, left := solution[from:], append([]float64(nil), targets[from:]...)
	near, step, change := make([]float64, n), make([]float64, n), make([]float64, n)
	enough := exact * floats.Norm(left, 2)
	before := math.Inf(1)
	for range mostSteps {
		if floats.Norm(left, 2) <= enough {
			return solution, nil
		}
		if err := p.apply(near, left); err != nil {
			return nil, err
		}
		size := floats.Dot(left, near)
		// The system times near is the sum of (D + ZZ') near, which equals left, and the part of the n-grams.
		share := size / before
		floats.Scale(share, step)
		floats.Add(step, near)
		floats.Scale(share, change)
		floats.Add(change, left)
		r.addGrams(change, near, from)
		length := size / floats.Dot(step, change)
		floats.AddScaled(x, length, step)
		floats.AddScaled(left, -length, change)
		before = size
	}
	return nil, errNoEnd
}

// addGrams adds the part of the n-grams of the product of the system and x. Both have only the samples from number
// from.
func (r *ridge) addGrams(to, x []float64, from int) {
	sums := make([]float64, r.numbers)
	for i, v := range x {
		span := r.grams[r.starts[from+i]:r.starts[from+i+1]]
		values := r.values[r.starts[from+i]:][:len(span)]
		for k, g := range span {
			sums[g] += values[k] * v
		}
	}
	for i := range x {
		span, sum := r.grams[r.starts[from+i]:r.starts[from+i+1]], 0.0
		values := r.values[r.starts[from+i]:][:len(span)]
		for k, g := range span {
			sum += values[k] * sums[g]
		}
		to[i] += sum
	}
}

// A preconditioner multiplies by the inverse of D + ZZ'. D is the diagonal matrix with the penalty divided by the
// weight of each sample. With W, the diagonal matrix of the weights, the inverse is (W - WZ (penalty + Z'WZ)^-1 Z'W) /
// penalty.
type preconditioner struct {
	regression
	dense    mat.Matrix // Z
	base     int        // number of rows of the base in Z
	factor   mat.Cholesky
	columns  *mat.VecDense // scratch
	weighted []float64     // scratch
}

func (r *ridge) precondition(of regression, from int) (*preconditioner, error) {
	n, columns := r.dense.Dims()
	if !of.styles {
		columns -= r.rules
	}
	p := &preconditioner{
		regression: of, dense: r.dense.Slice(from, n, 0, columns), base: r.base - from,
		columns: mat.NewVecDense(columns, nil), weighted: make([]float64, n-from),
	}
	among := mat.NewSymDense(columns, nil)
	for i := range columns {
		for j := i; j < columns; j++ {
			value := of.weight * r.products[1].At(i, j)
			if !of.alone {
				value += r.products[0].At(i, j)
			}
			if i == j {
				value += of.penalty
			}
			among.SetSym(i, j, value)
		}
	}
	if !p.factor.Factorize(among) {
		return nil, errDegenerate
	}
	return p, nil
}

func (p *preconditioner) apply(to, x []float64) error {
	copy(p.weighted, x)
	floats.Scale(p.weight, p.weighted[p.base:])
	p.columns.MulVec(p.dense.T(), mat.NewVecDense(len(x), p.weighted))
	if err := p.factor.SolveVecTo(p.columns, p.columns); err != nil {
		return fmt.Errorf("solving the regression: %w", err)
	}
	mat.NewVecDense(len(to), to).MulVec(p.dense, p.columns)
	floats.Scale(p.weight, to[p.base:])
	floats.SubTo(to, p.weighted, to)
	floats.Scale(1/p.penalty, to)
	return nil
}
