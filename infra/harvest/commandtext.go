package main

import (
	"fmt"

	"github.com/harvest-ml/harvest/shared/run"
	"github.com/harvest-ml/harvest/shared/spelling"
)

// command returns the text of a command about a run.
func command(name, state, runID string) string {
	if state != "" {
		name += " --state " + spelling.ShellWord(state)
	}
	return fmt.Sprintf("harvest %s %s", name, runID)
}

// anotherSelection returns the text of a command that selects from a run. allowed is the value of --max-failed; if it
// is zero, the run's limit applies.
func anotherSelection(state, runID string, allowed run.Allowance) string {
	text := command("select", state, runID)
	if !allowed.IsZero() {
		text += " --max-failed " + allowed.String()
	}
	return text
}

// command returns the text of a command about the run.
func (r *result) command(name string) string {
	return fmt.Sprintf("`%s`", command(name, r.state, r.Run))
}

// anotherSelection returns the text of a command that makes another selection of the run.
func (r *result) anotherSelection() string {
	return anotherSelection(r.state, r.Run, r.status.NeededAllowance())
}

// smallBudget returns the text of a budget that a number of scored samples allows.
func smallBudget(scored int64) string {
	if scored < 10 {
		return "--budget 1"
	}
	return "--budget 10%"
}

// next returns the commands for the next steps.
func (r *result) next() string {
	return fmt.Sprintf("another budget, without scoring again:\n  %s %s\n"+
		"why a sample is in or out:\n  %s %s ID\n",
		r.anotherSelection(), smallBudget(r.Samples.Scored), command("explain", r.state, r.Run), r.Selection)
}
