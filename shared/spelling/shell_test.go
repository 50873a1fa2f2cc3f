package spelling_test

import (
	"testing"

	"github.com/harvest-ml/harvest/shared/spelling"
)

func TestShellWord(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"data/a.json": "data/a.json", "stem knowledge=3": "'stem knowledge=3'", "it's": `'it'\''s'`, "-x": "'-x'", "": "''",
		"$HOME": "'$HOME'", "10%": "10%", "a;b": "'a;b'", "ü": "'ü'",
	} {
		if got := spelling.ShellWord(text); got != want {
			t.Errorf("%q is typed as %s, want %s", text, got, want)
		}
	}
}
