package training

import (
	"math"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"testing"
)

// firstSamples is the number of samples of the base that come from the first training file, train.jsonl. The others
// come from the second file, train2.jsonl, and have other sources.
const firstSamples = 1000

// TestSecondFile measures how much the second training file raises the agreement on pools of three sources that are in
// no training data. HARVEST_STUDY is the number of pools. For each pool, weights are trained on both files, and on the
// first file alone, each time without the sources of the pool.
func TestSecondFile(t *testing.T) {
	t.Parallel()
	pools, err := strconv.Atoi(os.Getenv("HARVEST_STUDY"))
	if err != nil {
		t.Skip("HARVEST_STUDY is not a number of pools")
	}
	base, err := Builtin()
	if err != nil {
		t.Fatal(err)
	}
	first := (&Base{Samples: base.Samples[:firstSamples]}).sources()
	var second []string
	for _, name := range base.sources() {
		if !slices.Contains(first, name) {
			second = append(second, name)
		}
	}
	t.Logf("%d and %d sources", len(first), len(second))
	names := []string{"Spearman", "kappa", "within source", "styles"}
	gains := make([][]poolGain, len(names))
	for pool := range pools {
		rng := rand.New(rand.NewPCG(uint64(pool), 18))
		sources := base.sources()
		rng.Shuffle(len(sources), func(i, j int) { sources[i], sources[j] = sources[j], sources[i] })
		held := sources[:3]
		_, both, out := withoutSources(t, base, held)
		_, one, _ := withoutSources(t, base, slices.Concat(second, held))
		now, before := figuresOf(t, both, out), figuresOf(t, one, out)
		for i := range names {
			gains[i] = append(gains[i], poolGain{slices.Clone(held), now[i] - before[i]})
		}
	}
	for i, name := range names {
		mean, deviation := jackknife(base.sources(), gains[i])
		t.Logf("%s: %+.3f (%+.3f to %+.3f)", name, mean, mean-1.96*deviation, mean+1.96*deviation)
	}
}

// A poolGain is the gain on a pool of some sources.
type poolGain struct {
	sources []string
	gain    float64
}

// jackknife returns the mean gain and its standard error. Pools that share a source depend on each other, so the error
// is that of a jackknife over the sources.
func jackknife(sources []string, gains []poolGain) (mean, deviation float64) {
	without := func(source string) float64 {
		sum, n := 0.0, 0
		for _, g := range gains {
			if !slices.Contains(g.sources, source) {
				sum, n = sum+g.gain, n+1
			}
		}
		return sum / float64(n)
	}
	mean = without("")
	squares, n := 0.0, float64(len(sources))
	for _, source := range sources {
		squares += (without(source) - mean) * (without(source) - mean)
	}
	return mean, math.Sqrt((n - 1) / n * squares)
}
