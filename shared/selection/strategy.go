package selection

import (
	"cmp"
	"maps"
	"math/rand/v2"
	"slices"
)

// A mean is stored as a fraction, so that comparisons are exact.
type mean struct{ sum, of int64 }

// compare is negative if m is the higher mean.
func (m mean) compare(n mean) int { return cmp.Compare(n.sum*m.of, m.sum*n.of) }

// meansOf returns the samples' means over the selection's capabilities, of ratings or of expected scores, without
// missing ratings.
func meansOf(pool *Pool, params Params, expected bool) []mean {
	all := make([]mean, pool.Len())
	for _, name := range params.capabilities(pool) {
		c := pool.column(name)
		for s, rating := range pool.Ratings[c] {
			if rating == Missing {
				continue
			}
			all[s].of++
			if expected {
				all[s].sum += int64(pool.Expected[c][s])
			} else {
				all[s].sum += int64(rating)
			}
		}
	}
	return all
}

// bestFirst orders samples by their means, and samples of equal means by ties.
func bestFirst(samples []uint32, means []mean, ties *ties) {
	slices.SortFunc(samples, func(a, b uint32) int { return cmp.Or(means[a].compare(means[b]), ties.compare(a, b)) })
}

// selectable returns the samples that any strategy may pick, ascending.
func (s *selector) selectable() []uint32 {
	var samples []uint32
	rated := s.params.rated(s.pool)
	for sample := range uint32(s.pool.Len()) {
		if rated.has(sample) && s.groups.of[sample] != 0 {
			samples = append(samples, sample)
		}
	}
	return samples
}

// strategyOrder returns the samples in the order of a strategy without turns.
func (s *selector) strategyOrder() []uint32 {
	samples := s.selectable()
	switch s.params.Strategy {
	case Top:
		expected := s.pool.Expected != nil && !s.params.RatingsOnly
		bestFirst(samples, meansOf(s.pool, s.params, expected), s.ties)
		if order := s.pool.orderBy(s.params.By); order != nil {
			slices.SortStableFunc(samples, order.compare) // stable: equal samples keep their order
		}
	case Longest:
		slices.SortFunc(samples, func(a, b uint32) int {
			return cmp.Or(cmp.Compare(s.pool.Answers[b], s.pool.Answers[a]), s.ties.compare(a, b))
		})
	case Random:
		shuffle(samples, s.params.Seed)
	case Stratified:
		shuffle(samples, s.params.Seed)
		stratify(s.pool, samples)
	case MMSSR, Descending: // in these strategies, capabilities take turns
	}
	return samples
}

func shuffle(samples []uint32, seed uint64) {
	rng := rand.New(rand.NewPCG(seed, 1))
	rng.Shuffle(len(samples), func(i, j int) { samples[i], samples[j] = samples[j], samples[i] })
}

// stratify reorders samples so that every source has its share of the first k samples, for any k. The i-th of a
// source's n samples is placed at (i - 1/2) / n of the order. Equal places are ordered by the name of the source.
func stratify(pool *Pool, samples []uint32) {
	n := make([]uint64, len(pool.SourceNames))
	for _, s := range samples {
		n[pool.Source[s]]++
	}
	at := make([]uint64, pool.Len()) // 2i - 1
	seen := make([]uint64, len(n))
	for _, s := range samples {
		at[s] = 2*seen[pool.Source[s]] + 1
		seen[pool.Source[s]]++
	}
	slices.SortFunc(samples, func(a, b uint32) int {
		x, y := pool.Source[a], pool.Source[b]
		return cmp.Or(
			cmp.Compare(at[a]*n[y], at[b]*n[x]),
			cmp.Compare(pool.SourceNames[x], pool.SourceNames[y]),
			cmp.Compare(at[a], at[b]),
		)
	})
}

// pickInOrder picks samples in an order until the budget is filled.
func (s *selector) pickInOrder(order []uint32) {
	for i, sample := range order {
		if s.spent == s.params.Budget {
			return
		}
		if !s.removed.has(sample) {
			s.pickOrDrop(Pick{Sample: sample, Rule: ByStrategy, Capability: None, Bin: None, Rank: uint32(i + 1)})
		}
	}
}

// include picks the must-includes. It applies no cap before all of them are picked.
func (s *selector) include() {
	for i, sample := range s.params.Include {
		if !s.removed.has(sample) {
			s.pick(Pick{Sample: sample, Rule: ByInclude, Capability: None, Bin: None, Rank: uint32(i + 1)})
		}
	}
	for _, pick := range s.picks {
		s.charge(pick.Sample)
	}
}

// fillMinimums picks samples until the sources have their minimums.
func (s *selector) fillMinimums() {
	if len(s.params.Minimums) == 0 {
		return
	}
	held := make(map[string]int)
	for _, pick := range s.picks {
		held[s.pool.SourceNames[s.pool.Source[pick.Sample]]]++
	}
	of := make(map[string][]uint32)
	for _, sample := range s.selectable() {
		source := s.pool.SourceNames[s.pool.Source[sample]]
		of[source] = append(of[source], sample)
	}
	means := meansOf(s.pool, s.params, false)
	for _, source := range slices.Sorted(maps.Keys(s.params.Minimums)) {
		least := s.params.Minimums[source]
		if held[source] >= least {
			continue
		}
		bestFirst(of[source], means, s.ties)
		given := held[source] + s.pickFirst(of[source], least-held[source])
		if given < least {
			s.minimumShortfalls = append(s.minimumShortfalls,
				Shortfall{Source: source, Asked: least, Given: given, Cause: CauseRemoved})
		}
	}
}

// pickFirst picks up to n samples in an order, while the budget allows it, and returns their number.
func (s *selector) pickFirst(order []uint32, n int) (picked int) {
	for i, sample := range order {
		if picked == n || s.spent == s.params.Budget {
			break
		}
		if s.removed.has(sample) {
			continue
		}
		if s.pickOrDrop(Pick{Sample: sample, Rule: ByMinimum, Capability: None, Bin: None, Rank: uint32(i + 1)}) {
			picked++
		}
	}
	return picked
}
