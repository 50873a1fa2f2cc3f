package gpu

import (
	"strings"
	"testing"
)

func TestParseAddress(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]Address{
		"http://localhost:8700":                {"http://localhost:8700", "http://localhost:8700"},
		"https://gpu.example/harvest/":         {"https://gpu.example/harvest", "https://gpu.example/harvest"},
		"scorer=http://a:1,styler=http://b:2/": {"http://a:1", "http://b:2"},
		"styler = http://b , scorer= http://a": {"http://a", "http://b"},
	} {
		if got, err := ParseAddress(in); err != nil || got != want {
			t.Errorf("%q: %+v, error %v; want %+v", in, got, err, want)
		}
	}
	for in, want := range map[string]string{
		"":                                  "is not an address of a sidecar",
		"localhost:8700":                    "is not an address of a sidecar",
		"http://":                           "is not an address of a sidecar",
		"ftp://a":                           "is not an address of a sidecar",
		"http://a?b":                        "is not an address of a sidecar",
		"http://user:secret@a":              "is not an address of a sidecar",
		"http://a b":                        "is not a URL",
		"scorer=http://a":                   "both models are needed",
		"scorer=http://a,scorer=http://b":   "scorer is given twice",
		"scorer=http://a,styler=b":          "styler: \"b\" is not an address",
		"scorer=http://a,llm=http://b":      "names neither scorer nor styler",
		"scorer=http://a,styler=http://b,":  "names neither scorer nor styler",
		"scorer=http://a,,styler=http://bb": "names neither scorer nor styler",
	} {
		if got, err := ParseAddress(in); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %+v, error %v; want one with %q", in, got, err, want)
		}
	}
}
