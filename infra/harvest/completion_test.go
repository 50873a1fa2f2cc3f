package main

import (
	"strings"
	"testing"
)

// TestCompletion checks the completion of selections and of values of flags.
func TestCompletion(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	newDataset(t, dir, 4, 8)
	first := curateJSON(t, dir, "--state", "state", "--budget", "2", "dataset.json")
	for want, args := range map[string][]string{
		"\n" + first.Selection + "\t":  {"explain", "--state", "state", first.Run, ""},
		"latest\tthe newest selection": {"compare", "--state", "state", first.Run, "latest", ""},
		"\ndescending\n":               {"select", "--strategy", ""},
		"a,humanities\n":               {"curate", "--capabilities", "a,hum"},
		"humanities=\n":                {"curate", "--weights", "hum"},
		"yes/no\n":                     {"select", "--drop-styles", "y"},
		"text-only=\n":                 {"select", "--cap-modality", ""},
		"onevision-anyres\n":           {"select", "--visual-tokens", ""},
		"embedded\n":                   {"serve", "--scorer", ""},
	} {
		offered := harvest(t, dir, nil, append([]string{"__complete"}, args...)...).stdout
		if !strings.Contains(offered, want) {
			t.Errorf("completion of %q offers %s", args, offered)
		}
	}
}
