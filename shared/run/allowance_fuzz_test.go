package run

import "testing"

func FuzzParseAllowance(f *testing.F) {
	for _, text := range []string{"5%", "0.05", "10", "0", "1.0", "100 %", ".", "%", "1e3", "-1", "101%"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		allowed, err := ParseAllowance(text)
		if err != nil || allowed.IsZero() {
			return
		}
		again, err := ParseAllowance(allowed.String())
		if err != nil || again != allowed {
			t.Errorf("%q is written as %q, which reads as %v %v", text, allowed, again, err)
		}
		if allowed.share < 0 || allowed.share > 1 || allowed.count < 0 {
			t.Errorf("%q allows %+v", text, allowed)
		}
		if !allowed.Allows(0, 10) {
			t.Errorf("%q does not allow a run without failed samples", text)
		}
	})
}
