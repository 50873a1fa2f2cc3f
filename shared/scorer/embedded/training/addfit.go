package training

import (
	"cmp"
	"context"
	"math"
	"runtime"
	"slices"

	"golang.org/x/sync/errgroup"
	"gonum.org/v1/gonum/mat"
)

// fits has the results of each variant.
type fits struct {
	design *design
	// left has values by variant, sample of the user and head. They are predicted by models that were trained without the
	// sample and its images.
	left [][][]float64
	// duals has the dual weights by variant, sample and head, and centre the means of the targets by variant and head.
	// Both belong to the models that were trained on all samples.
	duals  []*mat.Dense
	centre [][]float64
}

// With up to parallelOwn samples of the user, the number of regressions that are solved concurrently is the number of
// processors. With more samples it is parallelMany, because each regression then needs up to 130 MB.
const (
	parallelOwn  = 500
	parallelMany = 2
)

// fit trains models on the base and the user's samples with each variant. The number of regressions depends on the
// variants and the penalties, not on the number of sources.
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
	if err := a.fitEach(ctx, f); err != nil {
		return nil, err
	}
	d.ratings, d.styles = nil, nil
	if len(a.own) > parallelOwn {
		runtime.GC() // Without it, as much memory as the kernels used would be allocated before the next collection.
	}
	f.blend()
	return f, nil
}

// fitEach trains all heads. It trains the heads of one key together.
func (a *addition) fitEach(ctx context.Context, f *fits) error {
	heads := map[blockKey][]int{}
	for h := range f.design.heads() {
		heads[a.key(h)] = append(heads[a.key(h)], h)
	}
	parallel := min(runtime.GOMAXPROCS(0), len(heads))
	if len(a.own) > parallelOwn {
		parallel = min(parallel, parallelMany)
	}
	free := make(chan *scratch, parallel)
	for range parallel {
		free <- a.newScratch()
	}
	work, ctx := errgroup.WithContext(ctx)
	for key, of := range heads {
		memory := <-free
		work.Go(func() error {
			defer func() { free <- memory }()
			return a.fitHeads(ctx, f, key, of, memory)
		})
	}
	return work.Wait()
}

// blend computes the variants that are the mean of two others.
func (f *fits) blend() {
	alone := len(variants()) - 1
	for v, kind := range variants() {
		if !kind.half {
			continue
		}
		kind.half = false
		of := slices.Index(variants(), kind)
		for i, row := range f.left[v] {
			for h := range row {
				row[h] = (f.left[of][i][h] + f.left[alone][i][h]) / 2
			}
		}
		for h := range f.centre[v] {
			f.centre[v][h] = (f.centre[of][h] + f.centre[alone][h]) / 2
		}
		f.duals[v].Add(f.duals[of], f.duals[alone])
		f.duals[v].Scale(0.5, f.duals[v])
	}
}

// fitHeads trains the heads of one key with each variant.
func (a *addition) fitHeads(ctx context.Context, f *fits, key blockKey, heads []int, memory *scratch) error {
	b, err := a.newBlocks(f.design, key, memory)
	if err != nil {
		return err
	}
	for _, shared := range systems() {
		s, err := b.system(shared)
		if err != nil {
			return err
		}
		for v, kind := range variants() {
			if kind.half || kind.system() != shared {
				continue
			}
			for _, h := range heads {
				if ctx.Err() != nil {
					return ctx.Err()
				}
				if err := a.fitHead(f, b, s, h, v); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

// fitHead trains head h with variant v, whose system is s.
func (a *addition) fitHead(f *fits, b *blocks, s *system, h, v int) error {
	targets, centre := a.targets(h, variants()[v])
	base, own, err := b.solve(s, targets)
	if err != nil {
		return err
	}
	f.centre[v][h] = centre
	for row, dual := range slices.Concat(base, own) {
		f.duals[v].Set(row, h, dual)
	}
	for _, group := range a.groups {
		residuals, err := s.leftOut(group, own)
		if err != nil {
			return err
		}
		for k, i := range group {
			f.left[v][i][h] = centre + targets[len(base)+i] - residuals[k]
		}
	}
	return nil
}

// model returns the model that was trained on all samples, with the variant of each head.
func (f *fits) model(heads []int) (*model, error) {
	duals := mat.NewDense(f.duals[0].RawMatrix().Rows, len(heads), nil)
	f.design.centre = make([]float64, len(heads))
	for h, v := range heads {
		duals.SetCol(h, mat.Col(nil, h, f.duals[v]))
		f.design.centre[h] = f.centre[v][h]
	}
	return f.design.model(duals)
}

// targets returns the values that a head should predict for the samples of the base and of the user, minus their
// weighted mean, the centre.
func (a *addition) targets(h int, v variant) (targets []float64, centre float64) {
	scale := a.scaleOf(h, v)
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
	for i := range a.own {
		add(&a.own[i], false, v.weight)
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
			targets[i] = 0 // a sample without weight gets the mean as its target
		}
	}
	return targets, centre
}

// addRanks adds rankShare times the rank, from 0 to 1, to each value that has a weight, as in the targets of ratings.
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
