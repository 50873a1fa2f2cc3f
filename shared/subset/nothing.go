package subset

import (
	"context"
	"fmt"
	"slices"

	"github.com/harvest-ml/harvest/shared/bucket"
	"github.com/harvest-ml/harvest/shared/events"
	"github.com/harvest-ml/harvest/shared/run"
	"github.com/harvest-ml/harvest/shared/scores"
	"github.com/harvest-ml/harvest/shared/scores/reason"
	"github.com/harvest-ml/harvest/shared/selection"
)

// NothingSelected says why a result has no picks: the most frequent reason, an example of it, and what to change.
// Samples may be empty; name describes the sample at a position of the pool, as people find it.
func NothingSelected(
	pool *selection.Pool, samples Samples, params selection.Params, result *selection.Result, name func(int) string,
) string {
	counts, first := map[selection.Reason]int{}, map[selection.Reason]int{}
	var order []selection.Reason
	for i, why := range selection.Reasons(pool, params, result) {
		if len(samples.Status) > 0 && samples.Status[i] != scores.OK {
			continue // it was not scored, and no selection would change that
		}
		if counts[why]++; counts[why] == 1 {
			order, first[why] = append(order, why), i
		}
	}
	if len(order) == 0 {
		return "no sample can be selected: none was scored"
	}
	most := slices.MaxFunc(order, func(a, b selection.Reason) int { return counts[a] - counts[b] })
	code := reason.Code(most)
	return fmt.Sprintf("no sample can be selected: the most frequent reason is %q (%d of %d samples), first of %s; %s",
		code.Text(code.Meaning()), counts[most], pool.Len(), name(first[most]), fix(pool, params, most))
}

// fix is what to change so that samples are selected which a reason keeps out.
func fix(pool *selection.Pool, params selection.Params, why selection.Reason) string {
	switch why {
	case selection.ReasonThreshold:
		highest := int16(selection.Missing)
		for c, name := range pool.Capabilities {
			if len(params.Capabilities) == 0 || slices.Contains(params.Capabilities, name) {
				highest = max(highest, slices.Max(pool.Ratings[c]))
			}
		}
		return fmt.Sprintf("the highest rating is %d, which a threshold of %d or less lets pass", highest, highest-1)
	case selection.ReasonNoStyle:
		return "each sample needs a style of the rubric: run the styler over the dataset, or give a rubric with its styles"
	case selection.ReasonUnrated:
		return "look at the scorer's answers, or select by other capabilities"
	case selection.ReasonStyle, selection.ReasonSource, selection.ReasonExclude:
		return "keep more styles, sources or ids"
	case selection.ReasonSourceCap, selection.ReasonStyleCap, selection.ReasonImageCap:
		return "raise the cap"
	default:
		return "give a larger budget"
	}
}

// sampleName describes the sample at a position of a run's pool.
func sampleName(plan *run.Plan, samples Samples) func(int) string {
	return func(i int) string {
		r := plan.RangeOf(int64(i))
		before := int64(0)
		for _, m := range plan.Manifests[:plan.Ranges[r].Manifest] {
			before += m.Records
		}
		return fmt.Sprintf("sample %s, %s: element %d",
			samples.IDs[i], plan.Manifests[plan.Ranges[r].Manifest].Base(), int64(i)-before+1)
	}
}

// fail publishes the event of a selection that chose no sample, at least once and always with one id.
func (s *Selector) fail(ctx context.Context, plan *run.Plan, sel *Selection) error {
	if sent, err := bucket.Exists(ctx, s.work, failedSentName(plan.Run, sel.ID)); sent || err != nil {
		return err
	}
	event, err := events.CloudEvent(events.SelectionFailed, plan.Run+"/"+sel.ID, plan.Run, s.now(),
		events.SelectionFailedEvent{Run: plan.Run, Dataset: plan.Dataset, Selection: sel.ID, Problem: sel.Problem})
	if err != nil {
		return err
	}
	if err := s.events.Publish(ctx, event); err != nil {
		return err
	}
	_, err = bucket.CreateJSON(ctx, s.work, failedSentName(plan.Run, sel.ID), map[string]string{"problem": sel.Problem})
	return err
}

// The states of a selection.
const (
	StateWriting   = "writing"   // some outputs are not there yet
	StateCompleted = "completed" // all outputs are there
	StateFailed    = "failed"    // it chose no sample, and has no outputs; see problem
)

// State is how far a selection is: one of the State constants.
func (r *Reader) State(ctx context.Context, sel *Selection) (string, error) {
	if sel.Selected == 0 {
		return StateFailed, nil
	}
	completed, err := bucket.Exists(ctx, r.work, completedName(sel.Run, sel.ID))
	if err != nil || !completed {
		return StateWriting, err
	}
	return StateCompleted, nil
}
