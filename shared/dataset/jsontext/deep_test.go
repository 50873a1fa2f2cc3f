package jsontext

import (
	"strings"
	"testing"
)

func TestTooDeep(t *testing.T) {
	t.Parallel()
	nested := func(n int) string { return strings.Repeat("[", n) + strings.Repeat("]", n) }
	for name, tt := range map[string]struct {
		text, path string
		at         int
	}{
		"a field":            {`{"id": "[{", "a\"b": {"c": [1, 2, ` + nested(10_000) + `]}}`, `a"b.c[2][0]…`, 9_997 + 34},
		"a list":             {nested(10_001), "[0][0][0][0]…", 10_000},
		"as deep as allowed": {`{"a": ` + nested(9_999) + `}`, "", 0},
		"next to each other": {`[` + strings.Repeat("[],", 20_000) + `{}]`, "", 0},
		"closed":             {strings.Repeat("]", 20_000), "", 0},
	} {
		path, most, at, ok := TooDeep([]byte(tt.text))
		if path != tt.path || at != tt.at || ok != (tt.path != "") || ok && most != 10_000 {
			t.Errorf("%s: path %q, most %d, at %d, %t; want %q at %d", name, path, most, at, ok, tt.path, tt.at)
		}
	}
}
