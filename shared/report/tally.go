package report

import (
	"cmp"
	"slices"

	"github.com/harvest-ml/harvest/shared/scorer"
	"github.com/harvest-ml/harvest/shared/scores"
	"github.com/harvest-ml/harvest/shared/selection"
	"github.com/harvest-ml/harvest/shared/subset"
)

const (
	maxSources = 10 // sources that charts show by name; all other sources are one group
	lengths    = 10 // parts of the pool by length
)

// A meanOf has the sum and the number of some ratings.
type meanOf struct{ sum, n int }

func (m *meanOf) add(rating int8) {
	if rating != selection.Missing {
		m.sum += int(rating)
		m.n++
	}
}

// mean returns 0 without ratings.
func (m meanOf) mean() float64 { return ratio(m.sum, m.n) }

// ratio returns part/whole, and 0 if the whole is 0.
func ratio(part, whole int) float64 {
	if whole == 0 {
		return 0
	}
	return float64(part) / float64(whole)
}

// A share has a number of samples in the pool, and the number of those that are selected.
type share struct{ pool, picked int }

// A tally has the counts of one pass over a pool. Only picked and total grow with the pool, by a few bytes a sample.
type tally struct {
	picked []bool
	total  []uint32 // sum of the expected scores of each sample over all capabilities, in units of 1/1024
	// group maps each of the pool's sources to its index in sources. The last index may be a group of all other sources.
	group   []int
	sources []namedShare
	// rated has ratings by capability and source; styled has counts by style and source.
	rated  [][]meanOf
	styled [][]share
	// byLength has the samples of each tenth of the pool by tokens; longest has the largest number of tokens of each
	// tenth.
	byLength    []share
	longest     []uint32
	lengthRated [][]meanOf // by capability and tenth of the pool
	bins        int        // number of bins of the pool: style + source
}

type namedShare struct {
	name string
	share
	others int // number of grouped sources; 0 for a single source
}

func newTally(o *subset.Outcome) *tally {
	n := o.Pool.Pool.Len()
	t := &tally{picked: make([]bool, n), total: make([]uint32, n), bins: o.Selection.Summary.Pool.Bins}
	for _, pick := range o.Result.Picks {
		t.picked[pick.Sample] = true
	}
	t.groupSources(o.Pool.Pool)
	t.countLengths(o.Pool.Pool)
	t.countRatings(o)
	t.countStyles(o.Pool.Pool)
	return t
}

// groupSources groups the sources by their numbers of scored samples, the largest first.
func (t *tally) groupSources(pool *selection.Pool) {
	counts := make([]share, len(pool.SourceNames))
	for s, source := range pool.Source {
		if pool.Scored(uint32(s)) {
			counts[source].pool++
		}
		if t.picked[s] {
			counts[source].picked++
		}
	}
	order := make([]int, len(counts))
	for i := range order {
		order[i] = i
	}
	slices.SortFunc(order, func(a, b int) int {
		return cmp.Or(-cmp.Compare(counts[a].pool, counts[b].pool), cmp.Compare(pool.SourceNames[a], pool.SourceNames[b]))
	})
	t.group = make([]int, len(counts))
	for place, source := range order {
		if place >= maxSources && len(order) > maxSources+1 {
			t.group[source] = maxSources
			if place == maxSources {
				t.sources = append(t.sources, namedShare{})
			}
			other := &t.sources[maxSources]
			other.pool, other.picked, other.others =
				other.pool+counts[source].pool, other.picked+counts[source].picked, other.others+1
			continue
		}
		t.group[source] = place
		t.sources = append(t.sources, namedShare{name: pool.SourceNames[source], share: counts[source]})
	}
}

// countLengths divides the scored samples into tenths by tokens. Samples of equal length are in the same part, so there
// may be fewer than ten parts.
func (t *tally) countLengths(pool *selection.Pool) {
	if len(pool.Tokens) == 0 {
		return
	}
	var sorted []uint32
	for s, tokens := range pool.Tokens {
		if pool.Scored(uint32(s)) {
			sorted = append(sorted, tokens)
		}
	}
	if len(sorted) == 0 {
		return
	}
	slices.Sort(sorted)
	for i := range lengths {
		most := sorted[max((i+1)*len(sorted)/lengths-1, 0)]
		if len(t.longest) == 0 || most > t.longest[len(t.longest)-1] {
			t.longest = append(t.longest, most)
		}
	}
	t.byLength = make([]share, len(t.longest))
	for s, tokens := range pool.Tokens {
		if !pool.Scored(uint32(s)) {
			continue
		}
		part := &t.byLength[t.length(tokens)]
		part.pool++
		if t.picked[s] {
			part.picked++
		}
	}
}

// length returns the index of the part of the pool that has samples with this number of tokens.
func (t *tally) length(tokens uint32) int {
	at, _ := slices.BinarySearch(t.longest, tokens)
	return at
}

func (t *tally) countRatings(o *subset.Outcome) {
	pool := o.Pool.Pool
	t.rated = make([][]meanOf, len(pool.Capabilities))
	t.lengthRated = make([][]meanOf, len(pool.Capabilities))
	for c := range pool.Capabilities {
		t.rated[c] = make([]meanOf, len(t.sources))
		t.lengthRated[c] = make([]meanOf, len(t.longest))
		for s, rating := range pool.Ratings[c] {
			if rating == selection.Missing {
				continue
			}
			t.rated[c][t.group[pool.Source[s]]].add(rating)
			if t.longest != nil {
				t.lengthRated[c][t.length(pool.Tokens[s])].add(rating)
			}
			if o.Pool.Status[s] == scores.OK {
				t.total[s] += expected(pool, c, uint32(s))
			}
		}
	}
}

// expected returns the expected score of a sample in units of 1/1024. If only the rating is known, it is computed from
// the rating.
func expected(pool *selection.Pool, c int, s uint32) uint32 {
	switch rating := pool.Ratings[c][s]; {
	case rating == selection.Missing:
		return 0
	case pool.Expected != nil:
		return uint32(pool.Expected[c][s])
	default:
		return uint32(max(rating, 0)) * scorer.ExpectedUnits
	}
}

func (t *tally) countStyles(pool *selection.Pool) {
	t.styled = make([][]share, len(pool.StyleNames))
	for i := range t.styled {
		t.styled[i] = make([]share, len(t.sources))
	}
	for s := range pool.Len() {
		for _, style := range stylesOf(pool, uint32(s)) {
			bin := &t.styled[style][t.group[pool.Source[s]]]
			bin.pool++
			if t.picked[s] {
				bin.picked++
			}
		}
	}
}

// stylesOf returns the numbers of a sample's styles.
func stylesOf(pool *selection.Pool, s uint32) []uint32 {
	return pool.Style[pool.StyleStart[s]:pool.StyleStart[s+1]]
}

// A quality describes some samples: their mean rating over all capabilities, in [0, 5], and the share of the pool's
// bins (style + source) that they cover, in [0, 1].
type quality struct{ mean, coverage float64 }

func (t *tally) quality(pool *selection.Pool, picks []selection.Pick) quality {
	var all meanOf
	covered := map[[2]uint32]struct{}{}
	for _, pick := range picks {
		for c := range pool.Capabilities {
			all.add(pool.Ratings[c][pick.Sample])
		}
		for _, style := range stylesOf(pool, pick.Sample) {
			covered[[2]uint32{style, pool.Source[pick.Sample]}] = struct{}{}
		}
	}
	return quality{mean: all.mean(), coverage: ratio(len(covered), t.bins)}
}
