package main

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/harvest-ml/harvest/shared/run"
	"github.com/harvest-ml/harvest/shared/spelling"
	"github.com/harvest-ml/harvest/shared/subset"
)

// A stalledError is the error of a stalled run: the reason, and the command that continues the run.
type stalledError struct {
	status *subset.RunStatus
	state  string // --state as the user typed it; empty for the default folder
}

func (e *stalledError) Error() string {
	resume := command("resume", e.state, e.status.Run)
	if e.status.Stopped != "" {
		return fmt.Sprintf("run %s is stalled: %s; then repeat the command, or type `%s`",
			e.status.Run, e.status.Stopped, resume)
	}
	text := fmt.Sprintf("run %s is stalled: %s; fix the cause, then repeat the command, or type `%s`",
		e.status.Run, givenUp(e.status.DeadLetters), resume)
	if !slices.ContainsFunc(e.status.DeadLetters, unread) {
		text += fmt.Sprintf("; `%s --give-up` continues without these samples", resume)
	}
	return text
}

// unread reports whether a dead letter is about a range that was not read. The samples of such a range are not known.
func unread(d run.DeadLetter) bool { return d.Shard < 0 }

// givenUp returns a text about a run's dead letters: their number, and an example.
func givenUp(letters []run.DeadLetter) string {
	ranges, shards := 0, 0
	for _, d := range letters {
		if unread(d) {
			ranges++
		} else {
			shards++
		}
	}
	var counts []string
	if ranges > 0 {
		counts = append(counts, number(ranges, "range")+" could not be read")
	}
	if shards > 0 {
		counts = append(counts, number(shards, "shard")+" could not be scored")
	}
	first := slices.MinFunc(letters, func(a, b run.DeadLetter) int {
		return cmp.Or(cmp.Compare(min(a.Shard, 0), min(b.Shard, 0)), cmp.Compare(a.Range, b.Range))
	})
	return fmt.Sprintf("%s, such as %s after %d attempts: %s",
		strings.Join(counts, " and "), first.Task(), first.Attempts, first.Reason)
}

// number returns a count with its noun, such as "1 range" and "2 ranges".
func number(n int, thing string) string {
	return separated(n) + " " + spelling.Plural(n, thing)
}
