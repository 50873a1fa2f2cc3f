package gpu

import (
	"slices"
	"testing"
)

func FuzzParseAddress(f *testing.F) {
	for _, text := range []string{
		"http://localhost:8700", "scorer=http://a,styler=https://b/x/", "scorer=http://a", "ftp://a", "http://u:p@a",
		"scorer=http://a,scorer=http://b", "=", "http://[::1]:80/", "http://a?b", "http:// a", "http://a,http://b",
	} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		address, err := ParseAddress(text)
		if err != nil {
			return
		}
		for _, base := range slices.Concat(address.Scorer, address.Styler) {
			if again, err := baseURL(base); err != nil || again != base {
				t.Errorf("%q gives the address %q, which reads as %q %v", text, base, again, err)
			}
		}
	})
}
