package main

import (
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/harvest-ml/harvest/shared/spelling"
	"github.com/harvest-ml/harvest/shared/subset"
)

// A trial describes a run on a part of its dataset.
type trial struct {
	Records int64 `json:"records"`
	Of      int64 `json:"of"` // number of records in the dataset
	// Command is the command for the whole dataset; empty if the run was not made by curate.
	Command string `json:"command,omitempty"`
}

// newTrial returns the description of a run that is a trial; nil if the run has the whole dataset.
func newTrial(status *subset.RunStatus) *trial {
	if status.Of == 0 {
		return nil
	}
	return &trial{Records: status.Samples.In, Of: status.Of, Command: withoutLimit(os.Args)}
}

// print prints that the run is a trial, and the command for the whole dataset.
func (t *trial) print(w io.Writer) error {
	text := "\n" + folded(fmt.Sprintf("a trial on %s of %s, spread evenly over the dataset",
		separated(t.Records), number(int(t.Of), "record")), "")
	if t.Command != "" {
		text += "\nfor the whole dataset:\n" + foldedCommand("  "+t.Command)
	}
	_, err := fmt.Fprintln(w, text)
	return err
}

// withoutLimit returns a command line without --limit; empty if the command line has no --limit.
func withoutLimit(args []string) string {
	words := []string{"harvest"}
	found := false
	for i := 1; i < len(args); i++ {
		switch {
		case args[i] == "--limit":
			found = true
			i++ // its value
		case strings.HasPrefix(args[i], "--limit="):
			found = true
		default:
			flag := strings.TrimLeft(args[i], "-")
			dashes := args[i][:len(args[i])-len(flag)]
			words = append(words, dashes+spelling.ShellWord(flag))
		}
	}
	if !found {
		return ""
	}
	return strings.Join(words, " ")
}
