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
			random := rand.New(rand.NewPCG(seed, uint64(r)))
			drawn := make([]float64, t.n)
			for range t.n {
				drawn[random.IntN(t.n)]++
			}
			all[r] = t.figures(drawn)
			return nil
		})
	}
	_ = workers.Wait() // the functions return no errors
	return all
}

// percentiles returns the 2.5th and the 97.5th percentile of a figure over the resamples in which it is defined; NaN if
// it is defined in fewer than half of the resamples.
func percentiles(resamples []figures, row, column int) Interval {
	var values []float64
	for _, f := range resamples {
		if v := f[row][column]; !math.IsNaN(v) {
			values = append(values, v)
		}
	}
	if len(values) == 0 || 2*len(values) < len(resamples) {
		return Interval{Value(math.NaN()), Value(math.NaN())}
	}
	slices.Sort(values)
	return Interval{
		Value(stat.Quantile(0.025, stat.Empirical, values, nil)),
		Value(stat.Quantile(0.975, stat.Empirical, values, nil)),
	}
}
