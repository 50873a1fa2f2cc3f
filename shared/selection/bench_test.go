package selection

import (
	"fmt"
	"math/rand/v2"
	"os"
	"runtime"
	"testing"

	"github.com/harvest-ml/harvest/shared/thorough"
)

// BenchmarkSelect measures pools of 14 capabilities, 90 sources of different sizes, and 9 styles, 1 to 3 for each
// sample. The pool of 2.6 million samples is as large as LLaVA-OneVision's single-image pool. -short leaves it out, and
// HARVEST_LARGE_POOLS=1 adds two larger pools. With a catalog, which a process keeps between selections, the common
// data of all selections are prepared before the first selection.
//
// In addition to the elapsed time, it reports the CPU time, the allocated memory, and the peak memory, including the
// pool.
func BenchmarkSelect(b *testing.B) {
	sizes := []int{100_000, 1_000_000}
	if !testing.Short() {
		sizes = append(sizes, 2_600_000)
	}
	if os.Getenv("HARVEST_LARGE_POOLS") != "" {
		sizes = append(sizes, 10_000_000, 50_000_000)
	}
	for _, samples := range sizes {
		b.Run(fmt.Sprintf("samples=%d", samples), func(b *testing.B) {
			pool := syntheticPool(samples)
			once := func(params Params) (*Result, error) { return Select(pool, params) }
			for _, percent := range []int{5, 10, 30} {
				b.Run(fmt.Sprintf("budget=%d%%", percent), func(b *testing.B) {
					benchmarkSelect(b, pool, Params{Budget: samples * percent / 100}, once)
				})
			}
			b.Run("budget=30%,ratings-only", func(b *testing.B) {
				benchmarkSelect(b, pool, Params{Budget: samples * 3 / 10, Rules: Rules{RatingsOnly: true}}, once)
			})
			catalog, err := NewCatalog(pool)
			if err != nil {
				b.Fatal(err)
			}
			if _, err := catalog.Select(Params{Budget: samples / 10}); err != nil {
				b.Fatal(err)
			}
			for _, percent := range []int{5, 10, 30} {
				b.Run(fmt.Sprintf("catalog,budget=%d%%", percent), func(b *testing.B) {
					benchmarkSelect(b, pool, Params{Budget: samples * percent / 100}, catalog.Select)
				})
			}
			for _, percent := range []int{5, 30, 60} {
				b.Run(fmt.Sprintf("catalog,descending,budget=%d%%", percent), func(b *testing.B) {
					params := Params{Budget: samples * percent / 100, Rules: Rules{Strategy: Descending}}
					benchmarkSelect(b, pool, params, catalog.Select)
				})
			}
		})
	}
}

func benchmarkSelect(b *testing.B, pool *Pool, params Params, choose func(Params) (*Result, error)) {
	runtime.GC()
	var start, end runtime.MemStats
	runtime.ReadMemStats(&start)
	processors := thorough.ProcessorTime()
	for b.Loop() {
		if _, err := choose(params); err != nil {
			b.Fatal(err)
		}
	}
	processors = thorough.ProcessorTime() - processors
	runtime.ReadMemStats(&end)
	samples := float64(b.N) * float64(pool.Len())
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/samples, "ns/sample")
	b.ReportMetric(float64(processors.Nanoseconds())/samples, "cpu-ns/sample")
	b.ReportMetric(float64(end.TotalAlloc-start.TotalAlloc)/samples, "B/sample")
	// The garbage collector does not run during a selection that allocates less than the pool, so the peak is the sum.
	b.ReportMetric((float64(start.HeapAlloc)+float64(end.TotalAlloc-start.TotalAlloc)/float64(b.N))/1e6, "peak-MB")
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
		ratings, expected := make([]int8, samples), make([]uint16, samples)
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
