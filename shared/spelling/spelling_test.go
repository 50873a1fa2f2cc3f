package spelling_test

import (
	"errors"
	"fmt"
	"strconv"
	"testing"
	"time"

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

type unknownError struct{ name string }

func (e unknownError) Error() string { return e.name + " is unknown" }

func (e unknownError) Unknown() (string, []string) { return e.name, []string{"humanities", "stem"} }

func TestNamesOfErrors(t *testing.T) {
	t.Parallel()
	err := errors.Join(unknownError{"humanitys"}, fmt.Errorf("wrapped: %w", unknownError{"moon"}), errors.New("other"))
	want := "humanitys is unknown; did you mean \"humanities\"?\nwrapped: moon is unknown\nother"
	if got := spelling.Names(err); got.Error() != want {
		t.Errorf("%q, want %q", got, want)
	}
	if spelling.Names(nil) != nil {
		t.Error("nil has become an error")
	}
}

func TestValue(t *testing.T) {
	t.Parallel()
	_, whole := strconv.Atoi("x")
	_, large := strconv.ParseInt("99999999999999999999", 10, 64)
	_, number := strconv.ParseFloat("x", 64)
	_, truth := strconv.ParseBool("x")
	_, duration := time.ParseDuration("x")
	for want, err := range map[string]error{
		`"x" is not a whole number`:                         fmt.Errorf("Limits: Samples: %w", whole),
		`"x" is too large or too small`:                     large,
		`"x" is not a number`:                               number,
		`"x" is neither true nor false`:                     truth,
		`"x" is not a duration; give one such as 30s or 5m`: duration,
		"other": errors.New("other"),
	} {
		if got := spelling.Value("x", err); got.Error() != want {
			t.Errorf("%v: %q, want %q", err, got, want)
		}
	}
}
