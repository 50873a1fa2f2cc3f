package main

import (
	"strings"
	"testing"
)

// TestWithState gives commands another state folder than the default. The commands that errors name have it, too.
func TestWithState(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for want, args := range map[string][]string{
		"no such run: gone; `harvest status --state 'a b'` lists the runs":                 {"explain", "gone", "x", "y"},
		"name one run; `harvest status --state 'a b'` lists them, `harvest resume --help`": {"resume"},
	} {
		a := harvest(t, dir, nil, append(args, "--state", "a b")...)
		if a.status != 2 || !strings.Contains(a.stderr, want) {
			t.Errorf("%s: status %d, %s; want %s", args, a.status, a.stderr, want)
		}
	}
	cmd := newRoot()
	for text, want := range map[string]string{
		"`harvest status --state x r` says more": "`harvest status --state x r` says more",
		"continue it: harvest resume r-1":        "continue it: harvest resume --state s r-1",
		"`harvest select --exclude`":             "`harvest select --state s --exclude`",
		"files that harvest did not write":       "files that harvest did not write",
		"only the `harvest serve` that read it":  "only the `harvest serve` that read it",
		"`harvest train` did not write it":       "`harvest train` did not write it",
	} {
		status, _, err := cmd.Find([]string{"status"})
		if err == nil {
			err = status.Flags().Set("state", "s")
		}
		if got := withState(status, text); err != nil || got != want {
			t.Errorf("%q: %q, %v; want %q", text, got, err, want)
		}
	}
}
