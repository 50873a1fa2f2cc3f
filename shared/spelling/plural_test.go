package spelling

import "testing"

func TestPlural(t *testing.T) {
	t.Parallel()
	for n, want := range map[int64]string{0: "samples", 1: "sample", 2: "samples", 21: "samples"} {
		if got := Plural(n, "sample"); got != want {
			t.Errorf("%d %s, want %s", n, got, want)
		}
	}
}
