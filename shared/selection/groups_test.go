package selection

import (
	"fmt"
	"math/rand/v2"
	"testing"
)

// TestGroupTable compares groups with a map: for short keys, for samples with more styles than these hold, and for more
// styles or sources than these hold.
func TestGroupTable(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ styles, sources int }{{9, 3}, {255, 2}, {256, 2}, {9, 1<<24 + 1}} {
		rng := rand.New(rand.NewPCG(7, 8))
		const samples = 20_000
		pool := &Pool{
			Source: make([]uint32, samples), StyleStart: make([]uint32, samples+1),
			StyleNames: make([]string, tt.styles), SourceNames: make([]string, tt.sources),
		}
		for s := range samples {
			pool.Source[s] = uint32(rng.IntN(3) * (tt.sources - 1) / 2)
			for _, style := range rng.Perm(7)[:rng.IntN(7)] { // the highest styles, too
				pool.Style = append(pool.Style, uint32(style%2*(tt.styles-7)+style))
			}
			pool.StyleStart[s+1] = uint32(len(pool.Style))
		}
		table, known := newGroupTable(pool), map[string]uint32{}
		for s := range uint32(samples) {
			name := fmt.Sprint(pool.Source[s], pool.styles(s))
			group := table.group(s)
			switch of, seen := known[name]; {
			case len(pool.styles(s)) == 0:
				if group != 0 {
					t.Fatalf("%+v: a sample without styles is in group %d", tt, group)
				}
			case seen && of != group:
				t.Fatalf("%+v: %s is in group %d, and in group %d before", tt, name, group, of)
			case !seen && int(group) != len(known)+1:
				t.Fatalf("%+v: %s is in group %d, want a new group, %d", tt, name, group, len(known)+1)
			default:
				known[name] = group
			}
		}
	}
}
