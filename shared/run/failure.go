package run

import (
	"fmt"

	"github.com/harvest-ml/harvest/shared/dataset"
	"github.com/harvest-ml/harvest/shared/events"
	"github.com/harvest-ml/harvest/shared/scores/reason"
	"github.com/harvest-ml/harvest/shared/spelling"
)

// An Example is the first sample of a run that was not scored for a certain reason.
type Example struct {
	ID     string        `json:"id"`
	Reason string        `json:"reason"`
	Place  dataset.Place `json:"place"`
}

// Failure returns the reason why nothing is selected from a scored run: no sample was scored, or too many failed. It is
// one sentence with the most frequent code and an example, without a fix. It is empty if a selection can be made.
func (c Counts) Failure(allowed Allowance) string {
	var text string
	n := c.Samples
	switch {
	case n.Scored == 0 && n.Skipped == 0:
		text = NoneOf(n.In, "sample", "be selected") + ": all failed"
	case n.Scored == 0:
		text = fmt.Sprintf("%s: %d failed and %d were skipped", NoneOf(n.In, "sample", "be selected"), n.Failed, n.Skipped)
	case !allowed.Allows(n.Failed, n.In):
		text = fmt.Sprintf("%d of %d %s failed, but only %s may fail", n.Failed, n.In,
			spelling.Plural(n.In, "sample"), allowed)
	default:
		return ""
	}
	code := reason.MostFrequent(c.Reasons)
	if code == "" {
		return text
	}
	text += fmt.Sprintf("; the most frequent reason is %q (%d of them)", code.Phrase(), c.Reasons[code])
	if e, known := c.Examples[code]; known {
		text += fmt.Sprintf(", such as sample %s, %s: %s", spelling.Shown(e.ID), e.Place, e.Reason)
	}
	return text
}

// NoneOf says that none of n things can be used in this way.
func NoneOf(n int64, thing, use string) string {
	if n == 1 {
		return fmt.Sprintf("the only %s cannot %s", thing, use)
	}
	return fmt.Sprintf("none of the %d %ss can %s", n, thing, use)
}

// Passes returns the lowest allowance with which a selection can be made from a scored run, such as "31%"; zero if no
// sample was scored.
func Passes(samples events.Counts) Allowance {
	if samples.Scored == 0 {
		return Allowance{}
	}
	return leastAllowance(samples.Failed, samples.In)
}

// refusal returns Failure and its fix for callers of the API as a *RefusedError; nil if a selection can be made.
func (c Counts) refusal(run string, allowed Allowance) error {
	failure := c.Failure(allowed)
	if failure == "" {
		return nil
	}
	if reason.MostFrequent(c.Reasons).Subject() == reason.Scorer {
		failure += fmt.Sprintf("; retry run %s, or start the dataset with another model or scorer", run)
	} else {
		failure += fmt.Sprintf("; fix them and start the dataset again, or retry run %s if only images were missing or "+
			"damaged", run)
	}
	if passes := Passes(c.Samples); !passes.IsZero() {
		failure += fmt.Sprintf("; max_failed: %s allows them", passes)
	}
	return &RefusedError{Reason: failure}
}
