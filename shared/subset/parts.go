package subset

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"path"
	"strconv"
	"strings"

	"github.com/harvest-ml/harvest/shared/bucket"
	"github.com/harvest-ml/harvest/shared/dataset"
	"github.com/harvest-ml/harvest/shared/events"
	"github.com/harvest-ml/harvest/shared/run"
	"github.com/harvest-ml/harvest/shared/scores"
	"github.com/harvest-ml/harvest/shared/scores/reason"
)

const (
	// partsWidth is the largest number of parts of a selection that are published but not written.
	partsWidth = 16
	// partsBlock is the number of parts that are composed in one step. Cloud Storage does not allow more. Source:
	// https://cloud.google.com/storage/docs/composite-objects
	partsBlock = 32
	// rejectedBytes is an estimate of the length of a line of rejected.jsonl in bytes.
	rejectedBytes = 320
)

// publishParts publishes the first unwritten part of each chain. The parts of ranges r, r + partsWidth, r + 2
// partsWidth and so on form a chain. If all parts are written, publishParts completes the selection. While details are
// missing, it publishes only one part; the delivery of that part makes the details and publishes the other parts.
func (s *Selector) publishParts(ctx context.Context, plan *run.Plan, sel *Selection) error {
	written, err := s.writtenParts(ctx, plan, sel, partsRoot(sel.Run, sel.ID, 0))
	if err != nil {
		return err
	}
	chains := min(partsWidth, len(plan.Ranges))
	if detailed, err := s.isDetailed(ctx, plan, sel.ID); err != nil {
		return err
	} else if !detailed {
		chains = min(chains, 1)
	}
	for chain := range chains {
		r := chain
		for ; r < len(plan.Ranges) && written[r]; r += partsWidth {
		}
		if r >= len(plan.Ranges) {
			continue
		}
		again := againName(sel.Run, fmt.Sprintf("%s/%04d", sel.ID, r))
		due, err := s.again.Due(ctx, partSentName(sel.Run, sel.ID, r), again, run.GraceTime)
		if err != nil {
			return err
		}
		if due {
			if err := s.publishPart(ctx, sel, r); err != nil {
				return err
			}
		}
	}
	return s.composeAll(ctx, plan, sel, written)
}

// composeAll composes the blocks whose parts are all written. It lists the existing objects first, so that the number
// of requests depends only on what is missing.
func (s *Selector) composeAll(ctx context.Context, plan *run.Plan, sel *Selection, written map[int]bool) error {
	size, nodes := 1, len(plan.Ranges) // size is the number of ranges in a part of the level
	for level := 0; nodes > partsBlock; level++ {
		above, err := s.writtenParts(ctx, plan, sel, partsRoot(sel.Run, sel.ID, level+1))
		if err != nil {
			return err
		}
		blocks := (nodes + partsBlock - 1) / partsBlock
		for block := range blocks {
			if above[block] || !bucket.HasAll(written, block*partsBlock, min((block+1)*partsBlock, nodes)) {
				continue
			}
			if err := s.compose(ctx, plan, sel, block*partsBlock*size); err != nil {
				return err
			}
		}
		written, nodes, size = above, blocks, size*partsBlock
	}
	if !bucket.HasAll(written, 0, nodes) {
		return nil
	}
	return s.compose(ctx, plan, sel, 0)
}

// publishPart publishes the task of a range's part, and records this.
func (s *Selector) publishPart(ctx context.Context, sel *Selection, r int) error {
	task := events.PartTask{Run: sel.Run, Selection: sel.ID, Range: r}
	if err := s.tasks.Publish(ctx, task.Message()); err != nil {
		return err
	}
	return s.again.Sent(ctx, partSentName(sel.Run, sel.ID, r), fmt.Sprintf("part %d", r))
}

// WritePart writes the selected and the rejected samples of one range, and publishes the next part of the chain. With
// the last part it completes the selection.
func (s *Selector) WritePart(ctx context.Context, task events.PartTask) error {
	plan, err := s.runs.UsablePlan(ctx, task.Run)
	if _, refused := errors.AsType[*run.RefusedError](err); refused || errors.Is(err, run.ErrNoRun) {
		return events.DataError(err)
	} else if err != nil {
		return err
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
	if ended, err := s.ended(ctx, sel); ended || err != nil {
		return err // the selection is completed: its parts are not needed, and may be removed
	}
	if sel.Selected == 0 {
		return s.fail(ctx, plan, sel)
	}
	written, err := s.writtenParts(ctx, plan, sel, partsPrefix(sel.Run, sel.ID, 0, task.Range/partsBlock))
	if err != nil {
		return err
	}
	if !written[task.Range] {
		if err := s.writePart(ctx, plan, sel, task.Range); err != nil {
			return fmt.Errorf("writing range %d of selection %s of run %s: %w", task.Range, sel.ID, plan.Run, err)
		}
	}
	if next := task.Range + partsWidth; next < len(plan.Ranges) {
		asked, err := bucket.Exists(ctx, s.work, partSentName(sel.Run, sel.ID, next))
		if err != nil {
			return err
		}
		if !asked {
			if err := s.publishPart(ctx, sel, next); err != nil {
				return err
			}
		}
	}
	return s.compose(ctx, plan, sel, task.Range)
}

// writtenParts returns the numbers of the parts below a prefix whose objects all exist.
func (s *Selector) writtenParts(
	ctx context.Context, plan *run.Plan, sel *Selection, prefix string,
) (map[int]bool, error) {
	objects, written := map[int]int{}, map[int]bool{}
	all := len(partKinds(plan))
	for attrs, err := range s.work.List(ctx, prefix, "") {
		if err != nil {
			return nil, fmt.Errorf("listing parts of selection %s: %w", sel.ID, err)
		}
		number, _, _ := strings.Cut(path.Base(attrs.Name), ".")
		r, err := strconv.Atoi(number)
		if err != nil {
			continue
		}
		if objects[r]++; objects[r] == all {
			written[r] = true
		}
	}
	return written, nil
}

// compose composes the block of a range if all parts of the block are written. Then it composes the block of blocks,
// and so on. The last step completes the selection. So each delivery does limited work, for any number of ranges.
func (s *Selector) compose(ctx context.Context, plan *run.Plan, sel *Selection, r int) error {
	number, nodes := r, len(plan.Ranges)
	for level := 0; ; level++ {
		block := number / partsBlock
		first := block * partsBlock
		last := min(first+partsBlock, nodes)
		// List after this delivery has written its part. So if several deliveries write the last parts at the same time, at
		// least one delivery finds all parts.
		written, err := s.writtenParts(ctx, plan, sel, partsPrefix(sel.Run, sel.ID, level, block))
		if err != nil || len(written) < last-first {
			return err
		}
		for _, kind := range partKinds(plan) {
			name := partName(sel.Run, sel.ID, level+1, block, kind)
			if nodes <= partsBlock {
				name = composedName(plan, sel, kind)
			}
			if err := s.concatenate(ctx, sel, level, first, last, kind, name); err != nil {
				return err
			}
		}
		if nodes <= partsBlock {
			if err := s.endSubset(ctx, plan, sel); err != nil {
				return err
			}
			return s.complete(ctx, plan, sel)
		}
		number, nodes = block, (nodes+partsBlock-1)/partsBlock
	}
}

// concatenate composes the parts of a level, from first up to, but not including, end, into an object, unless it
// exists.
func (s *Selector) concatenate(
	ctx context.Context, sel *Selection, level, first, end int, kind, name string,
) error {
	var parts []string
	for number := first; number < end; number++ {
		parts = append(parts, partName(sel.Run, sel.ID, level, number, kind))
	}
	if err := s.work.Compose(ctx, name, parts); err != nil && !errors.Is(err, bucket.ErrExists) {
		return fmt.Errorf("composing %s: %w", name, err)
	}
	return nil
}

// writePart writes the part objects of a range.
func (s *Selector) writePart(ctx context.Context, plan *run.Plan, sel *Selection, r int) error {
	reasons, err := s.reasons(ctx, plan, sel.ID)
	if err != nil {
		return err
	}
	before := 0
	for _, n := range sel.PerRange[:r] {
		before += n
	}
	part := dataset.Part{First: r == 0, Last: r == len(plan.Ranges)-1, Follows: before > 0}
	write := s.writeText
	if _, contained := plan.Container(); contained {
		write = s.writeContained
	}
	rejected := make([]byte, 0, rejectedBytes*(int(plan.RangeSamples(r))-sel.PerRange[r]))
	err = write(ctx, plan, sel, r, part, func(take func(dataset.Record) error) error {
		return s.divide(ctx, plan, sel, r, reasons, take, &rejected)
	})
	if err != nil {
		return err
	}
	name := partName(plan.Run, sel.ID, 0, r, rejectedPart)
	_, err = bucket.CreateBytes(ctx, s.work, name, rejected)
	return err
}

// writeText writes one part of a subset of text. each calls its argument with each record of the part.
func (s *Selector) writeText(
	ctx context.Context, plan *run.Plan, sel *Selection, r int, part dataset.Part,
	each func(func(dataset.Record) error) error,
) error {
	var subset bytes.Buffer
	if samples := plan.RangeSamples(r); samples > 0 { // an estimate from the mean length of a record
		subset.Grow(int((plan.Ranges[r].Span.End - plan.Ranges[r].Span.Start) * int64(sel.PerRange[r]) / samples))
	}
	out := dataset.NewWriter(&subset, plan.Format(), part)
	if err := each(func(record dataset.Record) error { return out.Write(record.Raw) }); err != nil {
		return err
	}
	if err := out.Close(); err != nil {
		return err
	}
	_, err := bucket.CreateBytes(ctx, s.work, partName(plan.Run, sel.ID, 0, r, subsetPart), subset.Bytes())
	return err
}

// divide calls take with the selected records of a range, whose reason is empty. It appends a line for each other
// record to rejected.
func (s *Selector) divide(
	ctx context.Context, plan *run.Plan, sel *Selection, r int, reasons *scores.Reasons, take func(dataset.Record) error,
	rejected *[]byte,
) error {
	report, left, err := s.leftSamples(ctx, plan, sel, r)
	if err != nil {
		return err
	}
	position := 0
	for record, err := range s.runs.RangeRecords(ctx, plan.Run, report) {
		if err != nil {
			return err
		}
		index := plan.Ranges[r].FirstIndex + int64(position)
		if code := reasons.At(int(index)); code == "" {
			err = take(record)
		} else {
			line := left.line(index, position, record.Place, reason.Code(code))
			*rejected, err = line.appendLine(*rejected)
		}
		if err != nil {
			return err
		}
		position++
	}
	return nil
}
