package agreement

import (
	"math"
	"math/rand/v2"
	"runtime"
	"slices"

	"golang.org/x/sync/errgroup"
	"gonum.org/v1/gonum/stat"
)

// bootstrap computes all figures for resamples. A resample has as many samples as the table. They are drawn with
// replacement. Each resample has its own random sequence, so the result does not depend on the number of processors.
func (t *table) bootstrap(resamples int, seed uint64) []figures {
	if t.n == 0 {
		return nil
	}
	all := make([]figures, resamples)
	var workers errgroup.Group
	workers.SetLimit(runtime.GOMAXPROCS(0))
	for r := range all {
		workers.Go(func() error {
			drawn := make([]float64, t.n)
			for _, sample := range redrawn(t.n, seed, r) {
				drawn[sample]++
			}
			all[r] = t.figures(drawn)
			return nil
		})
	}
	_ = workers.Wait() // the functions return no errors
	return all
}

// redrawn draws n of n samples with replacement, for the resample with this number.
func redrawn(n int, seed uint64, resample int) []int {
	random := rand.New(rand.NewPCG(seed, uint64(resample)))
	drawn := make([]int, n)
	for i := range drawn {
		drawn[i] = random.IntN(n)
	}
	return drawn
}

// percentiles returns the 2.5th and the 97.5th percentile of a figure over the resamples in which it is defined; NaN if
// it is defined in fewer than half of the resamples.
func percentiles(resamples []figures, row, column int) Interval {
	values := make([]float64, len(resamples))
	for i, f := range resamples {
		values[i] = f[row][column]
	}
	return intervalOf(values)
}

// intervalOf returns the interval of the values of a figure in all resamples.
func intervalOf(all []float64) Interval {
	values := slices.DeleteFunc(slices.Clone(all), math.IsNaN)
	if len(values) == 0 || 2*len(values) < len(all) {
		return Interval{Value(math.NaN()), Value(math.NaN())}
	}
	slices.Sort(values)
	return Interval{
		Value(stat.Quantile(0.025, stat.Empirical, values, nil)),
		Value(stat.Quantile(0.975, stat.Empirical, values, nil)),
	}
}
