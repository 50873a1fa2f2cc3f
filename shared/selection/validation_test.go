package selection

import (
	"strings"
	"testing"
)

func TestPoolValidate(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		damage func(*Pool)
		want   string
	}{
		"capability twice": {
			func(p *Pool) { p.Capabilities[1] = p.Capabilities[0] }, `capability "scene understanding" appears twice`,
		},
		"style name twice": {func(p *Pool) { p.StyleNames[1] = "b" }, `style name "b" appears twice`},
		"column missing":   {func(p *Pool) { p.Ratings = p.Ratings[:1] }, "1 columns of ratings for 2 capabilities"},
		"column short":     {func(p *Pool) { p.Ratings[1] = p.Ratings[1][:2] }, "column 1 of ratings has 2 rows"},
		"expected missing": {func(p *Pool) { p.Expected = p.Expected[:1] }, "1 columns of expected scores"},
		"expected short":   {func(p *Pool) { p.Expected[0] = nil }, "column 0 of expected scores has 0 rows"},
		"tie short":        {func(p *Pool) { p.Tie = p.Tie[:1] }, "tie column has 1 rows"},
		"index short":      {func(p *Pool) { p.Index = p.Index[:1] }, "index column has 1 rows"},
		"tokens short":     {func(p *Pool) { p.Tokens = make([]uint32, 2) }, "tokens column has 2 rows"},
		"twin short":       {func(p *Pool) { p.Twin = make([][16]byte, 2) }, "twin column has 2 rows"},
		"image starts": {
			func(p *Pool) { p.ImageStart = []uint32{0, 1, 0, 1} }, "4 ascending offsets from 0 to 0",
		},
		"image twice": {
			func(p *Pool) { p.Image, p.ImageStart = []uint32{5, 5}, []uint32{0, 2, 2, 2} },
			"sample 0 has image 5 twice",
		},
		"unknown source":     {func(p *Pool) { p.Source[2] = 2 }, "sample 2 has source 2"},
		"unknown style":      {func(p *Pool) { p.Style[2] = 2 }, "sample 2 has style 2"},
		"style twice":        {func(p *Pool) { p.Style[1] = 0 }, `sample 0 has style "b" twice`},
		"starts missing":     {func(p *Pool) { p.StyleStart = nil }, "4 offsets from 0 to 3"},
		"starts too short":   {func(p *Pool) { p.StyleStart[3] = 2 }, "4 offsets from 0 to 3"},
		"starts not at zero": {func(p *Pool) { p.StyleStart[0] = 1 }, "4 offsets from 0 to 3"},
		"starts descending":  {func(p *Pool) { p.StyleStart[2] = 1 }, "sample 1 are at 2 to 1"},
		"starts beyond": {
			func(p *Pool) { p.StyleStart[1], p.StyleStart[2] = 9, 9 }, "sample 0 are at 0 to 9 of 3",
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			pool := smallPool(t)
			tt.damage(pool)
			_, err := Select(pool, Params{Budget: 1})
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("Select error %v does not say %q", err, tt.want)
			}
		})
	}
}

// TestValidateManySamples puts one fault into a pool that is otherwise checked without a look at each sample.
func TestValidateManySamples(t *testing.T) {
	t.Parallel()
	const middle = chunk + 1000
	for name, tt := range map[string]struct {
		change func(pool *Pool)
		want   string
	}{
		"none":   {func(*Pool) {}, ""},
		"source": {func(p *Pool) { p.Source[middle] = 90 }, "has source 90"},
		"shape":  {func(p *Pool) { p.Shape[middle] = 2 * MultiTurn }, "has shape"},
		"style":  {func(p *Pool) { p.Style[p.StyleStart[middle]] = 9 }, "has style 9"},
		"second": {func(p *Pool) { p.Style[p.StyleStart[middle]+1] = p.Style[p.StyleStart[middle]] }, "twice"},
		"third":  {func(p *Pool) { p.Style[p.StyleStart[middle]+2] = p.Style[p.StyleStart[middle]] }, "twice"},
		"fourth": {func(p *Pool) { p.Style[p.StyleStart[middle]+3] = p.Style[p.StyleStart[middle]+1] }, "twice"},
		"start":  {func(p *Pool) { p.StyleStart[middle] = p.StyleStart[middle+2] }, "twice"},
	} {
		pool := syntheticPool(3 * chunk)
		pool.Shape = make([]Shape, pool.Len())
		for s := range pool.Len() { // four styles each
			pool.StyleStart[s+1] = uint32(4 * (s + 1))
		}
		pool.Style = nil
		for range pool.Len() {
			pool.Style = append(pool.Style, 3, 1, 8, 0)
		}
		if !pool.surelyValid(0, chunk) {
			t.Errorf("%s: the first samples are not surely valid", name)
		}
		tt.change(pool)
		err := pool.Validate()
		if (err == nil) != (tt.want == "") || err != nil && !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: error %v, want %q", name, err, tt.want)
		}
		if valid := pool.surelyValid(chunk, 2*chunk); valid != (tt.want == "") {
			t.Errorf("%s: samples are surely valid: %v", name, valid)
		}
	}
}
