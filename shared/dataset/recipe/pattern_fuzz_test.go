package recipe

import (
	"strings"
	"testing"
)

func FuzzExpand(f *testing.F) {
	for _, pattern := range []string{
		"a-{000..002}.tar", "{a,b}/{1..2}", "{a}", "{,x}", "{2..1}", "{{1,2},{3,4}}", "{0..99}{0..99}", "{00000000..1}",
		"{b,a-{0..1}}c", "{{a}}", "}{a,b}{", "{{,}0..1}", "{1,{},2}",
	} {
		f.Add(pattern)
	}
	f.Fuzz(func(t *testing.T, pattern string) {
		if strings.Count(pattern, "{") > 6 || len(pattern) > 200 {
			return // long patterns take time, and test nothing else
		}
		names, err := Expand(pattern)
		if err != nil {
			if !HasPattern(pattern) {
				t.Errorf("HasPattern is false for %q, which Expand refuses: %v", pattern, err)
			}
			return
		}
		if len(names) == 0 || len(names) > maxExpanded {
			t.Errorf("%q stands for %d names", pattern, len(names))
		}
		if !HasPattern(pattern) && (len(names) != 1 || names[0] != pattern) {
			t.Errorf("HasPattern is false for %q, which expands to %q", pattern, names)
		}
	})
}
