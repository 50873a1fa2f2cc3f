package training

import (
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/harvest-ml/harvest/shared/rubric"
	"github.com/harvest-ml/harvest/shared/scorer"
	"github.com/harvest-ml/harvest/shared/scorer/embedded"
	"github.com/harvest-ml/harvest/shared/thorough"
)

// teachers returns functions that convert annotated ratings to the ratings of teachers with other scales and habits.
func teachers() map[string]func(c int, rating int8, rng *rand.Rand) int8 {
	return map[string]func(c int, rating int8, rng *rand.Rand) int8{
		"same scale":           func(_ int, rating int8, _ *rand.Rand) int8 { return rating },
		"shifted":              func(_ int, rating int8, _ *rand.Rand) int8 { return min(rating+2, scorer.MaxRating) },
		"compressed to 2 to 4": func(_ int, rating int8, _ *rand.Rand) int8 { return 2 + rating/2 },
		"inverted on one capability": func(c int, rating int8, _ *rand.Rand) int8 {
			if c == 5 {
				return scorer.MaxRating - rating
			}
			return rating
		},
		"half of the ratings random": func(_ int, rating int8, rng *rand.Rand) int8 {
			if rng.IntN(2) == 0 {
				return int8(rng.IntN(scorer.MaxRating + 1))
			}
			return rating
		},
		"noisy": func(_ int, rating int8, rng *rand.Rand) int8 {
			return min(max(rating+int8(rng.IntN(3))-1, 0), scorer.MaxRating)
		},
	}
}

// mostLost is the largest allowed loss, in the mean of Spearman and kappa, compared with weights of only the user's
// samples and with the embedded weights.
const mostLost = 0.02

// TestAddEachTeacher adds ten samples of each of five sources that are not in the base, with the ratings of each
// teacher. The agreement is hardly lower than with only the user's samples, or with the embedded weights.
func TestAddEachTeacher(t *testing.T) {
	thorough.Only(t)
	t.Parallel()
	whole, err := Builtin()
	if err != nil {
		t.Fatal(err)
	}
	sources := whole.sources()
	rng := rand.New(rand.NewPCG(18, 18))
	rng.Shuffle(len(sources), func(i, j int) { sources[i], sources[j] = sources[j], sources[i] })
	base, builtin, out := withoutSources(t, whole, sources[:5])
	for name, rated := range teachers() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			rng := rand.New(rand.NewPCG(4, 4))
			own, rest := ratedBy(out, 10, func(c int, rating int8) int8 { return rated(c, rating, rng) })
			agreed := func(w *embedded.Weights) float64 {
				r := measured(t, w, rest)
				return float64(r.Mean.Spearman+r.Mean.QWK) / 2
			}
			added, err := Add(t.Context(), base, builtin, own, rubric.Default())
			if err != nil {
				t.Fatal(err)
			}
			both, before, alone := agreed(added.Weights), agreed(builtin), agreed(ownAlone(t, base, builtin, own))
			t.Logf("both %.3f, built-in alone %.3f, own alone %.3f: %s; alone for %v", both, before, alone, added.Variant,
				added.Alone)
			if both < max(before, alone)-mostLost {
				t.Errorf("agreement %.3f; with the embedded weights %.3f; with only the user's samples %.3f", both, before, alone)
			}
		})
	}
}

// ownAlone returns weights that are trained only on the user's samples.
func ownAlone(t testing.TB, base *Base, builtin *embedded.Weights, own []Sample) *embedded.Weights {
	t.Helper()
	a := newAddition(base, builtin, own, rubric.Default())
	learned, err := a.fit(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	heads := slices.Repeat([]int{len(variants()) - 1}, a.task(nil).heads())
	m, err := learned.model(heads)
	if err != nil {
		t.Fatal(err)
	}
	return m.weights(a.calibrate(chosenValues(learned.left, heads), heads, func(int) bool { return true }))
}

// BenchmarkAdd adds 100 samples to the whole base, and BenchmarkAddMany 5,000 samples of 300 sources.
func BenchmarkAdd(b *testing.B) { benchmarkAdd(b, 100, 5) }

func BenchmarkAddMany(b *testing.B) { benchmarkAdd(b, 5000, 300) }

func benchmarkAdd(b *testing.B, samples, sources int) {
	base, err := Builtin()
	if err != nil {
		b.Fatal(err)
	}
	weights, err := embedded.DefaultWeights()
	if err != nil {
		b.Fatal(err)
	}
	var own []Sample
	for len(own) < samples {
		own = append(own, unrounded(base.Samples)...)
	}
	own = own[:samples]
	for i := range own {
		own[i].Source, own[i].Images = fmt.Sprint("own ", i%sources), []string{fmt.Sprint("own ", i)}
	}
	for b.Loop() {
		if _, err := Add(b.Context(), base, weights, own, rubric.Default()); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(peakMemory(b)/1e6, "peak-MB")
}

// peakMemory returns the largest resident memory of this process, in bytes, or 0 if the system does not report it.
func peakMemory(b *testing.B) float64 {
	b.Helper()
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return 0
	}
	for line := range strings.Lines(string(status)) {
		if fields := strings.Fields(line); len(fields) > 1 && fields[0] == "VmHWM:" {
			kilobytes, err := strconv.ParseFloat(fields[1], 64)
			if err != nil {
				b.Fatal(err)
			}
			return kilobytes * 1024
		}
	}
	return 0
}
