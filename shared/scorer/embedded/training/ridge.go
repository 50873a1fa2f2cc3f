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

// A ridge solves regressions over the samples of a design in steps, without the products of all samples with all
// others: of 7,000 samples these take 400 MB, and half a minute for each penalty.
type ridge struct {
	// dense has all that a sample has but n-grams: features, likenesses to prototypes and, last, rules, which only styles
	// see. The products of its rows, and of the n-grams, are those of the kernels.
	dense *mat.Dense
	rules int // columns
	// grams are the n-grams that count, by number: those of sample i are grams[starts[i]:starts[i+1]], of these values.
	grams   []int32
	values  []float64
	starts  []int
	numbers int // of n-grams
	// products are those of the columns over the samples of the base, and over the own ones.
	products [2]*mat.SymDense
	base     int // samples, which come first
}

// ridge prepares the samples of a design, which needs no kernels. The first ones are those of the base.
func (d *design) ridge(base int) *ridge {
	n, features := d.dense.Dims()
	own, likenesses := features-embedded.RuleFeatures, len(d.prototypes)
	r := &ridge{dense: mat.NewDense(n, features+likenesses, nil), rules: embedded.RuleFeatures, base: base}
	r.setGrams(d.grams)
	// With U'U the products of the prototypes, those of the columns of U'^-1 likeness are Nystroem's.
	like := mat.DenseCopyOf(d.likeness)
	blas64.Trsm(blas.Left, blas.Trans, 1, upperOf(&d.likenesses), like.RawMatrix())
	for i := range n {
		into := r.dense.RawRowView(i)
		for j, x := range d.dense.RawRowView(i) {
			at := j
			if j >= own {
				at += likenesses
			}
			into[at] = x * math.Sqrt(variance(j, features))
		}
		for k := range likenesses {
			into[own+k] = math.Sqrt(likeVariance) * like.At(k, i)
		}
	}
	for part, span := range [2][2]int{{0, base}, {base, n}} {
		r.products[part] = mat.NewSymDense(features+likenesses, nil)
		if span[0] < span[1] {
			r.products[part].SymOuterK(1, r.dense.Slice(span[0], span[1], 0, features+likenesses).T())
		}
	}
	return r
}

// setGrams numbers the n-grams that occur, so that their sums lie close together in memory.
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

// A regression is one that a ridge solves: own samples count weight times, those of the base once or not at all.
type regression struct {
	systemKey
	blockKey
}

const (
	// exact is how small what is left of the targets becomes, as a share of them.
	exact = 1e-8
	// mostSteps is far above what any samples need: some dozens to two hundred.
	mostSteps = 5000
)

var errNoEnd = errors.New("solving the regression: it comes to no end")

// solve is the dual solution for targets of the base and then of the own samples, by conjugate gradients. What they are
// preconditioned by is the system without n-grams, D + ZZ', which is inverted by its few hundred columns; so each step
// multiplies by the n-grams alone. Source: Golub and van Loan, Matrix Computations, 11.5; Woodbury's formula.
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
		// The system times near is (D + ZZ') near, which is what is left, and the n-grams' part.
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

// addGrams adds the n-grams' part of the products with all samples from one on, times x.
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

// A preconditioner inverts D + ZZ', where D is the penalty by how much a sample counts: (W - WZ (penalty + Z'WZ)^-1
// Z'W) / penalty, with W how much samples count.
type preconditioner struct {
	regression
	dense    mat.Matrix // Z
	base     int        // how many of its rows are of the base
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
