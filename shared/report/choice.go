package report

import (
	"cmp"
	"math"
	"math/rand/v2"
	"slices"

	"github.com/harvest-ml/harvest/shared/scores"
	"github.com/harvest-ml/harvest/shared/selection"
	"github.com/harvest-ml/harvest/shared/subset"
)

// The numbers of samples of each kind in a gallery. Their sum is below maxPictures if a rubric has at most about 40
// capabilities. With more capabilities, samples of the last capabilities are left out.
const (
	perKind     = 24
	perMisses   = 12 // candidates for kindFirstOut of each capability
	failedShown = 12
	maxPictures = 300
)

// The kinds of samples in a gallery.
const (
	kindBest       = "best"
	kindLastIn     = "borderline in"
	kindFirstOut   = "borderline out"
	kindRandomIn   = "random, selected"
	kindRandomOut  = "random, left"
	kindCapability = "of a capability"
	kindStyle      = "of a style"
	kindFailed     = "not scored"
)

// kinds lists all kinds, with their meanings.
var kinds = []struct{ Name, Meaning string }{
	{kindBest, "the selected samples with the highest sum of expected scores over all capabilities"},
	{kindLastIn, "the samples that were picked last"},
	{kindFirstOut, "samples that were not selected, with ratings near the last sample picked from one of their bins"},
	{kindRandomIn, "drawn at random from the selection"},
	{kindRandomOut, "drawn at random from the scored samples that were not selected"},
	{kindCapability, "for each capability, the first and the last sample picked, and the best sample not selected"},
	{kindStyle, "for each style, one sample drawn at random from the selection"},
	{kindFailed, "the first samples that failed or were skipped"},
}

// A choice has the samples of a gallery: their positions in the pool, in the order of kinds, and the kinds of each
// sample.
type choice struct {
	samples []uint32
	kinds   map[uint32][]string
}

func (c *choice) add(kind string, samples ...uint32) {
	for _, s := range samples {
		if c.kinds[s] == nil {
			if len(c.samples) == maxPictures {
				return
			}
			c.samples = append(c.samples, s)
		}
		if !slices.Contains(c.kinds[s], kind) {
			c.kinds[s] = append(c.kinds[s], kind)
		}
	}
}

// choose chooses the samples of a gallery. Random draws have a fixed seed, so that the report is the same each time.
func choose(o *subset.Outcome, t *tally, reasons selection.ReasonList, explain explainer) (*choice, error) {
	c := &choice{kinds: map[uint32][]string{}}
	rng := rand.New(rand.NewPCG(17, o.Params.Seed))
	picks := o.Result.Samples()
	byTotal := func(a, b uint32) int { return cmp.Or(-cmp.Compare(t.total[a], t.total[b]), cmp.Compare(a, b)) }
	best := newLeading(perKind, byTotal)
	for _, s := range picks {
		best.offer(s)
	}
	c.add(kindBest, best.kept...)
	last := slices.Clone(picks[max(len(picks)-perKind, 0):])
	slices.Reverse(last)
	c.add(kindLastIn, last...)
	missed := nearlyPicked(o, t, reasons)
	near, err := nearest(missed, explain)
	if err != nil {
		return nil, err
	}
	c.add(kindFirstOut, near...)
	c.add(kindRandomIn, drawn(rng, len(picks), func(i int) (uint32, bool) { return picks[i], true })...)
	c.add(kindRandomOut, drawn(rng, o.Pool.Pool.Len(), func(i int) (uint32, bool) {
		return uint32(i), !t.picked[i] && o.Pool.Status[i] == scores.OK
	})...)
	c.addOfCapabilities(o, missed)
	c.addOfStyles(o, picks, rng)
	failed := 0
	for s, status := range o.Pool.Status {
		if failed < failedShown && status != scores.OK {
			c.add(kindFailed, uint32(s))
			failed++
		}
	}
	return c, nil
}

// drawn draws up to perKind samples at random, each with the same probability. thing returns the sample of a number
// below n, and whether the sample may be drawn. drawn makes a limited number of attempts.
func drawn(rng *rand.Rand, n int, thing func(int) (uint32, bool)) []uint32 {
	var out []uint32
	seen := map[int]bool{}
	for range 200 * perKind {
		if n == 0 || len(out) == perKind || len(seen) == n {
			break
		}
		i := rng.IntN(n)
		if s, counts := thing(i); counts && !seen[i] {
			out = append(out, s)
		}
		seen[i] = true
	}
	return out
}

// addOfCapabilities adds the first and the last pick of each capability, and its best sample that is not selected.
func (c *choice) addOfCapabilities(o *subset.Outcome, missed [][]uint32) {
	first, last := map[uint32]uint32{}, map[uint32]uint32{}
	for _, pick := range o.Result.Picks {
		if !pick.Rated() {
			continue
		}
		if _, there := first[pick.Capability]; !there {
			first[pick.Capability] = pick.Sample
		}
		last[pick.Capability] = pick.Sample
	}
	columnOf := columnsByName(o.Pool.Pool)
	for i, capability := range o.Result.Capabilities {
		if s, there := first[uint32(i)]; there {
			c.add(kindCapability, s, last[uint32(i)])
		}
		if left := missed[columnOf[capability.Capability]]; len(left) > 0 {
			c.add(kindCapability, left[0])
		}
	}
}

// addOfStyles adds one pick of each style.
func (c *choice) addOfStyles(o *subset.Outcome, picks []uint32, rng *rand.Rand) {
	chosen, seen := make([]uint32, len(o.Pool.Pool.StyleNames)), make([]int, len(o.Pool.Pool.StyleNames))
	for _, s := range picks {
		for _, style := range stylesOf(o.Pool.Pool, s) {
			if seen[style]++; rng.IntN(seen[style]) == 0 { // so each pick has the same probability
				chosen[style] = s
			}
		}
	}
	for style, n := range seen {
		if n > 0 {
			c.add(kindStyle, chosen[style])
		}
	}
}

// nearlyPicked returns, for each capability of the pool, the best samples that were not selected because of their rank.
// The best sample is first.
func nearlyPicked(o *subset.Outcome, t *tally, reasons selection.ReasonList) [][]uint32 {
	out := make([][]uint32, len(o.Pool.Pool.Capabilities))
	for c, ratings := range o.Pool.Pool.Ratings {
		best := newLeading(perMisses, func(a, b uint32) int {
			return cmp.Or(
				-cmp.Compare(ratings[a], ratings[b]),
				-cmp.Compare(expected(o.Pool.Pool, c, a), expected(o.Pool.Pool, c, b)),
				-cmp.Compare(t.total[a], t.total[b]),
				cmp.Compare(a, b),
			)
		})
		for s := range reasons.Len() {
			if ratings[s] > 0 && reasons.At(s) == selection.ReasonRank {
				best.offer(uint32(s))
			}
		}
		out[c] = best.kept
	}
	return out
}

// An explainer returns the reasons why samples, given by their indexes, are or are not in a selection.
type explainer func(indexes []uint32) ([]subset.Explanation, error)

// nearest returns the samples that were nearly picked: the samples whose ratings are nearest to the rating of the last
// sample picked from one of their bins.
func nearest(missed [][]uint32, explain explainer) ([]uint32, error) {
	var samples []uint32
	for _, of := range missed {
		samples = append(samples, of...)
	}
	slices.Sort(samples)
	found, err := explain(slices.Compact(samples))
	if err != nil {
		return nil, err
	}
	gap := func(x subset.Explanation) int {
		if len(x.Misses) == 0 {
			return math.MaxInt
		}
		return x.Misses[0].Gap()
	}
	slices.SortStableFunc(found, func(a, b subset.Explanation) int { return cmp.Compare(gap(a), gap(b)) })
	var near []uint32
	for _, x := range found[:min(len(found), perKind)] {
		near = append(near, uint32(x.Index))
	}
	return near, nil
}

// leading keeps the first few samples, in a given order, of many samples.
type leading struct {
	most    int
	compare func(a, b uint32) int
	kept    []uint32 // sorted in the order
}

func newLeading(most int, compare func(a, b uint32) int) *leading {
	return &leading{most: most, compare: compare}
}

func (l *leading) offer(s uint32) {
	if len(l.kept) == l.most && l.compare(s, l.kept[l.most-1]) >= 0 {
		return
	}
	at, _ := slices.BinarySearchFunc(l.kept, s, l.compare)
	l.kept = slices.Insert(l.kept, at, s)
	if len(l.kept) > l.most {
		l.kept = l.kept[:l.most]
	}
}
