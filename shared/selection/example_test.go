package selection_test

import (
	"fmt"
	"log"
	"strings"

	"github.com/harvest-ml/harvest/shared/selection"
)

// documents is a pool of six samples rated on two capabilities.
func documents() *selection.Pool {
	b := selection.NewBuilder("data understanding", "humanities")
	for _, s := range []selection.Sample{
		{Source: "chartqa", Styles: []string{"word/short-phrase"}, Ratings: []int8{5, 0}, Tokens: 300},
		{Source: "chartqa", Styles: []string{"word/short-phrase"}, Ratings: []int8{4, 0}, Tokens: 200},
		{Source: "chartqa", Styles: []string{"chain-of-thought"}, Ratings: []int8{3, 1}, Tokens: 700},
		{Source: "artwork", Styles: []string{"detailed description"}, Ratings: []int8{0, 5}, Tokens: 500},
		{Source: "artwork", Styles: []string{"word/short-phrase"}, Ratings: []int8{1, 2}, Tokens: 100},
		{Source: "artwork", Styles: []string{"yes/no"}, Ratings: []int8{0, 1}, Tokens: 50},
	} {
		if err := b.Add(s); err != nil {
			log.Fatal(err)
		}
	}
	return b.Pool
}

func Example() {
	pool := documents()
	budget, err := selection.ParseBudget("50%")
	if err != nil {
		log.Fatal(err)
	}
	result, err := selection.Select(pool, selection.Params{Budget: budget.Samples(pool.Len())})
	if err != nil {
		log.Fatal(err)
	}
	for _, pick := range result.Picks {
		capability := result.Capabilities[pick.Capability].Capability
		fmt.Printf("sample %d for %s, from %s\n", pick.Sample, capability, result.Bins[pick.Bin])
	}
	// Output:
	// sample 2 for data understanding, from chain-of-thought+chartqa
	// sample 3 for humanities, from detailed description+artwork
	// sample 4 for data understanding, from word/short-phrase+artwork
}

func ExampleParams() {
	pool := documents()
	rules := func(rules selection.Rules) selection.Params { return selection.Params{Budget: 6, Rules: rules} }
	chartqa := map[string]int{"chartqa": 2}
	for _, example := range []struct {
		name   string
		params selection.Params
	}{
		{"filter of styles", rules(selection.Rules{Styles: selection.Filter{Drop: []string{"word/short-phrase"}}})},
		{"filter of sources", rules(selection.Rules{Sources: selection.Filter{Keep: []string{"chartqa"}}})},
		{"must-include", selection.Params{Budget: 2, Include: []uint32{5}}},
		{"exclude", selection.Params{Budget: 2, Exclude: []uint32{2}}},
		{"minimum of a source", selection.Params{Budget: 2, Rules: selection.Rules{Minimums: chartqa}}},
		{"tokens", selection.Params{Budget: 800, InTokens: true}},
		{"threshold of a capability", rules(selection.Rules{Thresholds: map[string]int{"humanities": 4}})},
		{"top", selection.Params{Budget: 3, Rules: selection.Rules{Strategy: selection.Top}}},
	} {
		result, err := selection.Select(pool, example.params)
		if err != nil {
			log.Fatal(err)
		}
		fmt.Printf("%s: %d\n", example.name, result.Samples())
	}
	// Output:
	// filter of styles: [2 3 5]
	// filter of sources: [2 0 1]
	// must-include: [5 2]
	// exclude: [4 3]
	// minimum of a source: [0 1]
	// tokens: [2 4]
	// threshold of a capability: [2 4 0 3 1]
	// top: [0 3 1]
}

func ExampleParams_Validate() {
	rules := selection.Rules{Styles: selection.Filter{Keep: []string{"coordinates"}}}
	params := selection.Params{Budget: 9, Rules: rules}
	fmt.Println(strings.ReplaceAll(params.Validate(documents()).Error(), "; ", "\n\t"))
	// Output:
	// styles: keep: "coordinates" is unknown
	// 	known are: word/short-phrase, chain-of-thought, detailed description, yes/no
	// budget: 9 samples cannot be selected from 6
	// 	give 1 to 6
}
