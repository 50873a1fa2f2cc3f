package selection

import (
	"fmt"
	"math"
	"math/rand/v2"
	"runtime"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

// furnish gives the samples of a pool tokens (few of them zero), contents (a third of the samples
// share one with another) and images.
func furnish(pool *Pool, rng *rand.Rand) {
	n := pool.Len()
	pool.Tokens, pool.Twin = make([]uint32, n), make([][16]byte, n)
	pool.ImageStart, pool.Image = make([]uint32, 1, n+1), nil
	for s := range n {
		pool.Tokens[s] = uint32(rng.IntN(20))
		pool.Twin[s][0], pool.Twin[s][15] = byte(rng.IntN(4)), byte(rng.IntN(1+n/2))
		for image := range rng.IntN(3) {
			pool.Image = append(pool.Image, uint32(rng.IntN(1+n/6)*2+image))
		}
		pool.ImageStart = append(pool.ImageStart, uint32(len(pool.Image)))
	}
}

// randomKnobs turns each knob in some of the cases, within what may be valid.
func randomKnobs(pool *Pool, rng *rand.Rand) Params {
	p := Params{Budget: 1 + rng.IntN(pool.Len()), Rules: Rules{RatingsOnly: rng.IntN(4) == 0}}
	if rng.IntN(3) == 0 {
		p.InTokens = true
		p.Budget = 1 + rng.IntN(10*pool.Len())
	}
	some := func(names []string) []string {
		var some []string
		for _, name := range names {
			if rng.IntN(3) == 0 {
				some = append(some, name)
			}
		}
		return some
	}
	turned := func() bool { return rng.IntN(3) == 0 }
	if turned() {
		p.Capabilities = some(pool.Capabilities)
		rng.Shuffle(len(p.Capabilities), func(i, j int) {
			p.Capabilities[i], p.Capabilities[j] = p.Capabilities[j], p.Capabilities[i]
		})
	}
	if turned() {
		p.Strategy = []Strategy{MMSSR, Random, Top, Stratified}[rng.IntN(4)]
		p.Seed = rng.Uint64N(3)
	}
	if p.Strategy == "" || p.Strategy == MMSSR {
		p.Threshold = rng.IntN(3)
		if turned() {
			p.WithinBin = []Order{ByPosition, ByScore}[rng.IntN(2)]
		}
		for _, name := range some(p.capabilities(pool)) {
			if rng.IntN(2) == 0 {
				p.Weights = map[string]float64{name: rng.Float64()*4 + 0.1}
			} else {
				p.Thresholds = map[string]int{name: rng.IntN(5)}
			}
		}
	}
	filter := func(names []string) Filter {
		if rng.IntN(2) == 0 {
			return Filter{Keep: append(some(names), names[rng.IntN(len(names))])}
		}
		return Filter{Drop: some(names)}
	}
	if turned() && len(pool.StyleNames) > 0 {
		p.Styles = filter(pool.StyleNames)
	}
	if turned() {
		p.Sources = filter(pool.SourceNames)
	}
	p.Unique = turned()
	if turned() {
		for range rng.IntN(20) {
			p.Exclude = append(p.Exclude, uint32(rng.IntN(pool.Len())))
		}
	}
	if turned() {
		for range 1 + rng.IntN(3) {
			p.Include = append(p.Include, uint32(rng.IntN(pool.Len())))
		}
	}
	if turned() {
		p.Minimums = map[string]int{}
		for range 1 + rng.IntN(2) {
			p.Minimums[pool.SourceNames[rng.IntN(len(pool.SourceNames))]] = 1 + rng.IntN(4)
		}
	}
	cap := func() Cap {
		switch rng.IntN(4) {
		case 0:
			return Cap{Budget{count: 1 + rng.IntN(8)}}
		case 1:
			return Cap{Budget{ratio: 0.02 + rng.Float64()/2}}
		}
		return Cap{}
	}
	p.Caps = Caps{Source: cap(), Style: cap(), Image: cap()}
	return p
}

// TestSelectKnobsAgainstReference turns several knobs at once.
func TestSelectKnobsAgainstReference(t *testing.T) {
	t.Parallel()
	shapes := map[string]shape{
		"few bins":    {samples: 80, capabilities: 4, sources: 3, styles: 4, maxStyles: 3, highest: 5, expected: true, tie: true},
		"odd ratings": {samples: 60, capabilities: 3, sources: 4, styles: 3, maxStyles: 3, lowest: -30, highest: 300, missing: 0.2, index: true},
		"many styles": {samples: 50, capabilities: 2, sources: 2, styles: 9, maxStyles: 9, highest: 3, missing: 0.4, expected: true, index: true},
	}
	for name, sh := range shapes {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			const seeds = 300
			valid := 0
			for seed := range uint64(seeds) {
				rng := rand.New(rand.NewPCG(seed, 2))
				pool := sh.random(rng)
				furnish(pool, rng)
				params := randomKnobs(pool, rng)
				if params.Validate(pool) != nil {
					continue
				}
				valid++
				got, err := Select(pool, params)
				if err != nil {
					t.Fatalf("seed %d: %v", seed, err)
				}
				if diff := cmp.Diff(reference(pool, params), got, cmpopts.EquateEmpty()); diff != "" {
					t.Fatalf("seed %d, %+v (-reference +got):\n%s", seed, params, diff)
				}
				checkBounds(t, fmt.Sprintf("seed %d, %+v", seed, params), pool, params, got)
			}
			if valid < seeds/2 {
				t.Errorf("only %d of %d cases were valid", valid, seeds)
			}
		})
	}
}

// checkBounds checks what no selection may break, apart from the reference.
func checkBounds(t *testing.T, name string, pool *Pool, params Params, result *Result) {
	t.Helper()
	spent := 0
	sources := make(map[uint32]int)
	contents := make(map[[16]byte]int)
	seen := make(map[uint32]bool)
	for _, s := range result.Samples() {
		spent += params.cost(pool, s)
		sources[pool.Source[s]]++
		contents[pool.Twin[s]]++
		if seen[s] {
			t.Fatalf("%s: sample %d was picked twice", name, s)
		}
		seen[s] = true
		if params.Unique && pool.Twin[s] != [16]byte{} && contents[pool.Twin[s]] > 1 {
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

// TestSelectKnobRules pins each knob in a pool small enough to follow by hand. All samples have one
// capability; their tokens are ten times their rating, samples 0 to 2 show one image.
func TestSelectKnobRules(t *testing.T) {
	t.Parallel()
	rows := []row{
		{"x", 5, "a"}, {"x", 4, "a"}, {"x", 3, "a b"}, {"x", 2, "b"}, // 0 to 3
		{"y", 5, "a"}, {"y", 1, "b a"}, {"z", 1, "a"}, // 4 to 6
	}
	tests := map[string]struct {
		params Params
		want   []uint32 // in order
	}{
		"nothing turned":              {Params{Budget: 4}, []uint32{6, 5, 4, 3}},
		"keep a style":                {Params{Budget: 7, Rules: Rules{Styles: Filter{Keep: []string{"b"}}}}, []uint32{2, 5, 3}},
		"drop a style":                {Params{Budget: 7, Rules: Rules{Styles: Filter{Drop: []string{"b"}}}}, []uint32{4, 6, 0, 1}},
		"keep a source":               {Params{Budget: 7, Rules: Rules{Sources: Filter{Keep: []string{"y"}}}}, []uint32{5, 4}},
		"drop a source":               {Params{Budget: 7, Rules: Rules{Sources: Filter{Drop: []string{"x", "z"}}}}, []uint32{5, 4}},
		"exclude":                     {Params{Budget: 7, Exclude: []uint32{0, 1, 2, 3}}, []uint32{6, 5, 4}},
		"include, twice, comes first": {Params{Budget: 3, Include: []uint32{3, 0, 3}}, []uint32{3, 0, 6}},
		"minimum by mean rating":      {Params{Budget: 3, Rules: Rules{Minimums: map[string]int{"x": 2}}}, []uint32{0, 1, 2}},
		"minimum counts what is in":   {Params{Budget: 3, Rules: Rules{Minimums: map[string]int{"x": 2}}, Include: []uint32{3}}, []uint32{3, 0, 6}},
		"cap of a source":             {Params{Budget: 7, Rules: Rules{Caps: Caps{Source: capOf("1")}}}, []uint32{6, 5, 3}},
		"cap of a source as a share":  {Params{Budget: 7, Rules: Rules{Caps: Caps{Source: capOf("30%")}}}, []uint32{6, 5, 4, 3, 0}},
		"cap of a style":              {Params{Budget: 7, Rules: Rules{Caps: Caps{Style: capOf("1")}}}, []uint32{6, 3}},
		"threshold of a capability":   {Params{Budget: 7, Rules: Rules{Thresholds: map[string]int{"logical deduction": 3}}}, []uint32{4, 0, 1}},
		"score before position":       {Params{Budget: 5, Rules: Rules{WithinBin: ByScore}}, []uint32{6, 5, 4, 2, 0}},
		"tokens, the last fits":       {Params{Budget: 50, InTokens: true}, []uint32{6, 5, 3}},
		"tokens, what does not fit":   {Params{Budget: 25, InTokens: true}, []uint32{6, 5}},
		"top":                         {Params{Budget: 3, Rules: Rules{Strategy: Top}}, []uint32{0, 4, 1}},
		"top with a cap":              {Params{Budget: 3, Rules: Rules{Strategy: Top, Caps: Caps{Source: capOf("1")}}}, []uint32{0, 4, 6}},
		"cap of an image":             {Params{Budget: 7, Rules: Rules{Caps: Caps{Image: capOf("1")}}}, []uint32{6, 5, 4, 3, 0}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			pool := newRows(t, rows)
			for s := range pool.Len() {
				pool.Tokens = append(pool.Tokens, uint32(10*pool.Ratings[0][s]))
				pool.Image = append(pool.Image, uint32(max(s, 2)))
			}
			pool.ImageStart = []uint32{0, 1, 2, 3, 4, 5, 6, 7}
			tt.params.RatingsOnly = true
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

func capOf(text string) Cap {
	c, err := ParseCap(text)
	if err != nil {
		panic(err)
	}
	return c
}

// TestSelectAtRandom has Stratified take the same share of each source, and Random as much on
// average, differently for each seed.
func TestSelectAtRandom(t *testing.T) {
	t.Parallel()
	rows := make([]row, 100)
	for i := range rows {
		rows[i] = row{[]string{"x", "y", "y", "y"}[i%4], int16(i % 6), "a"}
	}
	pool := newRows(t, rows)
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

// TestSelectWeights has a capability of three times the weight take three quarters of a round.
func TestSelectWeights(t *testing.T) {
	t.Parallel()
	pool := NewPool("a", "b")
	for i := range 40 {
		rating := []int16{int16(i % 2), int16((i + 1) % 2)}
		if err := pool.Add(Sample{Ratings: rating, Styles: []string{"s"}}); err != nil {
			t.Fatal(err)
		}
	}
	result, err := Select(pool, Params{Budget: 12, Rules: Rules{Weights: map[string]float64{"b": 3}}})
	if err != nil {
		t.Fatal(err)
	}
	want := []Turns{{Capability: "a", Candidates: 20, Picked: 3}, {Capability: "b", Candidates: 20, Picked: 9}}
	if diff := cmp.Diff(want, result.Capabilities); diff != "" {
		t.Errorf("turns (-want +got):\n%s", diff)
	}
}

func TestSelectUnique(t *testing.T) {
	t.Parallel()
	pool := NewPool("a")
	for _, s := range []Sample{
		{Ratings: []int16{5}, Index: 9, Twin: [16]byte{1}},
		{Ratings: []int16{1}, Index: 8, Twin: [16]byte{1}},
		{Ratings: []int16{1}, Index: 1, Twin: [16]byte{1}, Source: "dropped"},
		{Ratings: []int16{1}, Index: 7, Twin: [16]byte{2}},
		{Ratings: []int16{1}, Index: 6},
		{Ratings: []int16{1}, Index: 5},
	} {
		s.Styles = []string{"s"}
		if err := pool.Add(s); err != nil {
			t.Fatal(err)
		}
	}
	params := Params{Budget: 6, Rules: Rules{Unique: true, Sources: Filter{Drop: []string{"dropped"}}, RatingsOnly: true}}
	result, err := Select(pool, params)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]uint32{5, 4, 3, 1}, result.Samples()); diff != "" {
		t.Errorf("picks (-want +got):\n%s", diff)
	}
}

// TestSelectOneTokenEach has a budget in tokens of one each be a budget in samples.
func TestSelectOneTokenEach(t *testing.T) {
	t.Parallel()
	sh := shape{samples: 200, capabilities: 4, sources: 3, styles: 4, maxStyles: 3, highest: 5, expected: true, tie: true}
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
	sh := shape{samples: 200, capabilities: 4, sources: 3, styles: 4, maxStyles: 3, highest: 5, expected: true, tie: true}
	pool := sh.random(rand.New(rand.NewPCG(1, 4)))
	results, err := SelectNested(pool, Params{Include: []uint32{7}}, 10, 20, 60)
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
	if _, err := SelectNested(pool, Params{}, 10, 10); err == nil || !strings.Contains(err.Error(), "the least is 11") {
		t.Errorf("error for equal budgets: %v", err)
	}
}

func TestValidateKnobs(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		params Params
		want   []string // in the error; none: no error
	}{
		"everything known":        {Params{Budget: 3, Rules: Rules{Styles: Filter{Keep: []string{"a"}}, Weights: map[string]float64{"logical deduction": 2}}}, nil},
		"unknown names":           {Params{Budget: 1, Rules: Rules{Styles: Filter{Keep: []string{"q"}}, Sources: Filter{Drop: []string{"r"}}}}, []string{`styles: keep: "q" is unknown; known are: a, b`, `sources: drop: "r" is unknown; known are: x, y`}},
		"kept and dropped":        {Params{Budget: 1, Rules: Rules{Sources: Filter{Keep: []string{"x"}, Drop: []string{"x"}}}}, []string{"both kept and dropped"}},
		"weight of a stranger":    {Params{Budget: 1, Rules: Rules{Weights: map[string]float64{"ocr": 1}}}, []string{`weights: "ocr" is unknown; known are: logical deduction`}},
		"weight of nothing":       {Params{Budget: 1, Rules: Rules{Weights: map[string]float64{"logical deduction": 0}}}, []string{"give 1e-06 to 1e+06"}},
		"weight of no number":     {Params{Budget: 1, Rules: Rules{Weights: map[string]float64{"logical deduction": math.NaN()}}}, []string{"give 1e-06 to 1e+06"}},
		"threshold of a stranger": {Params{Budget: 1, Rules: Rules{Thresholds: map[string]int{"ocr": 1}}}, []string{`thresholds: "ocr" is unknown`}},
		"strategy":                {Params{Budget: 1, Rules: Rules{Strategy: "best"}}, []string{"known are: mmssr, random, top, stratified"}},
		"order":                   {Params{Budget: 1, Rules: Rules{WithinBin: "rating"}}, []string{"known are: position, score"}},
		"knobs without turns":     {Params{Budget: 1, Rules: Rules{Strategy: Top, Threshold: 1, WithinBin: ByScore}}, []string{`threshold: strategy "top" does not use it`, `within_bin: strategy "top"`}},
		"no tokens":               {Params{Budget: 1, InTokens: true}, []string{"give a budget in samples"}},
		"no images":               {Params{Budget: 1, Rules: Rules{Caps: Caps{Image: capOf("1")}}}, []string{"images are not known"}},
		"no contents":             {Params{Budget: 1, Rules: Rules{Unique: true}}, []string{"contents are not known"}},
		"no such sample":          {Params{Budget: 1, Exclude: []uint32{4}, Include: []uint32{5}}, []string{"exclude: there is no sample 4; the last is 3", "include: there is no sample 5"}},
		"in and out":              {Params{Budget: 2, Include: []uint32{1, 2}, Exclude: []uint32{1}}, []string{"sample 1 is kept out by the list of excluded samples"}},
		"in and filtered":         {Params{Budget: 2, Include: []uint32{1}, Rules: Rules{Sources: Filter{Drop: []string{"x"}}}}, []string{"sample 1 is kept out by the filter of sources"}},
		"more in than budget":     {Params{Budget: 1, Include: []uint32{1, 2}}, []string{"the least is 2"}},
		"more in than a cap":      {Params{Budget: 4, Include: []uint32{0, 1}, Rules: Rules{Caps: Caps{Source: capOf("1")}}}, []string{`source "x" has 2`, "the least is 2"}},
		"minimum above the pool":  {Params{Budget: 4, Rules: Rules{Minimums: map[string]int{"y": 2}}}, []string{`2 samples of "y" cannot be selected; the most is 1`}},
		"minimum of nothing":      {Params{Budget: 4, Rules: Rules{Minimums: map[string]int{"y": 0}}}, []string{"the least is 1"}},
		"minimum above a cap":     {Params{Budget: 4, Rules: Rules{Minimums: map[string]int{"x": 2}, Caps: Caps{Source: capOf("1")}}}, []string{"exceed the cap of a source; the most is 1"}},
		"minimums above budget":   {Params{Budget: 2, Rules: Rules{Minimums: map[string]int{"x": 2, "y": 1}}}, []string{"the least is 3"}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			pool := newRows(t, []row{{"x", 1, "a"}, {"x", 1, "a"}, {"y", 1, "b"}, {"y", 1, ""}})
			err := tt.params.Validate(pool)
			if tt.want == nil && err != nil {
				t.Error(err)
			}
			for _, want := range tt.want {
				if err == nil || !strings.Contains(err.Error(), want) {
					t.Errorf("error %v does not say %q", err, want)
				}
			}
		})
	}
	pool := newRows(t, []row{{"x", 1, "a"}})
	pool.Tokens = []uint32{5}
	if err := (Params{Budget: 6, InTokens: true}).Validate(pool); err == nil || !strings.Contains(err.Error(), "give 1 to 5") {
		t.Errorf("error for too many tokens: %v", err)
	}
}

// TestSelectProcessors has any number of processors give the same selection.
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
