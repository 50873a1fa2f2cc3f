package training

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math"
	"runtime"
	"slices"

	"golang.org/x/sync/errgroup"
	"gonum.org/v1/gonum/mat"
)

// A fits holds what each variant learned, by variant.
type fits struct {
	design *design
	// left are the values, by own sample and head, of models that have not seen the sample nor its images.
	left [][][]float64
	// duals are the dual weights, by sample and head, and centre the means of the targets, by head, of the models that
	// have seen all.
	duals  []*mat.Dense
	centre [][]float64
}

// fit learns from the base and own samples by each variant: from all of them, and from all but those of each fold.
func (a *addition) fit(ctx context.Context) (*fits, error) {
	t := a.task(a.own)
	d, err := t.design(all(len(t.samples)))
	if err != nil {
		return nil, err
	}
	f := &fits{design: d}
	for range variants() {
		left := make([][]float64, len(a.own))
		for i := range left {
			left[i] = make([]float64, t.heads())
		}
		f.left, f.centre = append(f.left, left), append(f.centre, make([]float64, t.heads()))
		f.duals = append(f.duals, mat.NewDense(len(t.samples), t.heads(), nil))
	}
	heads := map[blockKey][]int{}
	for h := range t.heads() {
		key := blockKey{a.base.Penalties[h], h >= len(a.rubric.Capabilities)}
		heads[key] = append(heads[key], h)
	}
	work, ctx := errgroup.WithContext(ctx)
	work.SetLimit(runtime.GOMAXPROCS(0))
	for key, of := range heads {
		work.Go(func() error {
			if ctx.Err() != nil {
				return ctx.Err()
			}
			b, err := a.newBlocks(d, key)
			if err != nil {
				return err
			}
			for _, h := range of {
				if err := a.fitHead(f, b, h); err != nil {
					return err
				}
			}
			return nil
		})
	}
	return f, work.Wait()
}

// A fitting is one model of a head: a variant that learns from some own samples, and then predicts others.
type fitting struct {
	fold, variant int // fold ownFolds is that of no sample: all are learned from
	learn, out    []int
	targets       []float64 // of the base, and then of the own samples that are learned from
	centre        float64
}

// fitHead learns one head.
func (a *addition) fitHead(f *fits, b *blocks, h int) error {
	var models []fitting
	for fold := range ownFolds + 1 {
		var learn, out []int
		for i, of := range a.fold {
			if of == fold {
				out = append(out, i)
			} else {
				learn = append(learn, i)
			}
		}
		if fold < ownFolds && len(out) == 0 {
			continue
		}
		for v, kind := range variants() {
			m := fitting{fold: fold, variant: v, learn: learn, out: out}
			m.targets, m.centre = a.targets(h, kind, learn)
			models = append(models, m)
		}
	}
	explained, err := b.explain(models)
	if err != nil {
		return err
	}
	for k, m := range models {
		base, own, err := b.solve(m, mat.Col(nil, k, explained))
		if err != nil {
			return err
		}
		for _, i := range m.out {
			f.left[m.variant][i][h] = m.centre + b.value(base, own, m.learn, i)
		}
		if m.fold < ownFolds {
			continue
		}
		f.centre[m.variant][h] = m.centre
		for row, dual := range slices.Concat(base, own) {
			f.duals[m.variant].Set(row, h, dual)
		}
	}
	return nil
}

// model is the model of all samples, each head by its variant.
func (f *fits) model(heads []int) (*model, error) {
	duals := mat.NewDense(f.duals[0].RawMatrix().Rows, len(heads), nil)
	f.design.centre = make([]float64, len(heads))
	for h, v := range heads {
		duals.SetCol(h, mat.Col(nil, h, f.duals[v]))
		f.design.centre[h] = f.centre[v][h]
	}
	return f.design.model(duals)
}

// A blockKey is what the blocks of a regression depend on.
type blockKey struct {
	penalty float64
	styles  bool
}

// blocks is a ridge regression of which the part of the base is solved once, whichever own samples are learned from and
// however much these count: own samples enter by the Schur complement of the base.
type blocks struct {
	penalty float64
	factor  *mat.Cholesky // of the base's products and the penalty; nil of an empty base
	cross   *mat.Dense    // products: own samples x base
	solved  *mat.Dense    // the base's solution for each own sample's products: base x own samples
	own     *mat.Dense    // products: own samples x own samples
	known   *mat.Dense    // what the base explains of these
	systems map[systemKey]*mat.Cholesky
}

// A systemKey is what the system of own samples depends on, in addition to the blocks.
type systemKey struct {
	fold  int
	scale float64 // of the penalty
	alone bool
}

func (a *addition) newBlocks(d *design, key blockKey) (*blocks, error) {
	kernel := d.ratings
	if key.styles {
		kernel = d.styles
	}
	base, own := len(a.base.Samples), len(a.own)
	b := &blocks{penalty: key.penalty, systems: map[systemKey]*mat.Cholesky{}}
	among := mat.NewSymDense(base, nil)
	among.CopySym(kernel.SliceSym(0, base))
	for i := range base {
		among.SetSym(i, i, among.At(i, i)+key.penalty)
	}
	b.factor = new(mat.Cholesky)
	if !b.factor.Factorize(among) {
		return nil, errDegenerate
	}
	part := func(rows, columns int) *mat.Dense {
		m := mat.NewDense(own, columns, nil)
		m.Apply(func(i, j int, _ float64) float64 { return kernel.At(base+i, rows+j) }, m)
		return m
	}
	b.cross, b.own = part(0, base), part(base, own)
	b.solved, b.known = new(mat.Dense), new(mat.Dense)
	if err := b.factor.SolveTo(b.solved, b.cross.T()); err != nil {
		return nil, fmt.Errorf("solving the regression: %w", err)
	}
	b.known.Mul(b.cross, b.solved)
	return b, nil
}

var errDegenerate = errors.New("solving the regression: the features are degenerate")

// system is the factor of what the own samples that are learned from in a fold solve for. One that counts w times has a
// w-th of the penalty.
func (b *blocks) system(learn []int, fold int, v variant) (*mat.Cholesky, error) {
	key := systemKey{fold, 1 / v.weight, v.alone}
	if b.systems[key] != nil {
		return b.systems[key], nil
	}
	system := mat.NewSymDense(len(learn), nil)
	for row, i := range learn {
		for column, j := range learn[:row+1] {
			value := b.own.At(i, j)
			if !v.alone {
				value -= b.known.At(i, j)
			}
			if row == column {
				value += b.penalty / v.weight
			}
			system.SetSym(row, column, value)
		}
	}
	factor := new(mat.Cholesky)
	if !factor.Factorize(system) {
		return nil, errDegenerate
	}
	b.systems[key] = factor
	return factor, nil
}

// explain is the base's solution for the base's targets of each model, a column each.
func (b *blocks) explain(models []fitting) (*mat.Dense, error) {
	count, _ := b.solved.Dims()
	targets, explained := mat.NewDense(count, len(models), nil), new(mat.Dense)
	for k, m := range models {
		targets.SetCol(k, m.targets[:count])
	}
	if err := b.factor.SolveTo(explained, targets); err != nil {
		return nil, fmt.Errorf("solving the regression: %w", err)
	}
	return explained, nil
}

// solve is the dual solution of a model, given the base's solution for the base's targets.
func (b *blocks) solve(m fitting, explained []float64) (base, own []float64, err error) {
	kind, count := variants()[m.variant], len(explained)
	system, err := b.system(m.learn, m.fold, kind)
	if err != nil {
		return nil, nil, err
	}
	rest := mat.NewVecDense(len(m.learn), slices.Clone(m.targets[count:]))
	if !kind.alone {
		known := mat.NewVecDense(count, explained)
		for row, i := range m.learn {
			rest.SetVec(row, rest.AtVec(row)-mat.Dot(b.cross.RowView(i), known))
		}
	}
	var solution mat.VecDense
	if err := system.SolveVecTo(&solution, rest); err != nil {
		return nil, nil, fmt.Errorf("solving the regression: %w", err)
	}
	own = solution.RawVector().Data
	if kind.alone {
		return make([]float64, count), own, nil
	}
	for j := range explained {
		row := b.solved.RawRowView(j)
		for k, i := range m.learn {
			explained[j] -= row[i] * own[k]
		}
	}
	return explained, own, nil
}

// value is what a solution predicts for an own sample, less the mean of the targets.
func (b *blocks) value(base, own []float64, learn []int, i int) (sum float64) {
	for j, x := range b.cross.RawRowView(i) {
		sum += x * base[j]
	}
	row := b.own.RawRowView(i)
	for k, j := range learn {
		sum += row[j] * own[k]
	}
	return sum
}

// targets are what a head is to predict for the base and the own samples that are learned from, less their weighted
// mean, the centre.
func (a *addition) targets(h int, v variant, learn []int) (targets []float64, centre float64) {
	own := pick(a.own, learn)
	scale := a.scaleOf(h, v, own)
	var weights []float64
	add := func(s *Sample, isBase bool, weight float64) {
		value := scale(s, isBase)
		if math.IsNaN(value) || isBase && v.alone {
			weight = 0
		}
		targets, weights = append(targets, value), append(weights, weight)
	}
	for i := range a.base.Samples {
		add(&a.base.Samples[i], true, 1)
	}
	for i := range own {
		add(&own[i], false, v.weight)
	}
	if h < len(a.rubric.Capabilities) {
		addRanks(targets, weights)
	}
	sum, n := 0.0, 0.0
	for i, w := range weights {
		if w > 0 {
			sum, n = sum+w*targets[i], n+w
		}
	}
	centre = sum / max(n, 1)
	for i, w := range weights {
		if targets[i] -= centre; w == 0 {
			targets[i] = 0 // the mean
		}
	}
	return targets, centre
}

func pick(samples []Sample, which []int) []Sample {
	some := make([]Sample, len(which))
	for i, s := range which {
		some[i] = samples[s]
	}
	return some
}

// addRanks adds the rank of each value among those that count, as targets of ratings have it.
func addRanks(values, weights []float64) {
	total := 0.0
	var order []int
	for i, w := range weights {
		if w > 0 {
			order, total = append(order, i), total+w
		}
	}
	slices.SortFunc(order, func(i, j int) int { return cmp.Compare(values[i], values[j]) })
	below := 0.0
	for start := 0; start < len(order); {
		end, level := start, 0.0
		for end < len(order) && values[order[end]] == values[order[start]] {
			level += weights[order[end]]
			end++
		}
		rank := (below + level/2) / max(total, 1)
		for _, i := range order[start:end] {
			values[i] += rankShare * rank
		}
		below, start = below+level, end
	}
}
