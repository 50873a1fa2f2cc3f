package gpu

import (
	"slices"
	"strings"
	"testing"
)

func TestParseAddress(t *testing.T) {
	t.Parallel()
	one := func(scorer, styler string) Address { return Address{[]string{scorer}, []string{styler}} }
	for in, want := range map[string]Address{
		"http://localhost:8700":                one("http://localhost:8700", "http://localhost:8700"),
		"https://gpu.example/harvest/":         one("https://gpu.example/harvest", "https://gpu.example/harvest"),
		"scorer=http://a:1,styler=http://b:2/": one("http://a:1", "http://b:2"),
		"styler = http://b , scorer= http://a": one("http://a", "http://b"),
		"http://a, http://b/": {
			[]string{"http://a", "http://b"}, []string{"http://a", "http://b"},
		},
		"scorer=http://a,scorer=http://b,styler=http://c": {[]string{"http://a", "http://b"}, []string{"http://c"}},
	} {
		if got, err := ParseAddress(in); err != nil || !slices.Equal(got.Scorer, want.Scorer) ||
			!slices.Equal(got.Styler, want.Styler) {
			t.Errorf("%q: %+v, error %v; want %+v", in, got, err, want)
		}
	}
	for in, want := range map[string]string{
		"":                                  "is not the URL of a sidecar",
		"localhost:8700":                    "is not the URL of a sidecar",
		"http://":                           "is not the URL of a sidecar",
		"ftp://a":                           "is not the URL of a sidecar",
		"http://a?b":                        "is not the URL of a sidecar",
		"http://user:secret@a":              "is not the URL of a sidecar",
		"http://a b":                        "is not a URL",
		"scorer=http://a":                   "both models need a sidecar",
		"scorer=http://a,scorer=http://b":   "both models need a sidecar",
		"http://a,http://b,http://a/":       "http://a is given twice",
		"scorer=http://a,styler=b":          "\"b\" is not the URL",
		"scorer=http://a,llm=http://b":      "names neither scorer nor styler",
		"scorer=http://a,styler=http://b,":  "not the URL of a sidecar",
		"scorer=http://a,,styler=http://bb": "not the URL of a sidecar",
	} {
		if got, err := ParseAddress(in); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %+v, error %v; want one with %q", in, got, err, want)
		}
	}
}
