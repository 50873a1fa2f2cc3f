package main

import (
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/harvest-ml/harvest/shared/dataset/forms"
	"github.com/spf13/cobra"
)

// TestTopics prints the help topics that do not belong to a command.
func TestTopics(t *testing.T) {
	t.Parallel()
	for topic, want := range map[string]string{
		"forms": forms.Help(terminalWidth), "budgets": "200M-tokens",
		"parameters": "\n--threshold 1\n  \"threshold\": 1\n    a sample is picked",
	} {
		if got := mustHarvest(t, ".", "help", topic).stdout; !strings.Contains(got, want) {
			t.Errorf("help %s prints %s, want %s in it", topic, got, want)
		}
		if !strings.Contains(mustHarvest(t, ".", "help").stdout, "\n  harvest "+topic+" ") {
			t.Errorf("help does not name the topic %s", topic)
		}
	}
}

// TestHelpWidth prints the help of each command and topic in lines that fit a terminal of 80 columns.
func TestHelpWidth(t *testing.T) {
	t.Parallel()
	for cmds := []*cobra.Command{newRoot()}; len(cmds) > 0; cmds = cmds[1:] {
		cmd := cmds[0]
		cmds = append(cmds, cmd.Commands()...)
		var out strings.Builder
		cmd.SetOut(&out)
		if err := cmd.Help(); err != nil {
			t.Fatal(err)
		}
		for line := range strings.Lines(out.String()) {
			line = strings.TrimSuffix(line, "\n")
			if n := utf8.RuneCountInString(line); n > terminalWidth || strings.HasSuffix(line, " ") {
				t.Errorf("%s: %d columns: %q", cmd.CommandPath(), n, line)
			}
		}
	}
}
