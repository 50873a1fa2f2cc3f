package selection

import (
	"fmt"
	"math"
	"math/rand/v2"
	"strings"
	"testing"
)

// poolOf returns a pool of samples.
func poolOf(t *testing.T, capabilities []string, samples ...Sample) *Pool {
	t.Helper()
	b := NewBuilder(capabilities...)
	for _, s := range samples {
		if err := b.Add(s); err != nil {
			t.Fatal(err)
		}
	}
	return b.Pool
}

// smallPool returns a pool of three samples, with expected scores, ties and indexes.
func smallPool(t *testing.T) *Pool {
	t.Helper()
	return poolOf(t, []string{"scene understanding", "data understanding"},
		Sample{
			Ratings: []int8{1, Missing}, Expected: []uint16{900, 0},
			Tie: 7, Index: 3, Source: "x", Styles: []string{"b", "a", "b"},
		},
		Sample{Ratings: []int8{2, 5}, Expected: []uint16{2048, 5120}, Tie: 6, Index: 1, Source: "y"},
		Sample{
			Ratings: []int8{0, 4}, Expected: []uint16{0, 4000},
			Tie: 5, Index: 2, Source: "x", Styles: []string{"a"},
		},
	)
}

// A row is a sample of a pool of one capability.
type row struct {
	source string
	rating int8
	styles string // separated by spaces
}

// poolOfRows returns a pool of one capability.
func poolOfRows(t *testing.T, rows []row) *Pool {
	t.Helper()
	var samples []Sample
	for _, r := range rows {
		s := Sample{Ratings: []int8{r.rating}, Source: r.source, Styles: strings.Fields(r.styles)}
		samples = append(samples, s)
	}
	return poolOf(t, []string{"logical deduction"}, samples...)
}

// A shape describes random pools.
type shape struct {
	samples, capabilities, sources, styles int
	maxStyles                              int     // of one sample
	missing                                float64 // share of ratings
	lowest, highest                        int8    // rating
	threshold                              int     // the lowest of three
	expected, tie, index                   bool
}

// random returns a pool with many ties, because it has few different expected scores and hashes.
func (sh shape) random(rng *rand.Rand) *Pool {
	names := make([]string, sh.capabilities)
	for c := range names {
		names[c] = fmt.Sprintf("capability %d", c)
	}
	b := NewBuilder(names...)
	for range sh.samples {
		sample := Sample{Source: fmt.Sprint("s", rng.IntN(sh.sources))}
		for range names {
			rating := int8(int(sh.lowest) + rng.IntN(int(sh.highest)-int(sh.lowest)+1))
			if rng.Float64() < sh.missing {
				rating = Missing
			}
			sample.Ratings = append(sample.Ratings, rating)
			if sh.expected {
				sample.Expected = append(sample.Expected, uint16(rng.IntN(4)*1024))
			}
		}
		if sh.tie {
			sample.Tie = uint64(rng.IntN(3))
		}
		if sh.index {
			sample.Index = rng.Int64N(1000) - 500
		}
		for range rng.IntN(sh.maxStyles + 1) {
			style := strings.Repeat("+", rng.IntN(2)) + fmt.Sprint("t", rng.IntN(sh.styles))
			sample.Styles = append(sample.Styles, style)
		}
		if err := b.Add(sample); err != nil {
			panic(err)
		}
	}
	if !sh.tie {
		b.Pool.Tie = nil
	}
	if !sh.index {
		b.Pool.Index = nil
	}
	return b.Pool
}

// The shapes for which rules are tested.
var parameterShapes = map[string]shape{
	"few bins": {
		samples: 80, capabilities: 4, sources: 3, styles: 4, maxStyles: 3, highest: 5, expected: true, tie: true,
	},
	"odd ratings": {
		samples: 60, capabilities: 3, sources: 4, styles: 3, maxStyles: 3,
		lowest: -30, highest: 120, missing: 0.2, index: true,
	},
	"many styles": {
		samples: 50, capabilities: 2, sources: 2, styles: 9, maxStyles: 9,
		highest: 3, missing: 0.4, expected: true, index: true,
	},
}

// addColumns gives the samples of a pool tokens (few samples have none), twins (a third of the samples share a twin
// with another sample) and images.
func addColumns(pool *Pool, rng *rand.Rand) {
	n := pool.Len()
	pool.Tokens, pool.Twin = make([]uint32, n), make([][16]byte, n)
	pool.ImageStart, pool.Image = make([]uint32, 1, n+1), nil
	for s := range n {
		pool.Tokens[s] = uint32(rng.IntN(20))
		pool.Twin[s][0], pool.Twin[s][15] = byte(rng.IntN(4)), byte(rng.IntN(1+n/2))
		for image := range rng.IntN(3) {
			pool.Image = append(pool.Image, uint32(rng.IntN(1+n/6)*2+image))
		}
		pool.ImageStart = append(pool.ImageStart, uint32(len(pool.Image)))
	}
	pool.Answers, pool.Shape = make([]uint32, n), make([]Shape, n)
	numbers := make([]float64, n)
	for s := range n {
		pool.Answers[s] = uint32(rng.IntN(9))
		if numbers[s] = float64(rng.IntN(6)) / 2; rng.IntN(5) == 0 {
			numbers[s] = math.NaN()
		}
		if rng.IntN(9) > 0 { // else it is not known
			pool.Shape[s] = ShapeOf(rng.IntN(3), 1+rng.IntN(2))
		}
	}
	pool.Columns = []Column{{"number", numbers}}
	pool.Cluster, pool.Template = make([]uint32, n), make([]uint32, n)
	for s := range n {
		pool.Cluster[s], pool.Template[s] = uint32(rng.IntN(1+n/2)), uint32(rng.IntN(5)) // 0 is a sample without a template
	}
}
