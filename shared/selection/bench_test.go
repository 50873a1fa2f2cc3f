package selection

import (
	"fmt"
	"math/rand/v2"
	"runtime"
	"testing"
)

// BenchmarkSelect measures 30% of pools of 14 capabilities, 90 sources of uneven size, 9 styles and
// 1 to 3 of them a sample. The pool of 2.6 million is the size of LLaVA-OneVision's single-image
// pool; -short leaves it out.
func BenchmarkSelect(b *testing.B) {
	for _, samples := range []int{100_000, 1_000_000, 2_600_000} {
		if samples > 1_000_000 && testing.Short() {
			continue
		}
		pool := syntheticPool(samples)
		for _, ratingsOnly := range []bool{false, true} {
			b.Run(fmt.Sprintf("samples=%d/ratings-only=%t", samples, ratingsOnly), func(b *testing.B) {
				params := Params{Budget: samples * 3 / 10, RatingsOnly: ratingsOnly}
				var before, after runtime.MemStats
				runtime.ReadMemStats(&before)
				for b.Loop() {
					if _, err := Select(pool, params); err != nil {
						b.Fatal(err)
					}
				}
				runtime.ReadMemStats(&after)
				runs := float64(b.N) * float64(samples)
				b.ReportMetric(float64(b.Elapsed().Nanoseconds())/runs, "ns/sample")
				b.ReportMetric(float64(after.TotalAlloc-before.TotalAlloc)/runs, "B/sample")
			})
		}
	}
}

// syntheticPool fills the columns directly. Ratings follow the frequencies of the fixtures: 45% 0,
// 23% 1, 17% 2, 9% 3, 4% 4, 1% 5 and 1% missing.
func syntheticPool(samples int) *Pool {
	const capabilities, sources, styles = 14, 90, 9
	rng := rand.New(rand.NewPCG(1, 2))
	pool := &Pool{
		Tie: make([]uint64, samples), Source: make([]uint32, samples), StyleStart: make([]uint32, samples+1),
	}
	for c := range capabilities {
		ratings, expected := make([]int16, samples), make([]uint16, samples)
		for s := range samples {
			at := rng.IntN(100)
			for _, bound := range []int{45, 68, 85, 94, 98} {
				if at >= bound {
					ratings[s]++
				}
			}
			expected[s] = uint16(min(max(int(ratings[s])*1024+rng.IntN(1024)-512, 0), 5*1024))
			if at == 99 {
				ratings[s] = Missing
			}
		}
		pool.Capabilities = append(pool.Capabilities, fmt.Sprint("capability ", c))
		pool.Ratings, pool.Expected = append(pool.Ratings, ratings), append(pool.Expected, expected)
	}
	for i := range sources {
		pool.SourceNames = append(pool.SourceNames, fmt.Sprint("source ", i))
	}
	for i := range styles {
		pool.StyleNames = append(pool.StyleNames, fmt.Sprint("style ", i))
	}
	for s := range samples {
		pool.Tie[s] = rng.Uint64()
		pool.Source[s] = uint32(min(rng.IntN(sources), rng.IntN(sources)))
		first := rng.IntN(styles)
		for i := range 1 + rng.IntN(3) {
			pool.Style = append(pool.Style, uint32((first+2*i)%styles))
		}
		pool.StyleStart[s+1] = uint32(len(pool.Style))
	}
	return pool
}
