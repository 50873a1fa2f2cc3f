package selection

import (
	"math/rand/v2"
	"slices"
	"testing"
)

// TestNearMisses checks that each near miss is a miss that explainAll returns for the sample, and as near as the first
// of these. explainAll does not know the order of Descending; the near misses of Descending are checked by checkLast.
func TestNearMisses(t *testing.T) {
	t.Parallel()
	met := map[Strategy]int{}
	for _, name := range []string{"few bins", "odd ratings", "many styles"} {
		for seed := range uint64(300) {
			rng := rand.New(rand.NewPCG(seed, 10))
			pool := parameterShapes[name].random(rng)
			addColumns(pool, rng)
			params := randomParams(pool, rng)
			if params.Validate(pool) != nil {
				continue
			}
			catalog := catalogOf(t, pool)
			result, err := catalog.Select(params)
			if err != nil {
				t.Fatal(err)
			}
			reasons := catalog.Reasons(params, result)
			misses := catalog.NearMisses(params, result, reasons)
			explanations := explainAll(catalog, params, result)
			for s := range reasons.Len() {
				got, outranked := misses.At(s)
				if outranked != (reasons.At(s) == ReasonRank) {
					t.Fatalf("%s, seed %d: sample %d is %q and has a near miss: %t", name, seed, s, reasons.At(s), outranked)
				}
				if !outranked {
					continue
				}
				met[params.Strategy]++
				if params.Strategy == Descending {
					checkLast(t, pool, params, result, uint32(s), got)
					continue
				}
				want := explanations[s].Misses[0]
				if int(got.Rank)-int(got.Last) != want.Rank-want.Last {
					t.Fatalf("%s, seed %d, %+v: sample %d has %+v, want %+v", name, seed, params, s, got, want)
				}
				if !slices.Contains(explanations[s].Misses, missOf(pool, params, result, uint32(s), got)) {
					t.Fatalf("%s, seed %d, %+v: sample %d has %+v, which is none of %+v", name, seed, params, s, got,
						explanations[s].Misses)
				}
			}
		}
	}
	for _, strategy := range []Strategy{"", MMSSR, Descending, Random, Top, Stratified} {
		if met[strategy] == 0 {
			t.Errorf("no sample was outranked by strategy %q", strategy)
		}
	}
}

// missOf converts a near miss to a Miss, which explainAll returns.
func missOf(pool *Pool, params Params, result *Result, s uint32, miss NearMiss) Miss {
	m := Miss{Rank: int(miss.Rank), Last: int(miss.Last)}
	if params.TakesTurns() {
		m.Capability, m.Bin = result.Capabilities[miss.Capability].Capability, binNames(pool, s)[miss.Style]
	}
	return m
}

// checkLast checks a near miss of Descending. Last is not less than the number of picks of the capability from the bin.
// Without caps, and in a budget of samples, the sample comes after Last, and its level of rating is not higher than
// that of the last pick.
func checkLast(t *testing.T, pool *Pool, params Params, result *Result, s uint32, miss NearMiss) {
	t.Helper()
	name := result.Capabilities[miss.Capability].Capability
	bin := binNames(pool, s)[miss.Style]
	column := pool.Ratings[pool.column(name)]
	picked, lowest := uint32(0), int8(0)
	for _, pick := range result.Picks {
		if pick.Rule == ByTurn && pick.Capability == miss.Capability && result.Bins[pick.Bin] == bin {
			picked++
			lowest = column[pick.Sample]
		}
	}
	if miss.Last < picked || picked == 0 && miss.Last != 0 || miss.Rank == 0 {
		t.Fatalf("%+v: sample %d has %+v, and %d were picked", params, s, miss, picked)
	}
	if miss.Rank <= miss.Last && params.Caps == (Caps{}) && !params.InTokens {
		t.Fatalf("%+v: sample %d has %+v: it comes before the last one taken", params, s, miss)
	}
	if picked > 0 && min(column[s], firstLevel+1) > min(lowest, firstLevel+1) && params.Caps == (Caps{}) &&
		!params.InTokens {
		t.Fatalf("%+v: sample %d is rated %d, and one rated %d was taken after it", params, s, column[s], lowest)
	}
}

// BenchmarkNearMisses measures a million samples at 30 %. The memory does not include the pool and its catalog.
func BenchmarkNearMisses(b *testing.B) {
	pool := syntheticPool(1_000_000)
	catalog, err := NewCatalog(pool)
	if err != nil {
		b.Fatal(err)
	}
	params := Params{Budget: pool.Len() * 3 / 10}
	result, err := catalog.Select(params)
	if err != nil {
		b.Fatal(err)
	}
	reasons := catalog.Reasons(params, result)
	benchmarkSelect(b, pool, params, func(params Params) (*Result, error) {
		catalog.NearMisses(params, result, reasons)
		return result, nil
	})
}
