package selection

import (
	"math/rand/v2"
	"testing"
)

// TestReasons compares the reason of every sample with that of explainAll, for random parameters.
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
			explanations := explainAll(catalogOf(t, pool), params, result)
			reasons := catalogOf(t, pool).Reasons(params, result)
			for s := range reasons.Len() {
				reason := reasons.At(s)
				met[reason]++
				if x := explanations[s]; reason != x.Reason {
					t.Errorf("%s, seed %d, %+v: sample %d: %q, and explainAll says %+v", name, seed, params, s, reason, x)
				}
			}
			if t.Failed() {
				return
			}
		}
	}
	for _, reason := range []Reason{
		"", ReasonStyle, ReasonSource, ReasonDuplicate, ReasonExclude, ReasonNoStyle, ReasonUnrated, ReasonThreshold,
		ReasonSourceCap, ReasonStyleCap, ReasonImageCap, ReasonTokens, ReasonRank, ReasonClusterCap, ReasonTemplateCap,
		ReasonNear,
	} {
		if met[reason] == 0 {
			t.Errorf("no sample has the reason %q; met were %v", reason, met)
		}
	}
}
