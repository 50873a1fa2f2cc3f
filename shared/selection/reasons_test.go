package selection

import (
	"math/rand/v2"
	"testing"
)

// TestReasons has Reasons say of every sample what Explain says of it, whatever knobs are turned.
func TestReasons(t *testing.T) {
	t.Parallel()
	shapes := map[string]shape{
		"few bins":    {samples: 80, capabilities: 4, sources: 3, styles: 4, maxStyles: 3, highest: 5, expected: true, tie: true},
		"odd ratings": {samples: 60, capabilities: 3, sources: 4, styles: 3, maxStyles: 3, lowest: -30, highest: 300, missing: 0.2, index: true},
		"many styles": {samples: 50, capabilities: 2, sources: 2, styles: 9, maxStyles: 9, highest: 3, missing: 0.4, expected: true, index: true},
	}
	met := make(map[Reason]int)
	for _, name := range []string{"few bins", "odd ratings", "many styles"} {
		for seed := range uint64(300) {
			rng := rand.New(rand.NewPCG(seed, 6))
			pool := shapes[name].random(rng)
			furnish(pool, rng)
			params := randomKnobs(pool, rng)
			if params.Validate(pool) != nil {
				continue
			}
			result, err := Select(pool, params)
			if err != nil {
				t.Fatal(err)
			}
			all := make([]uint32, pool.Len())
			for s := range all {
				all[s] = uint32(s)
			}
			explanations, err := Explain(pool, params, result, all...)
			if err != nil {
				t.Fatal(err)
			}
			for s, reason := range Reasons(pool, params, result) {
				met[reason]++
				if x := explanations[s]; reason != x.Reason {
					t.Errorf("%s, seed %d, %+v: sample %d: %q, and Explain says %+v", name, seed, params, s, reason, x)
				}
			}
			if t.Failed() {
				return
			}
		}
	}
	for _, reason := range []Reason{
		"", ReasonStyle, ReasonSource, ReasonDuplicate, ReasonExclude, ReasonNoStyle, ReasonUnrated, ReasonThreshold,
		ReasonSourceCap, ReasonStyleCap, ReasonImageCap, ReasonTokens, ReasonRank,
	} {
		if met[reason] == 0 {
			t.Errorf("no sample has the reason %q; met were %v", reason, met)
		}
	}
}
