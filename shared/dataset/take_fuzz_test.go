package dataset

import "testing"

func FuzzParseTake(f *testing.F) {
	for _, text := range []string{"all", "", "first:1000", "end:10%", "random:5", "first:0", "end:101%", "first: 7"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		take, err := ParseTake(text)
		if err != nil {
			return
		}
		if again, err := ParseTake(take.String()); err != nil || again != take {
			t.Errorf("%q is written as %q, which is parsed as %v, %v", text, take, again, err)
		}
		for _, records := range []int64{1, 7, 1000} {
			if first, last := take.elements(records); first < 1 || last > records || last-first+1 < 0 {
				t.Errorf("%q takes records %d to %d of %d", text, first, last, records)
			}
		}
	})
}

func FuzzLookup(f *testing.F) {
	f.Add("a", "a#2", "a")
	f.Add("#1", "a#", "a#01")
	f.Add("a#1", "a#1#2", "a#1")
	f.Fuzz(func(t *testing.T, name, other, id string) {
		lookup := NewLookup([]string{name, other})
		for range 3 {
			lookup.Add(id)
		}
		for _, asked := range []string{name, other} {
			found := lookup.Positions(asked)
			if asked == id && len(found) != 3 {
				t.Errorf("%q stands for %v of three samples with that id", asked, found)
			}
			for i, position := range found {
				if position < 0 || position > 2 || i > 0 && found[i-1] >= position {
					t.Errorf("%q stands for %v", asked, found)
				}
			}
		}
	})
}
