package selection

import (
	"cmp"
	"slices"
)

// reference selects as docs and the pool's field comments say, word by word, with none of
// Select's structures: every turn scans and sorts the whole pool.
func reference(pool *Pool, params Params) *Result {
	names := params.Capabilities
	if len(names) == 0 {
		names = pool.Capabilities
	}
	result := &Result{Asked: params.Budget}
	members := make(map[string]bool)
	for s := range uint32(pool.Len()) {
		for _, name := range binNames(pool, s) {
			members[name] = true
		}
	}
	for name := range members {
		result.Bins = append(result.Bins, name)
	}
	slices.Sort(result.Bins)

	picked := make(map[uint32]bool)
	candidates := func(name string) []uint32 {
		ratings := pool.Ratings[slices.Index(pool.Capabilities, name)]
		var found []uint32
		for s := range uint32(pool.Len()) {
			if !picked[s] && ratings[s] != Missing && int(ratings[s]) > params.Threshold && len(pool.styles(s)) > 0 {
				found = append(found, s)
			}
		}
		return found
	}
	for _, name := range names {
		result.Capabilities = append(result.Capabilities, Turns{Capability: name, Candidates: len(candidates(name))})
	}

	live := slices.Clone(names)
	for len(picked) < params.Budget && len(live) > 0 {
		result.Rounds++
		perCapability := max((params.Budget-len(picked))/len(live), 1)
		var drop []string
		for _, name := range live {
			if len(picked) >= params.Budget {
				break
			}
			k := min(perCapability, params.Budget-len(picked))
			perCapability = k

			bins := make(map[string][]uint32)
			for _, s := range candidates(name) {
				for _, bin := range binNames(pool, s) {
					bins[bin] = append(bins[bin], s)
				}
			}
			order := make([]string, 0, len(bins))
			for bin, held := range bins {
				order = append(order, bin)
				slices.SortFunc(held, func(a, b uint32) int {
					return cmp.Or(
						cmp.Compare(slices.Index(binNames(pool, a), bin), slices.Index(binNames(pool, b), bin)),
						referenceOrder(pool, params, name, a, b),
					)
				})
			}
			slices.SortFunc(order, func(a, b string) int {
				return cmp.Or(cmp.Compare(len(bins[a]), len(bins[b])), cmp.Compare(a, b))
			})

			inTurn := 0
			debt := 0
			for _, bin := range order {
				if inTurn >= k {
					break
				}
				share := max(k/len(order), 1)
				var available []int
				for i, s := range bins[bin] {
					if !picked[s] {
						available = append(available, i)
					}
				}
				for _, i := range available[:min(share+debt, len(available))] {
					if len(picked) == params.Budget {
						break
					}
					picked[bins[bin][i]] = true
					inTurn++
					capability := slices.Index(names, name)
					result.Capabilities[capability].Picked++
					result.Picks = append(result.Picks, Pick{
						Sample:     bins[bin][i],
						Round:      uint32(result.Rounds),
						Capability: uint32(capability),
						Bin:        uint32(slices.Index(result.Bins, bin)),
						Rank:       uint32(i + 1),
					})
				}
				debt = max(share+debt-len(available), 0)
			}
			if inTurn == 0 {
				drop = append(drop, name)
			}
		}
		live = slices.DeleteFunc(live, func(name string) bool { return slices.Contains(drop, name) })
	}
	result.Given = len(picked)
	return result
}

func binNames(pool *Pool, s uint32) []string {
	var names []string
	for _, style := range pool.styles(s) {
		names = append(names, pool.StyleNames[style]+"+"+pool.SourceNames[pool.Source[s]])
	}
	return names
}

func referenceOrder(pool *Pool, params Params, capability string, a, b uint32) int {
	column := slices.Index(pool.Capabilities, capability)
	order := cmp.Compare(pool.Ratings[column][b], pool.Ratings[column][a])
	if !params.RatingsOnly {
		if pool.Expected != nil {
			order = cmp.Or(order, cmp.Compare(pool.Expected[column][b], pool.Expected[column][a]))
		}
		order = cmp.Or(order, cmp.Compare(referenceSum(pool, b), referenceSum(pool, a)))
		if pool.Tie != nil {
			order = cmp.Or(order, cmp.Compare(pool.Tie[a], pool.Tie[b]))
		}
	}
	if pool.Index != nil {
		order = cmp.Or(order, cmp.Compare(pool.Index[a], pool.Index[b]))
	}
	return cmp.Or(order, cmp.Compare(a, b))
}

func referenceSum(pool *Pool, s uint32) int {
	sum := 0
	for c := range pool.Capabilities {
		switch {
		case pool.Ratings[c][s] == Missing:
		case pool.Expected != nil:
			sum += int(pool.Expected[c][s])
		default:
			sum += int(pool.Ratings[c][s])
		}
	}
	return sum
}
