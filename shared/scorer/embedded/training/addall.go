package training

import (
	"context"
	"runtime"

	"golang.org/x/sync/errgroup"
	"gonum.org/v1/gonum/floats"
	"gonum.org/v1/gonum/mat"
)

// model returns the model of all samples, with the variant of each head. If all of the user's samples were held out
// once, learned has this model already. Otherwise the regressions of the chosen variants are solved again with all
// samples.
func (a *addition) model(ctx context.Context, learned *fits, heads []int) (*model, error) {
	if len(a.all) == len(a.own) {
		return learned.model(heads)
	}
	return newAddition(a.base, a.builtin, a.all, a.rubric).solve(ctx, heads)
}

// solve trains on the base and own, with the variant of each head. It holds out no samples.
func (a *addition) solve(ctx context.Context, heads []int) (*model, error) {
	samples := len(a.base.Samples) + len(a.own)
	d, err := a.task(a.own).prepare(all(samples))
	if err != nil {
		return nil, err
	}
	r, duals := d.ridge(len(a.base.Samples)), mat.NewDense(samples, len(heads), nil)
	d.centre = make([]float64, len(heads))
	work, ctx := errgroup.WithContext(ctx)
	work.SetLimit(runtime.GOMAXPROCS(0))
	for h, v := range heads {
		work.Go(func() error {
			if ctx.Err() != nil {
				return ctx.Err()
			}
			solution, centre, err := a.solveHead(r, h, variants()[v])
			if err != nil {
				return err
			}
			duals.SetCol(h, solution)
			d.centre[h] = centre
			return nil
		})
	}
	if err := work.Wait(); err != nil {
		return nil, err
	}
	return d.model(duals)
}

// solveHead returns the dual solution of a head with a variant, and the mean of its targets.
func (a *addition) solveHead(r *ridge, h int, v variant) (solution []float64, centre float64, err error) {
	parts := []variant{v}
	if v.half {
		v.half = false
		parts = []variant{v, variants()[len(variants())-1]}
	}
	solution = make([]float64, len(a.base.Samples)+len(a.own))
	for _, part := range parts {
		targets, mean := a.targets(h, part)
		of := regression{part.system(), a.key(h)}
		duals, err := r.solve(of, targets)
		if err != nil {
			return nil, 0, err
		}
		floats.AddScaled(solution, 1/float64(len(parts)), duals)
		centre += mean / float64(len(parts))
	}
	return solution, centre, nil
}
