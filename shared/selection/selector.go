package selection

import (
	"math"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
)

// A selector is one selection under way.
type selector struct {
	pool   *Pool
	bins   *bins
	budget int
	turns  []*turn // one for each capability, in order
	picked bitset  // by row
	picks  []Pick
	// rows and inBins hold what later turns need to know of each pick, side by side: its row, and
	// its bins in inBins[inBinsStart[i]:inBinsStart[i+1]].
	rows        []uint32
	inBins      []uint32
	inBinsStart []uint32
	desks       []desk // one for each worker
}

// A desk is a worker's own room. Keys are those of one turn, by row, while there is one.
type desk struct {
	found []candidate
	turn  *turn
	keys  []uint64
}

// A turn is one capability's view of the pool, kept from one of its turns to the next.
type turn struct {
	bins       *bins
	capability uint32
	ranking    ranking
	// candidates are the rows that qualified and were unpicked when the present turn began, and
	// live counts them for each bin. Picks numbered seen and above are not yet taken out of them.
	candidates bitset
	live       []uint32
	seen       int
	queues     []queue  // one for each bin
	order      []uint64 // as orderBins says
	result     Turns
}

func newSelector(pool *Pool, params Params) *selector {
	names := params.Capabilities
	if len(names) == 0 {
		names = pool.Capabilities
	}
	s := &selector{
		pool:        pool,
		bins:        newBins(pool),
		budget:      params.Budget,
		turns:       make([]*turn, len(names)),
		picked:      newBitset(pool.Len()),
		picks:       make([]Pick, 0, params.Budget),
		rows:        make([]uint32, 0, params.Budget),
		inBinsStart: append(make([]uint32, 0, params.Budget+1), 0),
		desks:       make([]desk, runtime.GOMAXPROCS(0)),
	}
	var sums []int32
	if !params.RatingsOnly {
		sums = s.sums()
	}
	styled := newBitset(pool.Len())
	for row, sample := range s.bins.sample {
		if pool.StyleStart[sample] < pool.StyleStart[sample+1] {
			styled.set(uint32(row))
		}
	}
	part := max(s.budget/len(names), 1)
	s.parallel(len(names), func(d *desk, i int) {
		column := slices.Index(pool.Capabilities, names[i])
		r := ranking{sample: s.bins.sample, rating: pool.Ratings[column], index: pool.Index}
		if !params.RatingsOnly {
			r.sum, r.tie = sums, pool.Tie
			if pool.Expected != nil {
				r.expected = pool.Expected[column]
			}
		}
		t := &turn{bins: s.bins, capability: uint32(i), ranking: r}
		t.result.Capability = names[i]
		t.qualify(styled, params.Threshold)
		t.layOut(d)
		t.orderBins()
		for _, key := range t.order[:min(part, len(t.order))] {
			t.queues[uint32(key)].refill(t, part/len(t.order), d)
		}
		s.turns[i] = t
	})
	for i := range s.desks {
		s.desks[i].turn, s.desks[i].keys = nil, nil // several megabytes that no later turn reads
	}
	return s
}

// qualify finds the candidates among the rows with a style, and counts them for each bin.
func (t *turn) qualify(styled bitset, threshold int) {
	t.candidates = newBitset(len(t.bins.sample))
	// Missing is the lowest of all ratings, so no threshold may lie below it; nor need one lie above
	// the highest, where the difference could overflow.
	floor := int64(min(max(threshold, Missing), math.MaxInt16))
	for s, rating := range t.ranking.rating {
		// The sign of the difference, without a branch that no processor could foresee.
		above := uint64(floor-int64(rating)) >> 63
		row := t.bins.row[s]
		t.candidates[row/64] |= above << (row % 64)
	}
	for i := range t.candidates {
		t.candidates[i] &= styled[i]
	}
	t.result.Candidates = t.candidates.count()

	t.live = make([]uint32, len(t.bins.names))
	t.queues = make([]queue, len(t.bins.names))
	for bin := range t.live {
		start, end := t.bins.start[bin], t.bins.start[bin+1]
		n := uint32(0)
		for _, row := range t.bins.member[start:end] {
			n += t.candidates.bit(row)
		}
		t.live[bin] = n
		t.queues[bin] = queue{next: start, end: end}
	}
}

// layOut puts the turn's keys on the desk, in one pass through columns that are not sorted by row;
// filling the queues would go to and fro in them.
func (t *turn) layOut(d *desk) {
	if d.keys == nil {
		d.keys = make([]uint64, len(t.bins.row))
	}
	for s, row := range t.bins.row {
		d.keys[row] = t.ranking.key(uint32(s))
	}
	d.turn = t
}

// sums are the samples' sums over all capabilities of the pool, of expected scores where there are
// any, else of ratings; a missing rating adds nothing.
func (s *selector) sums() []int32 {
	sums := make([]int32, s.pool.Len())
	const chunk = 1 << 14
	s.parallel((len(sums)+chunk-1)/chunk, func(_ *desk, i int) {
		start := i * chunk
		part := sums[start:min(start+chunk, len(sums))]
		for c, ratings := range s.pool.Ratings {
			for j, rating := range ratings[start : start+len(part)] {
				switch {
				case rating == Missing:
				case s.pool.Expected != nil:
					part[j] += int32(s.pool.Expected[c][start+j])
				default:
					part[j] += int32(rating)
				}
			}
		}
	})
	return sums
}

func (s *selector) run() *Result {
	result := &Result{Asked: s.budget, Bins: s.bins.names}
	for turns := s.turns; len(turns) > 0 && len(s.picks) < s.budget; {
		result.Rounds++
		part := max((s.budget-len(s.picks))/len(turns), 1)
		var left []*turn
		for _, t := range turns {
			// What earlier turns of the round overdrew narrows the parts of all later ones.
			part = min(part, s.budget-len(s.picks))
			if part == 0 {
				break
			}
			before := len(s.picks)
			s.pick(t, part, result.Rounds)
			if picked := len(s.picks) - before; picked > 0 {
				t.result.Picked += picked
				left = append(left, t)
			}
		}
		turns = left
	}
	result.Picks = s.picks
	result.Given = len(s.picks)
	for _, t := range s.turns {
		result.Capabilities = append(result.Capabilities, t.result)
	}
	return result
}

// pick lets a capability pick about k samples: fewer where its bins run out, more where debt is
// called in at the end, never more than the budget.
func (s *selector) pick(t *turn, k, round int) {
	s.catchUp(t)
	t.orderBins()
	if len(t.order) == 0 {
		return
	}
	share := max(k/len(t.order), 1)
	s.prepare(t, min(k, len(t.order)), share)

	picked, debt := 0, 0
	for _, key := range t.order {
		if picked >= k {
			return
		}
		bin := uint32(key)
		want := share + debt
		took := s.take(t, bin, min(want, s.budget-len(s.picks)), round)
		picked += took
		debt = want - took
		if len(s.picks) == s.budget {
			return
		}
	}
}

// catchUp takes out of a capability's candidates what has been picked since its last turn.
func (s *selector) catchUp(t *turn) {
	for ; t.seen < len(s.picks); t.seen++ {
		row := s.rows[t.seen]
		if !t.candidates.has(row) {
			continue
		}
		t.candidates.clear(row)
		for _, bin := range s.inBins[s.inBinsStart[t.seen]:s.inBinsStart[t.seen+1]] {
			t.live[bin]--
		}
	}
}

// orderBins lists the bins that hold candidates, by their number, then by name, each as its number
// of candidates in the upper half of a word and its own number in the lower.
func (t *turn) orderBins() {
	t.order = t.order[:0]
	for bin, n := range t.live {
		if n > 0 {
			t.order = append(t.order, uint64(n)<<32|uint64(bin))
		}
	}
	slices.Sort(t.order)
}

// prepare fills, side by side, the queues of the first n bins of a turn, each of which will be
// asked for at least share candidates. Taking would fill them too, but one after the other.
func (s *selector) prepare(t *turn, n, share int) {
	s.parallel(n, func(d *desk, i int) {
		q := &t.queues[uint32(t.order[i])]
		for len(q.ready) > 0 && !t.candidates.has(q.ready[0]) {
			q.ready = q.ready[1:]
		}
		if len(q.ready) == 0 {
			q.refill(t, share, d)
		}
	})
}

// take picks the first n candidates of a bin that no other bin has given in this turn, or as many
// as there are, and returns their number.
func (s *selector) take(t *turn, bin uint32, n, round int) int {
	q := &t.queues[bin]
	took, rank := 0, uint32(0)
	for took < n {
		if len(q.ready) == 0 && !q.refill(t, n-took, &s.desks[0]) {
			break
		}
		row := q.ready[0]
		q.ready = q.ready[1:]
		if !t.candidates.has(row) {
			continue // picked before this turn
		}
		rank++
		if s.picked.has(row) {
			continue // picked in this turn, from another bin
		}
		s.picked.set(row)
		sample := s.bins.sample[row]
		s.picks = append(s.picks, Pick{
			Sample: sample, Round: uint32(round), Capability: t.capability, Bin: bin, Rank: rank,
		})
		s.rows = append(s.rows, row)
		s.inBins = append(s.inBins, s.bins.of[s.pool.StyleStart[sample]:s.pool.StyleStart[sample+1]]...)
		s.inBinsStart = append(s.inBinsStart, uint32(len(s.inBins)))
		took++
	}
	return took
}

// parallel calls do once for each number below n, on as many workers as there are processors. The
// order of the calls is not defined, so each must write what no other touches.
func (s *selector) parallel(n int, do func(d *desk, i int)) {
	var (
		group sync.WaitGroup
		next  atomic.Int64
	)
	for worker := range min(len(s.desks), n) {
		group.Go(func() {
			for i := int(next.Add(1)) - 1; i < n; i = int(next.Add(1)) - 1 {
				do(&s.desks[worker], i)
			}
		})
	}
	group.Wait()
}
