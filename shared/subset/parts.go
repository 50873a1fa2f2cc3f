package subset

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/harvest-ml/harvest/shared/bucket"
	"github.com/harvest-ml/harvest/shared/dataset"
	"github.com/harvest-ml/harvest/shared/events"
	"github.com/harvest-ml/harvest/shared/run"
	"github.com/harvest-ml/harvest/shared/scores"
	"github.com/harvest-ml/harvest/shared/scores/reason"
)

// partObjects is how many objects a range contributes to a selection: its subset and its rejected samples.
const partObjects = 2

// publishParts publishes a message for each range whose part of a selection is missing, and
// advances the selection where none is.
func (s *Selector) publishParts(ctx context.Context, plan *run.Plan, sel *Selection) error {
	if sent, err := bucket.Exists(ctx, s.work, completedSentName(plan.Run, sel.ID)); sent || err != nil {
		return err
	}
	written, err := s.writtenParts(ctx, plan, sel.ID)
	if err != nil {
		return err
	}
	var missing []events.Message
	for r := range plan.Ranges {
		if written[r] < partObjects {
			missing = append(missing, events.PartTask{Run: plan.Run, Selection: sel.ID, Range: r}.Message())
		}
	}
	if len(missing) > 0 {
		return s.tasks.Publish(ctx, missing...)
	}
	return s.complete(ctx, plan, sel)
}

// WritePart writes what a selection takes and leaves of one range, and completes the selection with the last part.
func (s *Selector) WritePart(ctx context.Context, task events.PartTask) error {
	plan, err := s.runs.Plan(ctx, task.Run)
	if errors.Is(err, run.ErrNoRun) {
		return events.DataError(err)
	} else if err != nil {
		return err
	}
	if plan.Problem != "" {
		return events.DataError(&run.RefusedError{Reason: plan.Problem})
	}
	sel, err := s.Selection(ctx, task.Run, task.Selection)
	if errors.Is(err, ErrNoSelection) {
		return events.DataError(err)
	} else if err != nil {
		return err
	}
	if task.Range < 0 || task.Range >= len(plan.Ranges) {
		return events.DataError(fmt.Errorf("run %s has no range %d", plan.Run, task.Range))
	}
	if sel.Selected == 0 {
		return s.fail(ctx, plan, sel)
	}
	written, err := s.writtenParts(ctx, plan, sel.ID)
	if err != nil {
		return err
	}
	if written[task.Range] < partObjects {
		if err := s.writePart(ctx, plan, sel, task.Range); err != nil {
			return fmt.Errorf("writing range %d of selection %s of run %s: %w", task.Range, sel.ID, plan.Run, err)
		}
		// Listed again now that the own part is there: of the deliveries that write the last parts at the same time,
		// one sees all.
		if written, err = s.writtenParts(ctx, plan, sel.ID); err != nil {
			return err
		}
	}
	for _, n := range written {
		if n < partObjects {
			return nil
		}
	}
	return s.complete(ctx, plan, sel)
}

// writtenParts is the number of part objects that each range has.
func (s *Selector) writtenParts(ctx context.Context, plan *run.Plan, id string) ([]int, error) {
	written := make([]int, len(plan.Ranges))
	for attrs, err := range s.work.List(ctx, partsPrefix(plan.Run, id), "") {
		if err != nil {
			return nil, fmt.Errorf("listing parts of selection %s: %w", id, err)
		}
		number, _, _ := strings.Cut(attrs.Name[len(partsPrefix(plan.Run, id)):], ".")
		if r, err := strconv.Atoi(number); err == nil && r < len(written) {
			written[r]++
		}
	}
	return written, nil
}

// writePart writes the two part objects of a range.
func (s *Selector) writePart(ctx context.Context, plan *run.Plan, sel *Selection, r int) error {
	reasons, err := s.reasons(ctx, plan.Run, sel.ID)
	if err != nil {
		return err
	}
	if int64(len(reasons)) != plan.Samples {
		return fmt.Errorf("%s has %d samples, and the plan %d",
			reasonsName(plan.Run, sel.ID), len(reasons), plan.Samples)
	}
	before := 0
	for _, n := range sel.PerRange[:r] {
		before += n
	}
	var subset, rejected bytes.Buffer
	out := dataset.NewWriter(&subset, plan.Format(), dataset.Part{
		First: r == 0, Last: r == len(plan.Ranges)-1, Follows: before > 0,
	})
	if err := s.divide(ctx, plan, r, reasons[plan.Ranges[r].FirstIndex:], out, &rejected); err != nil {
		return err
	}
	if err := out.Close(); err != nil {
		return err
	}
	if _, err := bucket.CreateBytes(ctx, s.work, subsetPartName(plan.Run, sel.ID, r), subset.Bytes()); err != nil {
		return err
	}
	_, err = bucket.CreateBytes(ctx, s.work, rejectedPartName(plan.Run, sel.ID, r), rejected.Bytes())
	return err
}

// divide writes the samples of a range to the subset where their reason is empty, else to the rejected ones. reasons
// begin with that of the range's first sample.
func (s *Selector) divide(
	ctx context.Context, plan *run.Plan, r int, reasons []string, subset *dataset.Writer, rejected *bytes.Buffer,
) error {
	lines := newRejectedWriter(rejected)
	return s.eachRecord(ctx, plan, r, func(position int, sample *dataset.Sample, rec *scores.Record) error {
		if reasons[position] == "" {
			return subset.Write(sample.Raw)
		}
		return lines.Encode(newRejected(plan, r, position, sample, rec, reason.Code(reasons[position])))
	})
}
