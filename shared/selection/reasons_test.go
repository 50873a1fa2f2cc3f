package selection

import (
	"math/rand/v2"
	"testing"
)

// TestReasons compares the reason of every sample with that of Explain, for random parameters.
func TestReasons(t *testing.T) {
	t.Parallel()
	met := make(map[Reason]int)
	for _, name := range []string{"few bins", "odd ratings", "many styles"} {
		for seed := range uint64(300) {
			rng := rand.New(rand.NewPCG(seed, 6))
			pool := parameterShapes[name].random(rng)
			addColumns(pool, rng)
			params := randomParams(pool, rng)
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
