package selection

import (
	"math"
	"runtime"
	"slices"
)

// A selector makes one selection.
type selector struct {
	catalog      *Catalog
	pool         *Pool
	params       Params
	groups       *groups
	ties         *ties
	counters     capCounters
	spent        int           // of the budget
	capabilities []*capability // in the order in which they take turns
	// Samples that are removed cannot be picked any more: they were picked or dropped. Removals lists
	// them in order, and removalGroups the groups of those that were removed before the current turn
	// began, which removedBefore marks.
	removed, removedBefore  bitset
	removals, removalGroups []uint32
	dropped                 []uint32 // removed without being picked
	tooLong                 []uint32 // those of dropped that had more tokens than remained
	picks                   []Pick
	minimumShortfalls       []Shortfall
	buffers                 []scratch // one for each worker
	meanCost                int       // of a sample, in units of the budget
	// cells are the cells of the groups for a column of ratings, or nil.
	cells func(column int) []cell
}

func newSelector(catalog *Catalog, params Params) *selector {
	pool := catalog.Pool
	s := &selector{
		catalog:       catalog,
		pool:          pool,
		params:        params,
		counters:      newCapCounters(pool, params),
		removed:       newBitset(pool.Len()),
		removedBefore: newBitset(pool.Len()),
		buffers:       make([]scratch, runtime.GOMAXPROCS(0)),
		meanCost:      1,
	}
	expected := params.Budget
	if params.InTokens {
		total := 0
		for _, tokens := range pool.Tokens {
			total += int(tokens)
		}
		s.meanCost = max(total/pool.Len(), 1)
		expected = min(params.Budget/s.meanCost, pool.Len())
	}
	s.removals = make([]uint32, 0, expected)
	s.removalGroups = make([]uint32, 0, expected)
	s.picks = make([]Pick, 0, expected)
	ineligible := newEligibility(pool, params).ineligible(len(s.buffers))
	s.groups = catalog.groups(ineligible)
	s.cells = func(int) []cell { return nil }
	if ineligible == nil {
		s.cells = catalog.cells
	}
	s.ties = catalog.ties(params.Rules)
	return s
}

func (s *selector) run() *Result {
	result := &Result{Asked: s.params.Budget, Bins: s.groups.binNames}
	s.include()
	s.fillMinimums()
	s.fillMix()
	switch {
	case s.params.Strategy == Descending:
		result.Rounds = s.descend()
	case s.params.TakesTurns():
		s.prepareCapabilities(Missing, s.firstAmount())
		result.Rounds = s.takeTurns(0)
	default:
		s.pickInOrder(s.strategyOrder())
	}
	result.Picks, result.TooLong = s.picks, s.tooLong
	result.Given = s.spent
	for _, c := range s.capabilities {
		result.Capabilities = append(result.Capabilities, c.result)
	}
	result.Shortfalls = s.shortfalls()
	return result
}

// firstAmount is about how many samples a capability picks in the first round.
func (s *selector) firstAmount() int {
	return s.samplesOf(max(s.remaining()/len(s.params.capabilities(s.pool)), 1))
}

// prepareCapabilities prepares the turns of all capabilities, concurrently, the first ones for an amount of samples as
// capability.prepare has it. Their thresholds are at least as high as given.
func (s *selector) prepareCapabilities(least int32, amount int) {
	names := s.params.capabilities(s.pool)
	s.capabilities = make([]*capability, len(names))
	parallel(len(s.buffers), len(names), func(worker, i int) {
		column := s.pool.column(names[i])
		threshold := max(s.params.threshold(names[i]), least)
		c := &capability{
			groups: s.groups, number: i, removedBefore: s.removedBefore, byScore: s.params.WithinBin == ByScore,
			weight: s.params.weight(names[i]), threshold: threshold, candidates: s.catalog.candidates(column, threshold),
			result: CapabilityResult{Capability: names[i]},
		}
		c.prepare(&s.buffers[worker], s.pool.Ratings[column], s.cells(column), s.params.expected(s.pool, names[i]), s.ties,
			amount)
		s.capabilities[i] = c
	})
}

// remaining is what is left of the budget.
func (s *selector) remaining() int { return s.params.Budget - s.spent }

// cost is what a sample takes of the budget.
func (s *selector) cost(sample uint32) int { return s.params.cost(s.pool, sample) }

// samplesOf is about how many samples make an amount of the budget.
func (s *selector) samplesOf(amount int) int { return max(amount/s.meanCost, 1) }

// takeTurns lets capabilities take turns until the budget is met or none can pick any more, and
// returns the number of rounds begun, which includes those before.
func (s *selector) takeTurns(before int) (rounds int) {
	rounds = before
	for active := s.capabilities; len(active) > 0 && s.remaining() > 0; {
		rounds++
		amounts := s.amounts(active)
		var next []*capability
		for i, c := range active {
			// What earlier turns of the round picked beyond their amounts narrows those of all later ones.
			amount := min(amounts[i], s.remaining())
			if amount == 0 {
				break
			}
			if rounds == 1 {
				c.asked = amount
			}
			picks := len(s.picks)
			s.takeTurn(c, amount, rounds)
			if picked := len(s.picks) - picks; picked > 0 {
				c.result.Picked += picked
				next = append(next, c)
			}
		}
		active = next
	}
	return rounds
}

// amounts divides what remains of the budget among the capabilities of a round.
func (s *selector) amounts(active []*capability) []int {
	sum := 0.0
	for _, c := range active {
		sum += c.weight
	}
	amounts := make([]int, len(active))
	for i, c := range active {
		amount := s.remaining() / len(active) // the paper's, free of rounding
		if len(s.params.Weights) > 0 {
			amount = int(math.Floor(float64(s.remaining()) * c.weight / sum))
		}
		amounts[i] = max(amount, 1)
	}
	return amounts
}

// takeTurn lets a capability pick about k of the budget: less if its bins have no more, more if the
// last bins pay all debt, never more than the budget.
func (s *selector) takeTurn(c *capability, k, round int) {
	s.updateAvailable(c)
	c.orderBins()
	if len(c.order) == 0 {
		return
	}
	share := max(k/len(c.order), 1)
	s.prepareBins(c, c.order[:min(k, len(c.order))], s.samplesOf(share))

	start, debt := s.spent, 0
	for _, entry := range c.order {
		if s.spent-start >= k || s.remaining() == 0 {
			break
		}
		bin, asked, picks := uint32(entry), share+debt, len(s.picks)
		given := s.pickFrom(c, bin, asked, round)
		debt = max(asked-given, 0)
		if round == 1 && given < share {
			c.shortBins = append(c.shortBins, shortBin{bin, share, given, len(s.picks) - picks, s.remaining() == 0})
		}
	}
	c.given += s.spent - start
}

// prepareBins sorts about n candidates in each of the bins, concurrently. Picking would do so too,
// but one bin after the other.
func (s *selector) prepareBins(c *capability, bins []uint64, n int) {
	parallel(len(s.buffers), len(bins), func(worker, i int) {
		b := &c.bins[uint32(bins[i])]
		b.ready = slices.DeleteFunc(b.ready, c.removedBefore.has)
		if len(b.ready) < n {
			b.sortMore(c, n-len(b.ready), &s.buffers[worker])
		}
	})
}

// pickFrom picks the first candidates of a bin that are not removed until they make the amount
// asked, or as many as there are, and returns what they take of the budget.
func (s *selector) pickFrom(c *capability, bin uint32, asked, round int) int {
	b := &c.bins[bin]
	start, rank := s.spent, uint32(0)
	for s.spent-start < asked && s.remaining() > 0 {
		if len(b.ready) == 0 && !b.sortMore(c, s.samplesOf(asked-(s.spent-start)), &s.buffers[0]) {
			break
		}
		sample := b.ready[0]
		b.ready = b.ready[1:]
		if s.removedBefore.has(sample) {
			continue
		}
		rank++
		if !s.removed.has(sample) { // else it was removed in this turn
			s.pickOrDrop(Pick{
				Sample: sample, Round: uint32(round), Capability: uint32(c.number), Bin: bin, Rank: rank,
			})
		}
	}
	return s.spent - start
}

// pickOrDrop picks a sample if the budget and the caps have room for it, else drops it, and reports
// whether it was picked.
func (s *selector) pickOrDrop(p Pick) bool {
	tooLong := s.cost(p.Sample) > s.remaining()
	if tooLong {
		s.tooLong = append(s.tooLong, p.Sample)
	}
	if tooLong || len(s.counters) > 0 && s.counters.exceeded(p.Sample) != nil {
		s.drop(p.Sample)
		return false
	}
	s.pick(p)
	if len(s.counters) > 0 {
		s.charge(p.Sample)
	}
	return true
}

// pick takes a sample into the selection.
func (s *selector) pick(p Pick) {
	s.removed.set(p.Sample)
	s.removals = append(s.removals, p.Sample)
	s.picks = append(s.picks, p)
	s.spent += s.cost(p.Sample)
}

// charge counts a sample that was picked against the caps, and drops all samples of what has then
// reached its cap.
func (s *selector) charge(sample uint32) {
	s.counters.charge(sample, func(counter *capCounter, i uint32) {
		for _, sample := range counter.samples(i, s.pool.Len()) {
			if !s.removed.has(sample) {
				s.drop(sample)
			}
		}
	})
}

// drop removes a sample without picking it.
func (s *selector) drop(sample uint32) {
	s.removed.set(sample)
	s.removals = append(s.removals, sample)
	s.dropped = append(s.dropped, sample)
}

// updateAvailable subtracts what has been removed since a capability's last turn from the numbers of
// its bins' candidates.
func (s *selector) updateAvailable(c *capability) {
	for _, sample := range s.removals[len(s.removalGroups):] {
		s.removedBefore.set(sample)
		s.removalGroups = append(s.removalGroups, s.groups.of[sample])
	}
	samples, groups := s.removals[c.seen:], s.removalGroups[c.seen:]
	inChunks(len(s.buffers), len(samples), func(worker, start, end int) {
		s.buffers[worker].countRemoved(c, samples[start:end], groups[start:end])
	})
	for i := range s.buffers {
		s.buffers[i].subtractRemoved(c)
	}
	c.seen = len(s.removals)
}
