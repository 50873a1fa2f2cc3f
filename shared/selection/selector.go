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
	spent        int           // spent part of the budget
	capabilities []*capability // in the order in which they take turns
	// Removed samples were picked or dropped, and cannot be picked any more. removals lists them in order. removalGroups
	// has the groups of the samples that were removed before the current turn began; removedBefore marks these samples.
	removed, removedBefore  bitset
	removals, removalGroups []uint32
	dropped                 []uint32 // samples that were removed without being picked
	tooLong                 []uint32 // the samples of dropped that had more tokens than remained
	picks                   []Pick
	minimumShortfalls       []Shortfall
	buffers                 []scratch // one for each worker
	meanCost                int       // mean cost of a sample in units of the budget
	// cells returns the cells of the groups for a column of ratings, or nil.
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

// firstAmount returns the approximate number of samples that a capability picks in the first round.
func (s *selector) firstAmount() int {
	return s.samplesOf(max(s.remaining()/len(s.params.capabilities(s.pool)), 1))
}

// prepareCapabilities prepares the first turns of all capabilities, concurrently, for turns of this amount of samples
// (capability.prepare). A capability's threshold is raised to least if it is lower.
func (s *selector) prepareCapabilities(least int32, amount int) {
	names := s.params.capabilities(s.pool)
	s.capabilities = make([]*capability, len(names))
	inSets(len(s.buffers), len(names), together, func(worker, first, last int) {
		buffers := &s.buffers[worker]
		buffers.firsts = slices.Grow(buffers.firsts[:0], together)
		for i := first; i < last; i++ {
			s.capabilities[i] = s.prepareCapability(i, names[i], least, amount, buffers)
		}
		findFirst(s.groups.of, buffers.firsts)
		for i := range buffers.firsts {
			f := &buffers.firsts[i]
			if f.fill {
				s.catalog.keepCandidates(s.pool.column(names[f.number]), f.threshold, f.candidates)
			}
			f.sort(&buffers.sorter)
		}
	})
}

// prepareCapability prepares one capability, except for the samples that findFirst finds.
func (s *selector) prepareCapability(i int, name string, least int32, amount int, buffers *scratch) *capability {
	column := s.pool.column(name)
	ratings := s.pool.Ratings[column]
	c := &capability{
		groups: s.groups, number: i, removedBefore: s.removedBefore, byScore: s.params.WithinBin == ByScore,
		weight: s.params.weight(name), threshold: max(s.params.threshold(name), least),
		result: CapabilityResult{Capability: name},
	}
	var known bool
	c.candidates, known = s.catalog.latestCandidates(column, c.threshold)
	c.prepare(buffers, ratings, s.cells(column), s.params.expected(s.pool, name), s.ties)
	switch {
	case len(c.order) > 0 && !c.byScore && amount > 0:
		c.addFirst(buffers, ratings, amount)
		buffers.firsts[len(buffers.firsts)-1].fill = !known
	case !known:
		c.candidates = s.catalog.candidates(column, c.threshold)
	}
	return c
}

// remaining returns the part of the budget that is not filled.
func (s *selector) remaining() int { return s.params.Budget - s.spent }

// cost returns the amount of the budget that a sample takes.
func (s *selector) cost(sample uint32) int { return s.params.cost(s.pool, sample) }

// samplesOf returns the approximate number of samples of an amount of the budget.
func (s *selector) samplesOf(amount int) int { return max(amount/s.meanCost, 1) }

// takeTurns lets capabilities take turns until the budget is filled or no capability can pick any more. It returns
// before plus the number of rounds that began.
func (s *selector) takeTurns(before int) (rounds int) {
	rounds = before
	for active := s.capabilities; len(active) > 0 && s.remaining() > 0; {
		rounds++
		amounts := s.amounts(active)
		var next []*capability
		for i, c := range active {
			// If earlier turns of the round picked more than their amounts, less remains for later turns.
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

// amounts divides the remaining budget among the capabilities of a round.
func (s *selector) amounts(active []*capability) []int {
	sum := 0.0
	for _, c := range active {
		sum += c.weight
	}
	amounts := make([]int, len(active))
	for i, c := range active {
		amount := s.remaining() / len(active) // the paper's amount, without rounding errors of weights
		if len(s.params.Weights) > 0 {
			amount = int(math.Floor(float64(s.remaining()) * c.weight / sum))
		}
		amounts[i] = max(amount, 1)
	}
	return amounts
}

// takeTurn lets a capability pick an amount of about k. It picks less if its bins have too few candidates. It picks
// more if the last bins make up for all debt, but never more than the budget.
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

// prepareBins sorts about n candidates in each of the bins, concurrently. Without it, picking would sort one bin at a
// time.
func (s *selector) prepareBins(c *capability, bins []uint64, n int) {
	parallel(len(s.buffers), len(bins), func(worker, i int) {
		b := &c.bins[uint32(bins[i])]
		b.ready = slices.DeleteFunc(b.ready, c.removedBefore.has)
		if len(b.ready) < n {
			b.sortMore(c, n-len(b.ready), &s.buffers[worker])
		}
	})
}

// pickFrom picks the first candidates of a bin that are not removed, until they fill the amount asked, or until the bin
// has no candidate left. It returns the picked amount.
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
		if !s.removed.has(sample) { // otherwise it was removed in this turn
			s.pickOrDrop(Pick{
				Sample: sample, Round: uint32(round), Capability: uint32(c.number), Bin: bin, Rank: rank,
			})
		}
	}
	return s.spent - start
}

// pickOrDrop picks a sample if the budget and the caps allow it. Otherwise it drops the sample. It reports whether it
// picked the sample.
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

// pick adds a sample to the selection.
func (s *selector) pick(p Pick) {
	s.removed.set(p.Sample)
	s.removals = append(s.removals, p.Sample)
	s.picks = append(s.picks, p)
	s.spent += s.cost(p.Sample)
}

// charge counts a picked sample against the caps. If a source (style, image, ...) then reaches its cap, charge drops
// all samples of this source.
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

// updateAvailable subtracts the samples that were removed since a capability's last turn from the numbers of candidates
// of its bins.
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
