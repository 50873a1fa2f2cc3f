package selection

import (
	"math"
	"runtime"
	"slices"
)

// A selector is one selection under way.
type selector struct {
	pool   *Pool
	params Params
	cells  *cells
	ties   *ties
	quotas quotas
	spent  int     // of the budget
	turns  []*turn // one for each capability, in order
	// Samples that are out cannot be picked any more. Gone lists them in the order of their going,
	// and goneFrom their cells for those that were out when the present turn began, which before
	// marks. Left are those that went without being picked.
	out, before    bitset
	gone, goneFrom []uint32
	left           []uint32
	tooLong        []uint32 // those of left that had more tokens than remained
	picks          []Pick
	short          []Shortfall // of minimums
	desks          []desk      // one for each worker
	typical        int         // a sample's mean part of the budget
}

func newSelector(pool *Pool, params Params) *selector {
	s := &selector{
		pool:    pool,
		params:  params,
		quotas:  newQuotas(pool, params),
		out:     newBitset(pool.Len()),
		before:  newBitset(pool.Len()),
		desks:   make([]desk, runtime.GOMAXPROCS(0)),
		typical: 1,
	}
	expected := params.Budget
	if params.InTokens {
		total := 0
		for _, tokens := range pool.Tokens {
			total += int(tokens)
		}
		s.typical = max(total/pool.Len(), 1)
		expected = min(params.Budget/s.typical, pool.Len())
	}
	s.gone = make([]uint32, 0, expected)
	s.goneFrom = make([]uint32, 0, expected)
	s.picks = make([]Pick, 0, expected)

	var barred bitset
	if gate := newGate(pool, params); !gate.open() {
		barred = gate.barred(len(s.desks))
	}
	s.cells = newCells(pool, barred, len(s.desks))
	s.ties = newTies(pool, params.RatingsOnly, len(s.desks))
	return s
}

func (s *selector) run() *Result {
	result := &Result{Asked: s.params.Budget, Bins: s.cells.binNames}
	s.include()
	s.fillMinimums()
	if s.params.takesTurns() {
		s.openTurns()
		result.Rounds = s.takeTurns()
	} else {
		s.walk(s.lineUp())
	}
	result.Picks, result.TooLong = s.picks, s.tooLong
	result.Given = s.spent
	for _, t := range s.turns {
		result.Capabilities = append(result.Capabilities, t.result)
	}
	result.Shortfalls = s.shortfalls()
	return result
}

// openTurns prepares the capabilities' turns, side by side.
func (s *selector) openTurns() {
	names := s.params.capabilities(s.pool)
	s.turns = make([]*turn, len(names))
	part := s.count(max(s.remaining()/len(names), 1))
	parallel(len(s.desks), len(names), func(worker, i int) {
		column := slices.Index(s.pool.Capabilities, names[i])
		var expected []uint16
		if !s.params.RatingsOnly && s.pool.Expected != nil {
			expected = s.pool.Expected[column]
		}
		t := &turn{
			cells: s.cells, capability: i, before: s.before, byScore: s.params.WithinBin == ByScore,
			weight: s.params.weight(names[i]), threshold: s.params.threshold(names[i]), result: Turns{Capability: names[i]},
		}
		t.open(&s.desks[worker], s.pool.Ratings[column], expected, s.ties, part)
		s.turns[i] = t
	})
}

// remaining is what is left of the budget.
func (s *selector) remaining() int { return s.params.Budget - s.spent }

// cost is what a sample takes of the budget.
func (s *selector) cost(sample uint32) int { return s.params.cost(s.pool, sample) }

// count is about how many samples make an amount of the budget.
func (s *selector) count(amount int) int { return max(amount/s.typical, 1) }

// takeTurns lets capabilities take turns until the budget is met or none can pick any more, and
// returns the number of rounds begun.
func (s *selector) takeTurns() (rounds int) {
	for turns := s.turns; len(turns) > 0 && s.remaining() > 0; {
		rounds++
		parts := s.parts(turns)
		var live []*turn
		for i, t := range turns {
			// What earlier turns of the round overdrew narrows the parts of all later ones.
			part := min(parts[i], s.remaining())
			if part == 0 {
				break
			}
			if rounds == 1 {
				t.asked = part
			}
			before := len(s.picks)
			s.turn(t, part, rounds)
			if picked := len(s.picks) - before; picked > 0 {
				t.result.Picked += picked
				live = append(live, t)
			}
		}
		turns = live
	}
	return rounds
}

// parts divides what remains of the budget among the turns of a round.
func (s *selector) parts(turns []*turn) []int {
	sum := 0.0
	for _, t := range turns {
		sum += t.weight
	}
	parts := make([]int, len(turns))
	for i, t := range turns {
		part := s.remaining() / len(turns) // the paper's, free of rounding
		if len(s.params.Weights) > 0 {
			part = int(math.Floor(float64(s.remaining()) * t.weight / sum))
		}
		parts[i] = max(part, 1)
	}
	return parts
}

// turn lets a capability pick about k of the budget: less where its bins run out, more where debt is
// called in at the end, never more than the budget.
func (s *selector) turn(t *turn, k, round int) {
	s.catchUp(t)
	t.orderBins()
	if len(t.order) == 0 {
		return
	}
	share := max(k/len(t.order), 1)
	s.prepare(t, t.order[:min(k, len(t.order))], s.count(share))

	start, debt := s.spent, 0
	for _, entry := range t.order {
		if s.spent-start >= k || s.remaining() == 0 {
			break
		}
		bin, want, picks := uint32(entry), share+debt, len(s.picks)
		took := s.take(t, bin, want, round)
		debt = max(want-took, 0)
		if round == 1 && took < share {
			t.dry = append(t.dry, dryBin{bin, share, took, len(s.picks) - picks, s.remaining() == 0})
		}
	}
	t.given += s.spent - start
}

// prepare makes ready, side by side, about so many candidates in each of the bins asked first.
// Taking would do so too, but one after the other.
func (s *selector) prepare(t *turn, bins []uint64, n int) {
	parallel(len(s.desks), len(bins), func(worker, i int) {
		q := &t.queues[uint32(bins[i])]
		q.ready = slices.DeleteFunc(q.ready, t.before.has)
		if len(q.ready) < n {
			q.refill(t, n-len(q.ready), &s.desks[worker])
		}
	})
}

// take picks the first candidates of a bin that are not out until they reach want, or as many as
// there are, and returns what they take of the budget.
func (s *selector) take(t *turn, bin uint32, want, round int) int {
	q := &t.queues[bin]
	start, rank := s.spent, uint32(0)
	for s.spent-start < want && s.remaining() > 0 {
		if len(q.ready) == 0 && !q.refill(t, s.count(want-(s.spent-start)), &s.desks[0]) {
			break
		}
		sample := q.ready[0]
		q.ready = q.ready[1:]
		if s.before.has(sample) {
			continue
		}
		rank++
		if !s.out.has(sample) { // else it went in this turn
			s.pickOrLeave(Pick{Sample: sample, Round: uint32(round), Capability: uint32(t.capability), Bin: bin, Rank: rank})
		}
	}
	return s.spent - start
}

// pickOrLeave picks a sample where the budget and the caps have room for it, and reports whether
// they had.
func (s *selector) pickOrLeave(p Pick) bool {
	tooLong := s.cost(p.Sample) > s.remaining()
	if tooLong {
		s.tooLong = append(s.tooLong, p.Sample)
	}
	if tooLong || len(s.quotas) > 0 && s.quotas.full(p.Sample) != nil {
		s.leave(p.Sample)
		return false
	}
	s.pick(p)
	return true
}

func (s *selector) pick(p Pick) {
	s.keep(p)
	if len(s.quotas) > 0 {
		s.charge(p.Sample)
	}
}

// keep takes a sample into the selection.
func (s *selector) keep(p Pick) {
	s.out.set(p.Sample)
	s.gone = append(s.gone, p.Sample)
	s.picks = append(s.picks, p)
	s.spent += s.cost(p.Sample)
}

// charge counts a sample that was kept against the caps; what reaches its cap leaves.
func (s *selector) charge(sample uint32) {
	s.quotas.charge(sample, func(q *quota, i uint32) {
		for _, sample := range q.samples(i, s.pool.Len()) {
			if !s.out.has(sample) {
				s.leave(sample)
			}
		}
	})
}

func (s *selector) leave(sample uint32) {
	s.out.set(sample)
	s.gone = append(s.gone, sample)
	s.left = append(s.left, sample)
}

// catchUp takes what has gone since a capability's last turn out of the numbers of its bins'
// candidates.
func (s *selector) catchUp(t *turn) {
	for _, sample := range s.gone[len(s.goneFrom):] {
		s.before.set(sample)
		s.goneFrom = append(s.goneFrom, s.cells.of[sample])
	}
	gone, from := s.gone[t.caught:], s.goneFrom[t.caught:]
	inChunks(len(s.desks), len(gone), func(worker, start, end int) {
		s.desks[worker].countLeavers(t, gone[start:end], from[start:end])
	})
	for i := range s.desks {
		s.desks[i].takeLeavers(t)
	}
	t.caught = len(s.gone)
}
