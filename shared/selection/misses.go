package selection

import (
	"math"
	"slices"
	"sync/atomic"
)

// A NearMiss says where a sample that others came before was nearest to being picked: of its capabilities and bins, the
// one with the fewest candidates between the last one picked and the sample.
type NearMiss struct {
	Capability uint32 // index into Result.Capabilities; None for a strategy without turns
	Style      uint32 // position of the bin's style in the sample's styles; 0 for a strategy without turns
	// Rank is the sample's position, from 1, in the order in which the capability takes the candidates of the bin, or in
	// that of the strategy. Last is the highest position that was taken, 0 if none was.
	Rank, Last uint32
}

// A MissList has the near misses of a pool's samples.
type MissList struct {
	groups *groups
	// nearest has of each sample how many positions it comes after the last one taken, in the upper half, and the place
	// in last in the lower; noMiss of those that have none.
	nearest []uint64
	last    []uint32 // by capability, then bin
}

const (
	noMiss = math.MaxUint64
	// missBias makes distances positive: caps, and samples that were the best of their bins, may have made a sample
	// come before the last one taken.
	missBias = 1 << 31
)

// At is the near miss of sample i; false if it was not outranked.
func (l *MissList) At(i int) (NearMiss, bool) {
	packed := l.nearest[i]
	if packed == noMiss {
		return NearMiss{}, false
	}
	place := uint32(packed)
	miss := NearMiss{Capability: None, Last: l.last[place]}
	miss.Rank = uint32(int64(packed>>32) - missBias + int64(miss.Last))
	if l.groups != nil {
		bins := uint32(len(l.groups.binNames))
		miss.Capability = place / bins
		miss.Style = uint32(slices.Index(l.groups.bins(l.groups.of[i]), place%bins))
	}
	return miss, true
}

// NearMisses are those of the samples whose reason is ReasonRank. It sorts all candidates of all bins, so it takes
// several times as long as the selection.
func (c *Catalog) NearMisses(params Params, result *Result, reasons ReasonList) *MissList {
	l := &MissList{nearest: make([]uint64, c.Pool.Len()), last: make([]uint32, 1)}
	outranked := newBitset(c.Pool.Len())
	any := false
	for i := range l.nearest {
		l.nearest[i] = noMiss
		if reasons.At(i) == ReasonRank {
			outranked.set(uint32(i))
			any = true
		}
	}
	if !any {
		return l
	}
	params.Budget, params.InTokens = 1, false // so that no room is made for picks
	m := misser{list: l, selector: newSelector(c, params), outranked: outranked}
	if !params.TakesTurns() {
		m.inOrder(result)
		return l
	}
	l.groups = m.groups
	l.last = make([]uint32, len(result.Capabilities)*len(result.Bins))
	m.pickedAt = make([]uint32, c.Pool.Len())
	for _, pick := range result.Picks {
		if pick.Rule == ByTurn {
			m.pickedAt[pick.Sample] = pick.Capability*uint32(len(result.Bins)) + pick.Bin + 1
		}
	}
	m.findSegments()
	m.counts = make([]int, l.groups.len())
	for i, name := range params.capabilities(c.Pool) {
		m.ofCapability(i, name)
	}
	return l
}

// A misser finds near misses.
type misser struct {
	*selector
	list      *MissList
	outranked bitset
	pickedAt  []uint32 // of each sample the place in last at which it was picked, and 1; 0 if at none
	segments  []segment
	segmentOf []uint32 // of each of groups.bin
	counts    []int    // of candidates, by group
	keys      []uint64 // of the candidates of a capability, segment by segment
}

// inOrder finds those of a strategy without turns.
func (m *misser) inOrder(result *Result) {
	for _, pick := range result.Picks {
		if pick.Rule == ByStrategy {
			m.list.last[0] = max(m.list.last[0], pick.Rank)
		}
	}
	for i, sample := range m.strategyOrder() {
		m.offer(sample, 0, i+1)
	}
}

// A segment is the part of a bin's order that has one position of the bin's style; the whole bin if the order is by
// score.
type segment struct {
	bin        uint32
	start, end int // of its candidates in a misser's keys
	sorted     int // how many of them the order of a higher threshold has before them, in the bin
}

// findSegments fills segments, in the order of the bins, and segmentOf.
func (m *misser) findSegments() {
	byScore := m.params.WithinBin == ByScore
	m.segmentOf = make([]uint32, len(m.groups.bin))
	for bin := range uint32(len(m.groups.binNames)) {
		last := uint32(None)
		for _, entry := range m.groups.entries[m.groups.entryStart[bin]:m.groups.entryStart[bin+1]] {
			if last == None || entry.position != last && !byScore {
				m.segments = append(m.segments, segment{bin: bin})
				last = entry.position
			}
			m.segmentOf[m.groups.binStart[entry.group]+entry.position] = uint32(len(m.segments) - 1)
		}
	}
}

// ofCapability finds those of a capability's bins.
func (m *misser) ofCapability(i int, name string) {
	column, own := m.pool.column(name), m.params.threshold(name)
	before := make([]int, len(m.groups.binNames)) // how many candidates of each bin higher thresholds had
	ratings, candidates := m.pool.Ratings[column], bitset(nil)
	var expected []uint16
	if !m.params.RatingsOnly && m.pool.Expected != nil {
		expected = m.pool.Expected[column]
	}
	lastPosition := uint32(0)
	if m.params.WithinBin == ByScore {
		lastPosition = m.groups.lastPosition()
	}
	for _, level := range m.params.levels(m.pool) {
		threshold := max(own, level)
		above := m.catalog.candidates(column, threshold)
		candidates = difference(above, candidates)
		keys := newSortKeys(ratings, expected, threshold, m.count(candidates, ratings, threshold), lastPosition, m.ties)
		m.fill(candidates, &keys)
		m.rank(&keys, i, before)
		if candidates = above; threshold == own {
			return
		}
	}
}

// difference is what a has and b, which may be nil, does not.
func difference(a, b bitset) bitset {
	if b == nil {
		return a
	}
	d := slices.Clone(a)
	for i := range d {
		d[i] &^= b[i]
	}
	return d
}

// count finds where the candidates of each segment are to be, and by how much the highest rating exceeds the threshold.
func (m *misser) count(candidates bitset, ratings []int8, threshold int32) (most int) {
	clear(m.counts)
	for s, group := range m.groups.of {
		if candidates.has(uint32(s)) {
			m.counts[group]++
			most = max(most, int(int32(ratings[s])-threshold))
		}
	}
	for i := range m.segments {
		m.segments[i].end = 0
	}
	for group := 1; group < m.groups.len(); group++ {
		for at := m.groups.binStart[group]; at < m.groups.binStart[group+1]; at++ {
			m.segments[m.segmentOf[at]].end += m.counts[group]
		}
	}
	end := 0
	for i := range m.segments {
		s := &m.segments[i]
		s.start = end
		end += s.end
		s.end = s.start
	}
	m.keys = slices.Grow(m.keys[:0], end)[:end]
	return most
}

// fill puts the keys of the candidates into their segments. It reads columns from front to back: in the order of the
// groups it takes several times as long.
func (m *misser) fill(candidates bitset, keys *sortKeys) {
	for s, group := range m.groups.of {
		if group == 0 || !candidates.has(uint32(s)) {
			continue
		}
		first := m.groups.binStart[group]
		for at := first; at < m.groups.binStart[group+1]; at++ {
			segment := &m.segments[m.segmentOf[at]]
			m.keys[segment.end] = keys.key(uint32(s), (at-first)*min(uint32(keys.positionBits), 1))
			segment.end++
		}
	}
}

// rank sorts the segments and offers the positions of their candidates, which come after so many in their bins.
func (m *misser) rank(keys *sortKeys, number int, before []int) {
	for i := range m.segments {
		s := &m.segments[i]
		s.sorted = before[s.bin]
		before[s.bin] += s.end - s.start
	}
	place := func(s *segment) uint32 { return uint32(number*len(m.groups.binNames)) + s.bin }
	parallel(len(m.buffers), len(m.segments), func(_, i int) {
		s := &m.segments[i]
		keys.sortLeast(m.keys[s.start:s.end], s.end-s.start)
	})
	for i := range m.segments {
		s := &m.segments[i]
		for k := s.end - 1; k >= s.start; k-- {
			if m.pickedAt[keys.sample(m.keys[k])] == place(s)+1 {
				m.list.last[place(s)] = uint32(s.sorted + k - s.start + 1)
				break
			}
		}
	}
	parallel(len(m.buffers), len(m.segments), func(_, i int) {
		s := &m.segments[i]
		for k, key := range m.keys[s.start:s.end] {
			m.offer(keys.sample(key), place(s), s.sorted+k+1)
		}
	})
}

// offer notes a sample's position at a place, if it is nearer to the last one taken than at the others.
func (m *misser) offer(sample, place uint32, rank int) {
	if !m.outranked.has(sample) {
		return
	}
	packed := uint64(int64(rank)-int64(m.list.last[place])+missBias)<<32 | uint64(place)
	for at := &m.list.nearest[sample]; ; {
		if before := atomic.LoadUint64(at); packed >= before || atomic.CompareAndSwapUint64(at, before, packed) {
			return
		}
	}
}
