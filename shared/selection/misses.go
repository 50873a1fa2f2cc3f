package selection

import (
	"math"
	"slices"
)

// A NearMiss describes how near an outranked sample was to being picked. It is about the capability and bin in which
// the fewest candidates are between the last picked candidate and the sample.
type NearMiss struct {
	Capability uint32 // index into Result.Capabilities; None for a strategy without turns
	Style      uint32 // position of the bin's style in the sample's styles; 0 for a strategy without turns
	// Rank is the sample's position, from 1, in the order of the bin's candidates for the capability, or in the order of
	// the strategy. Last is the highest position that was picked; 0 if no candidate was picked.
	Rank, Last uint32
}

// A MissList has the near misses of a pool's samples.
type MissList struct {
	groups *groups
	// distance has, for each sample, missBias plus the number of positions between the last picked candidate and the
	// sample. It is noMiss if no place is found yet, and notOutranked if the sample was not outranked. place is the index
	// in last to which the distance belongs.
	distance, place []uint32
	last            []uint32 // Last by capability, then bin
}

const (
	notOutranked = 0
	noMiss       = math.MaxUint32
	// missBias keeps distances positive. A sample that was not picked may come before the last picked candidate, because
	// of caps, or because samples were picked as the best of their bins.
	missBias = 1 << 31
)

// At returns the near miss of sample i; false if the sample was not outranked.
func (l *MissList) At(i int) (NearMiss, bool) {
	distance := l.distance[i]
	if distance == notOutranked || distance == noMiss {
		return NearMiss{}, false
	}
	place := l.place[i]
	miss := NearMiss{Capability: None, Last: l.last[place]}
	miss.Rank = uint32(int64(distance) - missBias + int64(miss.Last))
	if l.groups != nil {
		bins := uint32(len(l.groups.binNames))
		miss.Capability = place / bins
		miss.Style = uint32(slices.Index(l.groups.bins(l.groups.of[i]), place%bins))
	}
	return miss, true
}

// NearMisses returns the near misses of the samples whose reason is ReasonRank. It sorts all candidates of all bins, so
// it takes several times as long as the selection.
func (c *Catalog) NearMisses(params Params, result *Result, reasons ReasonList) *MissList {
	n := c.Pool.Len()
	l := &MissList{distance: make([]uint32, n), place: make([]uint32, n), last: make([]uint32, 1)}
	any := false
	for i := range l.distance {
		if reasons.At(i) == ReasonRank {
			l.distance[i], any = noMiss, true
		}
	}
	if !any {
		return l
	}
	params.Budget, params.InTokens = 1, false // so that no memory is reserved for picks
	m := misser{list: l, selector: newSelector(c, params)}
	if !params.TakesTurns() {
		m.inOrder(result)
		return l
	}
	l.groups = m.groups
	l.last = make([]uint32, len(result.Capabilities)*len(result.Bins))
	m.picks = picksByTurn(result)
	m.findSegments()
	m.counts = make([]uint32, l.groups.len())
	for i, name := range params.capabilities(c.Pool) {
		m.ofCapability(result, i, name)
	}
	return l
}

// A misser finds near misses.
type misser struct {
	*selector
	list      *MissList
	picks     [][]uint32 // picksByTurn
	segments  []segment
	segmentOf []uint32 // the segment of each element of groups.bin
	counts    []uint32 // number of candidates by group
	keys      []uint64 // keys of a capability's candidates, in the order of segments
}

// picksByTurn returns, for each capability, the indexes of the picks that it made at its turns.
func picksByTurn(result *Result) [][]uint32 {
	counts := make([]int, len(result.Capabilities))
	for _, pick := range result.Picks {
		if pick.Rule == ByTurn {
			counts[pick.Capability]++
		}
	}
	of := make([][]uint32, len(counts))
	for i, n := range counts {
		of[i] = make([]uint32, 0, n)
	}
	for number, pick := range result.Picks {
		if pick.Rule == ByTurn {
			of[pick.Capability] = append(of[pick.Capability], uint32(number))
		}
	}
	return of
}

// inOrder finds the near misses for a strategy without turns.
func (m *misser) inOrder(result *Result) {
	for _, pick := range result.Picks {
		if pick.Rule == ByStrategy {
			m.list.last[0] = max(m.list.last[0], pick.Rank)
		}
	}
	for i, sample := range m.strategyOrder() {
		if m.list.distance[sample] != notOutranked {
			m.list.distance[sample] = m.list.first(0) + uint32(i)
		}
	}
}

// A segment is the part of a bin's order with one position of the bin's style, or the whole bin if the order is by
// score.
type segment struct {
	bin        uint32
	start, end uint32 // range of its candidates in a misser's keys
	sorted     uint32 // number of candidates before the segment in the order of the bin
	picked     bool   // whether the capability picked a candidate of the segment
	last       uint64 // the key of the last candidate that was picked, in the order
}

// findSegments sets segments, in the order of the bins, and segmentOf.
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

// A levelColumn is a column of ratings. A rating above threshold and up to most makes a sample a candidate.
type levelColumn struct {
	number    int
	ratings   []int8
	threshold int32
	most      int32
}

func (l levelColumn) has(rating int8) bool {
	return int32(rating) > l.threshold && int32(rating) <= l.most
}

// ofCapability finds the near misses in the bins of a capability.
func (m *misser) ofCapability(result *Result, i int, name string) {
	column, own := m.pool.column(name), m.params.threshold(name)
	before := make([]uint32, len(m.groups.binNames)) // number of candidates of each bin at higher thresholds
	level := levelColumn{number: column, ratings: m.pool.Ratings[column], most: math.MaxInt8}
	expected := m.params.expected(m.pool, name)
	lastPosition := uint32(0)
	if m.params.WithinBin == ByScore {
		lastPosition = m.groups.lastPosition()
	}
	for _, lowest := range m.params.levels(m.pool) {
		level.threshold = max(own, lowest)
		highest := m.count(level)
		keys := newSortKeys(level.ratings, expected, level.threshold, highest, lastPosition, m.ties)
		m.fill(level, &keys)
		m.findLast(level, &keys, result.Picks, m.picks[i])
		m.rank(&keys, i, before)
		if level.most = level.threshold; level.threshold == own {
			return
		}
	}
}

// count computes the places for the keys of each segment. It returns the difference between the highest rating and the
// threshold.
func (m *misser) count(level levelColumn) (highest int) {
	clear(m.counts)
	if cells := m.cells(level.number); cells != nil {
		for group := range cells {
			for i, n := range cells[group][1:] {
				if level.has(int8(i)) && n > 0 {
					m.counts[group] += n
					highest = max(highest, i-int(level.threshold))
				}
			}
		}
	} else {
		for s, group := range m.groups.of {
			if rating := level.ratings[s]; level.has(rating) {
				m.counts[group]++
				highest = max(highest, int(int32(rating)-level.threshold))
			}
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
	end := uint32(0)
	for i := range m.segments {
		s := &m.segments[i]
		s.start = end
		end += s.end
		s.end = s.start
	}
	m.keys = slices.Grow(m.keys[:0], int(end))[:end]
	return highest
}

// fill puts the keys of the candidates into their segments. It reads columns from front to back; reading them in the
// order of groups would take several times as long.
func (m *misser) fill(level levelColumn, keys *sortKeys) {
	next := make([]uint32, len(m.segments))
	for i := range m.segments {
		next[i] = m.segments[i].start
	}
	for s, rating := range level.ratings {
		group := m.groups.of[s]
		if group == 0 || !level.has(rating) {
			continue
		}
		first := m.groups.binStart[group]
		key, step := keys.key(uint32(s), 0), keys.positionStep()
		for _, segment := range m.segmentOf[first:m.groups.binStart[group+1]] {
			m.keys[next[segment]] = key
			next[segment]++
			key += step
		}
	}
	for i := range m.segments {
		m.segments[i].end = next[i]
	}
}

// findLast finds, in each segment, the last candidate that was picked.
func (m *misser) findLast(level levelColumn, keys *sortKeys, picks []Pick, own []uint32) {
	for i := range m.segments {
		m.segments[i].picked = false
	}
	for _, number := range own {
		pick := picks[number]
		group := m.groups.of[pick.Sample]
		if group == 0 || !level.has(level.ratings[pick.Sample]) {
			continue
		}
		position := uint32(slices.Index(m.groups.bins(group), pick.Bin))
		s := &m.segments[m.segmentOf[m.groups.binStart[group]+position]]
		key := keys.key(pick.Sample, 0) + uint64(position)*keys.positionStep()
		if !s.picked || keys.compareKeys(s.last, key) < 0 {
			s.picked, s.last = true, key
		}
	}
}

// rank sorts the segments. It records the position of a candidate if it is nearer than the candidate's earlier
// positions. before[bin] is the number of candidates of the bin that come earlier.
func (m *misser) rank(keys *sortKeys, number int, before []uint32) {
	for i := range m.segments {
		s := &m.segments[i]
		s.sorted = before[s.bin]
		before[s.bin] += s.end - s.start
	}
	place := func(s *segment) uint32 { return uint32(number*len(m.groups.binNames)) + s.bin }
	parallel(len(m.buffers), len(m.segments), func(worker, i int) {
		s := &m.segments[i]
		keys.sortLeast(m.keys[s.start:s.end], int(s.end-s.start), &m.buffers[worker].sorter)
	})
	for i := range m.segments {
		s := &m.segments[i]
		if s.picked {
			at, _ := slices.BinarySearchFunc(m.keys[s.start:s.end], s.last, keys.compareKeys)
			m.list.last[place(s)] = s.sorted + uint32(at) + 1
		}
	}
	distances, places, samples := m.list.distance, m.list.place, uint64(1)<<keys.sampleBits-1
	for i := range m.segments {
		s := &m.segments[i]
		place := place(s)
		distance := m.list.first(place) + s.sorted
		for _, key := range m.keys[s.start:s.end] {
			if sample := key & samples; distance < distances[sample] { // nearer than in the bins so far
				distances[sample], places[sample] = distance, place
			}
			distance++
		}
	}
}

// first returns the distance of the first position at a place.
func (l *MissList) first(place uint32) uint32 { return missBias + 1 - l.last[place] }
