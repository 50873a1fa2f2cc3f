package spelling_test

import (
	"testing"

	"github.com/harvest-ml/harvest/shared/spelling"
)

func TestNearest(t *testing.T) {
	t.Parallel()
	known := []string{"curate", "select", "seed", "budget", "duplicate-ids", "out"}
	for word, want := range map[string]string{
		"curat": "curate", "Curate": "curate", "crate": "curate", "budgets": "budget", "bugdet": "budget",
		"seeds": "seed", "duplicate_ids": "duplicate-ids", "oat": "out", "sort": "", "": "", "xyz": "", "magic": "",
	} {
		if got := spelling.Nearest(word, known); got != want {
			t.Errorf("nearest to %q is %q, want %q", word, got, want)
		}
	}
}

func TestHint(t *testing.T) {
	t.Parallel()
	if got := spelling.Hint("bugdet", []string{"budget"}); got != `; did you mean "budget"?` {
		t.Errorf("hint %q", got)
	}
	if got := spelling.Hint("magic", []string{"budget"}); got != "" {
		t.Errorf("hint %q, want none", got)
	}
}
