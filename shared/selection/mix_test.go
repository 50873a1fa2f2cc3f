package selection

import (
	"strings"
	"testing"
)

// TestMixRefused checks that a mix that is not possible is refused, and that the error has the nearest possible mix.
func TestMixRefused(t *testing.T) {
	t.Parallel()
	pool := poolOfRows(t, []row{
		{"x", 1, "a"}, {"x", 2, "a b"}, {"x", 3, "b"}, {"y", 1, "a"}, {"y", 4, "b"}, {"z", 5, "a"},
	})
	least := func(n string) Part { return Part{Least: capOf(n)} }
	most := func(n string) Part { return Part{Most: capOf(n)} }
	share := func(n string) Part { return Part{Share: capOf(n)} }
	type parts = map[string]Part
	both, contrary := Part{capOf("1"), capOf("1"), Cap{}}, Part{Cap{}, capOf("3"), capOf("2")}
	for want, params := range map[string]Params{
		`"z" must have at least 2, but only 1 can be selected; the nearest possible mix is {z: {least: 1}}`: {
			Budget: 4, Rules: Rules{Mix: Mix{Sources: parts{"z": least("2")}}}},
		"must have at least 5, but the budget is 3; the nearest possible mix is {x: {least: 1}, y: {least: 1}}": {
			Budget: 3, Rules: Rules{Mix: Mix{Sources: parts{"x": least("3"), "y": least("2")}}}},
		"together they can have at most 4, but the budget is 5; the nearest possible mix is {x: {most: 2}}": {
			Budget: 5, Rules: Rules{Mix: Mix{Sources: parts{"x": most("1")}}}},
		`mix: styles: together they can have at most 4, but the budget is 6`: {
			Budget: 6, Rules: Rules{Mix: Mix{Styles: parts{"a": most("1"), "b": share("50%")}}}},
		`"x" has a share, and least or most`:     {Budget: 2, Rules: Rules{Mix: Mix{Sources: parts{"x": both}}}},
		`"x" has no share, least or most`:        {Budget: 2, Rules: Rules{Mix: Mix{Sources: parts{"x": {}}}}},
		`mix: sources: "w" is unknown`:           {Budget: 2, Rules: Rules{Mix: Mix{Sources: parts{"w": share("1")}}}},
		`mix: styles: "c" is unknown`:            {Budget: 2, Rules: Rules{Mix: Mix{Styles: parts{"c": share("1")}}}},
		`"x" must have at least 3 and at most 2`: {Budget: 4, Rules: Rules{Mix: Mix{Sources: parts{"x": contrary}}}},
	} {
		if err := params.Validate(pool); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %s", err, want)
		}
	}
}

// TestMix selects by a mix of sources and styles.
func TestMix(t *testing.T) {
	t.Parallel()
	pool := poolOfRows(t, []row{
		{"x", 5, "a"}, {"x", 5, "a"}, {"x", 5, "a"}, {"x", 1, "b"}, {"y", 1, "a"}, {"y", 2, "a"}, {"y", 3, "b"},
	})
	result, err := Select(pool, Params{Budget: 4, Rules: Rules{Mix: Mix{
		Sources: map[string]Part{"y": {Share: capOf("50%")}}, Styles: map[string]Part{"b": {Most: capOf("1")}},
	}}})
	if err != nil {
		t.Fatal(err)
	}
	sources, b := map[string]int{}, 0
	for _, s := range result.Samples() {
		sources[pool.SourceNames[pool.Source[s]]]++
		if pool.StyleNames[pool.styles(s)[0]] == "b" {
			b++
		}
	}
	if sources["x"] != 2 || sources["y"] != 2 || b > 1 {
		t.Errorf("selected are %v, and %d of style b", sources, b)
	}
}
