package selection

import (
	"fmt"
	"math/rand/v2"
	"runtime"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

// randomParams sets each parameter in some of the cases, to values that may be valid.
func randomParams(pool *Pool, rng *rand.Rand) Params {
	p := Params{Budget: 1 + rng.IntN(pool.Len()), Rules: Rules{RatingsOnly: rng.IntN(4) == 0}}
	if rng.IntN(3) == 0 {
		p.InTokens = true
		p.Budget = 1 + rng.IntN(10*pool.Len())
	}
	set := func() bool { return rng.IntN(3) == 0 }
	if set() {
		p.Capabilities = someOf(pool.Capabilities, rng)
		rng.Shuffle(len(p.Capabilities), func(i, j int) {
			p.Capabilities[i], p.Capabilities[j] = p.Capabilities[j], p.Capabilities[i]
		})
	}
	if set() {
		p.Strategy = []Strategy{MMSSR, Random, Top, Stratified, Descending, Descending, Longest}[rng.IntN(7)]
		p.Seed = rng.Uint64N(3)
	}
	if p.TakesTurns() {
		p.Threshold = rng.IntN(4) - 1
		if set() {
			p.WithinBin = []BinOrder{ByPosition, ByScore}[rng.IntN(2)]
		}
		for _, name := range someOf(p.capabilities(pool), rng) {
			if rng.IntN(2) == 0 {
				p.Weights = map[string]float64{name: rng.Float64()*4 + 0.1}
			} else {
				p.Thresholds = map[string]int{name: rng.IntN(5)}
			}
		}
	}
	if set() && len(pool.StyleNames) > 0 {
		p.Styles = randomFilter(pool.StyleNames, rng)
	}
	if set() {
		p.Sources = randomFilter(pool.SourceNames, rng)
	}
	randomNumbers(&p, pool, rng)
	randomNear(&p, pool, rng)
	p.Unique = set()
	if set() {
		for range rng.IntN(20) {
			p.Exclude = append(p.Exclude, uint32(rng.IntN(pool.Len())))
		}
	}
	if set() {
		for range 1 + rng.IntN(3) {
			p.Include = append(p.Include, uint32(rng.IntN(pool.Len())))
		}
	}
	if set() {
		p.Minimums = map[string]int{}
		for range 1 + rng.IntN(2) {
			p.Minimums[pool.SourceNames[rng.IntN(len(pool.SourceNames))]] = 1 + rng.IntN(4)
		}
	}
	p.Caps = randomCaps(rng)
	p.RatingsOnly = p.RatingsOnly && p.UsesTies()
	return p
}

func randomCaps(rng *rand.Rand) Caps {
	caps := Caps{
		Source: randomCap(rng), Style: randomCap(rng), Image: randomCap(rng), Cluster: randomCap(rng),
		Template: randomCap(rng),
	}
	*caps.Modality.All()[rng.IntN(4)].Cap = randomCap(rng)
	return caps
}

// randomNear sets the samples that are near evaluation sets.
func randomNear(p *Params, pool *Pool, rng *rand.Rand) {
	if rng.IntN(3) == 0 {
		for range rng.IntN(9) {
			p.Near = append(p.Near, uint32(rng.IntN(pool.Len())))
		}
	}
}

// randomNumbers sets the parameters of numbers, and a mix.
func randomNumbers(p *Params, pool *Pool, rng *rand.Rand) {
	set := func() bool { return rng.IntN(3) == 0 }
	if set() && !p.InTokens {
		p.Mix = randomMix(pool, rng)
	}
	if set() {
		operator := []string{">=", "<=", ">", "<", "==", "!="}[rng.IntN(6)]
		p.Where = append(p.Where, Condition{"number", operator, float64(rng.IntN(4))})
	}
	if set() && p.Strategy == Top {
		p.By = []string{"number", "-number"}[rng.IntN(2)]
	}
	if set() && p.UsesTies() && !p.RatingsOnly {
		p.TieBreak = []string{"number", "-number"}[rng.IntN(2)]
	}
}

// randomMix names a source and a style in some of the cases.
func randomMix(pool *Pool, rng *rand.Rand) (m Mix) {
	part := func() Part {
		if rng.IntN(2) == 0 {
			return Part{Share: Cap{Budget{count: 1 + rng.IntN(4)}}}
		}
		return Part{Least: Cap{Budget{count: 1 + rng.IntN(2)}}, Most: Cap{Budget{count: 2 + rng.IntN(5)}}}
	}
	if rng.IntN(2) == 0 {
		m.Sources = map[string]Part{pool.SourceNames[rng.IntN(len(pool.SourceNames))]: part()}
	}
	if rng.IntN(2) == 0 && len(pool.StyleNames) > 0 {
		m.Styles = map[string]Part{pool.StyleNames[rng.IntN(len(pool.StyleNames))]: part()}
	}
	return m
}

// someOf returns about a third of the names.
func someOf(names []string, rng *rand.Rand) []string {
	var some []string
	for _, name := range names {
		if rng.IntN(3) == 0 {
			some = append(some, name)
		}
	}
	return some
}

func randomFilter(names []string, rng *rand.Rand) Filter {
	if rng.IntN(2) == 0 {
		return Filter{Keep: append(someOf(names, rng), names[rng.IntN(len(names))])}
	}
	return Filter{Drop: someOf(names, rng)}
}

// randomCap returns no cap in half of the cases.
func randomCap(rng *rand.Rand) Cap {
	switch rng.IntN(4) {
	case 0:
		return Cap{Budget{count: 1 + rng.IntN(8)}}
	case 1:
		return Cap{Budget{ratio: 0.02 + rng.Float64()/2}}
	}
	return Cap{}
}

// TestSelectParametersAgainstSlow sets several parameters together.
func TestSelectParametersAgainstSlow(t *testing.T) {
	t.Parallel()
	for name, sh := range parameterShapes {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			const seeds = 300
			valid := 0
			for seed := range uint64(seeds) {
				rng := rand.New(rand.NewPCG(seed, 2))
				pool := sh.random(rng)
				addColumns(pool, rng)
				params := randomParams(pool, rng)
				if params.Validate(pool) != nil {
					continue
				}
				valid++
				got, err := Select(pool, params)
				if err != nil {
					t.Fatalf("seed %d: %v", seed, err)
				}
				if diff := cmp.Diff(slowSelect(pool, params), got, cmpopts.EquateEmpty()); diff != "" {
					t.Fatalf("seed %d, %+v (-slow +got):\n%s", seed, params, diff)
				}
				checkBounds(t, fmt.Sprintf("seed %d, %+v", seed, params), pool, params, got)
			}
			if valid < seeds/2 {
				t.Errorf("only %d of %d cases were valid", valid, seeds)
			}
		})
	}
}

// checkBounds checks properties of every selection, without the slow implementation.
func checkBounds(t *testing.T, name string, pool *Pool, params Params, result *Result) {
	t.Helper()
	spent := 0
	sources := make(map[uint32]int)
	twins := make(map[[16]byte]int)
	seen := make(map[uint32]bool)
	for _, s := range result.Samples() {
		spent += params.cost(pool, s)
		sources[pool.Source[s]]++
		twins[pool.Twin[s]]++
		if seen[s] {
			t.Fatalf("%s: sample %d was picked twice", name, s)
		}
		seen[s] = true
		if params.Unique && pool.Twin[s] != [16]byte{} && twins[pool.Twin[s]] > 1 {
			t.Fatalf("%s: sample %d has the content of another", name, s)
		}
		if c := params.Caps.Source; c.amount.count > 0 && sources[pool.Source[s]] > c.amount.count {
			t.Fatalf("%s: source %d exceeds its cap", name, pool.Source[s])
		}
	}
	if spent > params.Budget || spent != result.Given {
		t.Fatalf("%s: %d was spent, %d reported", name, spent, result.Given)
	}
}

// TestSelectSingleRules checks each rule in a pool that is small enough to compute the picks by hand. All samples have
// ratings for one capability. Their tokens are ten times their rating. Samples 0 to 2 have the same image.
func TestSelectSingleRules(t *testing.T) {
	t.Parallel()
	rows := []row{
		{"x", 5, "a"}, {"x", 4, "a"}, {"x", 3, "a b"}, {"x", 2, "b"}, // 0 to 3
		{"y", 5, "a"}, {"y", 1, "b a"}, {"z", 1, "a"}, // 4 to 6
	}
	minimum := map[string]int{"x": 2}
	tests := map[string]struct {
		params Params   // without a budget, the budget is the whole pool
		want   []uint32 // in order
	}{
		"no rule":                     {Params{Budget: 4}, []uint32{6, 5, 4, 3}},
		"keep a style":                {Params{Rules: Rules{Styles: keep("b")}}, []uint32{2, 5, 3}},
		"drop a style":                {Params{Rules: Rules{Styles: drop("b")}}, []uint32{4, 6, 0, 1}},
		"keep a source":               {Params{Rules: Rules{Sources: keep("y")}}, []uint32{5, 4}},
		"drop a source":               {Params{Rules: Rules{Sources: drop("x", "z")}}, []uint32{5, 4}},
		"exclude":                     {Params{Exclude: []uint32{0, 1, 2, 3}}, []uint32{6, 5, 4}},
		"include, twice, comes first": {Params{Budget: 3, Include: []uint32{3, 0, 3}}, []uint32{3, 0, 6}},
		"minimum by mean rating":      {Params{Budget: 3, Rules: Rules{Minimums: minimum}}, []uint32{0, 1, 2}},
		"minimum counts what is in": {
			Params{Budget: 3, Rules: Rules{Minimums: minimum}, Include: []uint32{3}}, []uint32{3, 0, 6},
		},
		"cap of a source":            {Params{Rules: Rules{Caps: Caps{Source: capOf("1")}}}, []uint32{6, 5, 3}},
		"cap of a source as a share": {Params{Rules: Rules{Caps: Caps{Source: capOf("30%")}}}, []uint32{6, 5, 4, 3, 0}},
		"cap of a style":             {Params{Rules: Rules{Caps: Caps{Style: capOf("1")}}}, []uint32{6, 3}},
		"threshold of a capability": {
			Params{Rules: Rules{Thresholds: map[string]int{"logical deduction": 3}}}, []uint32{4, 0, 1},
		},
		"score before position":     {Params{Budget: 5, Rules: Rules{WithinBin: ByScore}}, []uint32{6, 5, 4, 2, 0}},
		"tokens, the last fits":     {Params{Budget: 50, InTokens: true}, []uint32{6, 5, 3}},
		"tokens, what does not fit": {Params{Budget: 25, InTokens: true}, []uint32{6, 5}},
		"top":                       {Params{Budget: 3, Rules: Rules{Strategy: Top}}, []uint32{0, 4, 1}},
		"top with a cap": {
			Params{Budget: 3, Rules: Rules{Strategy: Top, Caps: Caps{Source: capOf("1")}}}, []uint32{0, 4, 6},
		},
		"cap of an image": {Params{Rules: Rules{Caps: Caps{Image: capOf("1")}}}, []uint32{6, 5, 4, 3, 0}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			pool := poolOfRows(t, rows)
			for s := range pool.Len() {
				pool.Tokens = append(pool.Tokens, uint32(10*pool.Ratings[0][s]))
				pool.Image = append(pool.Image, uint32(max(s, 2)))
			}
			pool.ImageStart = []uint32{0, 1, 2, 3, 4, 5, 6, 7}
			tt.params.RatingsOnly = true
			if tt.params.Budget == 0 {
				tt.params.Budget = pool.Len()
			}
			result, err := Select(pool, tt.params)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.want, result.Samples()); diff != "" {
				t.Errorf("picks (-want +got):\n%s", diff)
			}
		})
	}
}

func keep(names ...string) Filter { return Filter{Keep: names} }

func drop(names ...string) Filter { return Filter{Drop: names} }

func capOf(text string) Cap {
	c, err := ParseCap(text)
	if err != nil {
		panic(err)
	}
	return c
}

// TestSelectAtRandom checks that Stratified picks the same share of each source. Random does so on average, and depends
// on the seed.
func TestSelectAtRandom(t *testing.T) {
	t.Parallel()
	rows := make([]row, 100)
	for i := range rows {
		rows[i] = row{[]string{"x", "y", "y", "y"}[i%4], int8(i % 6), "a"}
	}
	pool := poolOfRows(t, rows)
	for _, strategy := range []Strategy{Random, Stratified} {
		fromX, first := 0, make(map[uint32]bool)
		for seed := range uint64(100) {
			result, err := Select(pool, Params{Budget: 20, Rules: Rules{Strategy: strategy, Seed: seed}})
			if err != nil {
				t.Fatal(err)
			}
			inX := 0
			for _, s := range result.Samples() {
				if s%4 == 0 {
					inX++
				}
			}
			if strategy == Stratified && inX != 5 {
				t.Errorf("stratified, seed %d: %d of 20 from a quarter of the pool, want 5", seed, inX)
			}
			fromX += inX
			first[result.Samples()[0]] = true
		}
		if fromX < 400 || fromX > 600 { // 500 expected, standard deviation 17
			t.Errorf("%s: %d of 2000 from a quarter of the pool, want about 500", strategy, fromX)
		}
		if len(first) < 30 {
			t.Errorf("%s: only %d samples come first with 100 seeds", strategy, len(first))
		}
	}
}

// TestSelectWeights checks that a capability of three times the weight gets three quarters of a round.
func TestSelectWeights(t *testing.T) {
	t.Parallel()
	var samples []Sample
	for i := range 40 {
		rating := []int8{int8(i % 2), int8((i + 1) % 2)}
		samples = append(samples, Sample{Ratings: rating, Styles: []string{"s"}})
	}
	pool := poolOf(t, []string{"a", "b"}, samples...)
	result, err := Select(pool, Params{Budget: 12, Rules: Rules{Weights: map[string]float64{"b": 3}}})
	if err != nil {
		t.Fatal(err)
	}
	want := []CapabilityResult{
		{Capability: "a", Candidates: 20, Picked: 3}, {Capability: "b", Candidates: 20, Picked: 9},
	}
	if diff := cmp.Diff(want, result.Capabilities); diff != "" {
		t.Errorf("capabilities (-want +got):\n%s", diff)
	}
}

func TestSelectUnique(t *testing.T) {
	t.Parallel()
	samples := []Sample{
		{Ratings: []int8{5}, Index: 9, Twin: [16]byte{1}},
		{Ratings: []int8{1}, Index: 8, Twin: [16]byte{1}},
		{Ratings: []int8{1}, Index: 1, Twin: [16]byte{1}, Source: "dropped"},
		{Ratings: []int8{1}, Index: 7, Twin: [16]byte{2}},
		{Ratings: []int8{1}, Index: 6},
		{Ratings: []int8{1}, Index: 5},
	}
	for i := range samples {
		samples[i].Styles = []string{"s"}
	}
	pool := poolOf(t, []string{"a"}, samples...)
	params := Params{Budget: 6, Rules: Rules{Unique: true, Sources: drop("dropped"), RatingsOnly: true}}
	result, err := Select(pool, params)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]uint32{5, 4, 3, 1}, result.Samples()); diff != "" {
		t.Errorf("picks (-want +got):\n%s", diff)
	}
}

// TestSelectOneTokenEach compares a budget in tokens, if each sample has one token, with a budget in samples.
func TestSelectOneTokenEach(t *testing.T) {
	t.Parallel()
	sh := shape{
		samples: 200, capabilities: 4, sources: 3, styles: 4, maxStyles: 3, highest: 5, expected: true, tie: true,
	}
	for seed := range uint64(20) {
		rng := rand.New(rand.NewPCG(seed, 3))
		pool := sh.random(rng)
		params := Params{Budget: 1 + rng.IntN(pool.Len())}
		samples, err := Select(pool, params)
		if err != nil {
			t.Fatal(err)
		}
		pool.Tokens = make([]uint32, pool.Len())
		for s := range pool.Tokens {
			pool.Tokens[s] = 1
		}
		params.InTokens = true
		tokens, err := Select(pool, params)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(samples, tokens); diff != "" {
			t.Fatalf("seed %d (-samples +tokens):\n%s", seed, diff)
		}
	}
}

func TestSelectNested(t *testing.T) {
	t.Parallel()
	sh := shape{
		samples: 200, capabilities: 4, sources: 3, styles: 4, maxStyles: 3, highest: 5, expected: true, tie: true,
	}
	pool := sh.random(rand.New(rand.NewPCG(1, 4)))
	results, err := catalogOf(t, pool).SelectNested(Params{Include: []uint32{7}}, 10, 20, 60)
	if err != nil {
		t.Fatal(err)
	}
	before := []uint32{7}
	for i, result := range results {
		samples := result.Samples()
		if want := []int{10, 20, 60}[i]; len(samples) != want {
			t.Errorf("%d picks, want %d", len(samples), want)
		}
		if diff := cmp.Diff(before, samples[:len(before)]); diff != "" {
			t.Errorf("the smaller selection is not within the next (-smaller +next):\n%s", diff)
		}
		before = samples
	}
	_, err = catalogOf(t, pool).SelectNested(Params{}, 10, 10)
	if err == nil || !strings.Contains(err.Error(), "the least is 11") {
		t.Errorf("error for equal budgets: %v", err)
	}
}

// TestSelectProcessors checks that the selection does not depend on the number of processors.
func TestSelectProcessors(t *testing.T) {
	pool := syntheticPool(20_000)
	params := Params{Budget: 6_000}
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	one, err := Select(pool, params)
	if err != nil {
		t.Fatal(err)
	}
	for _, processors := range []int{2, 3, 7} {
		runtime.GOMAXPROCS(processors)
		many, err := Select(pool, params)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(one, many); diff != "" {
			t.Errorf("%d processors (-one +many):\n%s", processors, diff)
		}
	}
}
