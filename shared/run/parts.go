package run

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"

	"github.com/harvest-ml/harvest/shared/bucket"
	"github.com/harvest-ml/harvest/shared/dataset"
	"github.com/harvest-ml/harvest/shared/events"
	"github.com/harvest-ml/harvest/shared/scorer"
	"github.com/harvest-ml/harvest/shared/scores"
)

// partObjects is how many objects a range contributes to a selection: its subset and its rejected samples.
const partObjects = 2

// A Rejected line of rejected.jsonl says why a sample is not in the subset.
type Rejected struct {
	ID     string        `json:"id"`
	Index  int64         `json:"index"` // idx in the dataset, from 0
	Status scores.Status `json:"status"`
	Reason string        `json:"reason"`
	// Place says where a sample stands that was not scored, for whoever mends it.
	Place *dataset.Place `json:"place,omitempty"`
}

// Reasons why a scored sample is not in a subset, beside NoKnownStyle.
const (
	NoRating       = "no rating: the scorer rated it for none of the capabilities asked for"
	BelowThreshold = "below threshold: no rating exceeds it"
	Outranked      = "outranked: others of its styles and source were picked before it"
)

// WritePart writes what a selection takes and leaves of one range, and completes the selection with the last part.
func (s *Store) WritePart(ctx context.Context, task events.PartTask) error {
	plan, err := s.Plan(ctx, task.Run)
	if errors.Is(err, ErrNoRun) {
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
	written, err := s.writtenParts(ctx, plan, sel.ID)
	if err != nil {
		return err
	}
	if written[task.Range] < partObjects {
		if err := s.writePart(ctx, plan, sel, task.Range); err != nil {
			return fmt.Errorf("writing range %d of selection %s of run %s: %w", task.Range, sel.ID, plan.Run, err)
		}
		// Listed again now that the own part is there: of the deliveries that write the last parts at the same time, one sees all.
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
func (s *Store) writtenParts(ctx context.Context, plan *Plan, id string) ([]int, error) {
	written := make([]int, len(plan.Ranges))
	for attrs, err := range s.Work.List(ctx, partsPrefix(plan.Run, id), "") {
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

func (s *Store) writePart(ctx context.Context, plan *Plan, sel *Selection, r int) error {
	report, err := s.rangeReport(ctx, plan.Run, r)
	if err != nil {
		return err
	}
	table, err := s.readScores(ctx, rangeScoresName(plan.Run, r))
	if err != nil {
		return err
	}
	picked, err := s.pickedIn(ctx, plan, sel, r)
	if err != nil {
		return err
	}
	before := 0
	for _, n := range sel.PerRange[:r] {
		before += n
	}
	var subset, rejected bytes.Buffer
	out := dataset.NewWriter(&subset, plan.Format(), dataset.Part{First: r == 0, Last: r == len(plan.Ranges)-1, Follows: before > 0})
	lines := json.NewEncoder(&rejected)
	lines.SetEscapeHTML(false)
	position := 0
	for shard := range report.Shards {
		samples, err := s.readShard(ctx, plan.Run, r, shard)
		if err != nil {
			return err
		}
		for i := range samples {
			if picked[position] {
				err = out.Write(samples[i].Raw)
			} else {
				rec := table.Records[position]
				line := Rejected{
					ID: rec.ID, Index: plan.Ranges[r].FirstIndex + int64(position),
					Status: rec.Status, Reason: rejection(plan, sel.Parameters, rec),
				}
				if rec.Status != scores.OK {
					line.Place = &samples[i].Place
				}
				err = lines.Encode(line)
			}
			if err != nil {
				return err
			}
			position++
		}
	}
	if err := out.Close(); err != nil {
		return err
	}
	for name, part := range map[string]*bytes.Buffer{
		subsetPartName(plan.Run, sel.ID, r): &subset, rejectedPartName(plan.Run, sel.ID, r): &rejected,
	} {
		_, err := s.create(ctx, name, func(w io.Writer) error {
			_, err := io.Copy(w, bytes.NewReader(part.Bytes()))
			return err
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// rejection says why a sample was not picked.
func rejection(plan *Plan, params Parameters, rec scores.Record) string {
	if rec.Reason != "" {
		return rec.Reason
	}
	rated := false
	for _, name := range params.Capabilities {
		rating := rec.Ratings[slices.Index(plan.Rubric.Capabilities, name)]
		if rating == scorer.Missing {
			continue
		}
		if rated = true; int(rating) > params.Threshold {
			return Outranked
		}
	}
	if !rated {
		return NoRating
	}
	return fmt.Sprintf("%s (%d)", BelowThreshold, params.Threshold)
}

// picks are the positions of a selection's samples, by range.
type picks struct{ byRange []map[int]bool }

// pickedIn are the positions of the selected samples of a range.
func (s *Store) pickedIn(ctx context.Context, plan *Plan, sel *Selection, r int) (map[int]bool, error) {
	name := picksName(plan.Run, sel.ID)
	p, err := s.picks.get(name, func() (*picks, error) {
		data, err := s.read(ctx, name)
		if err != nil {
			return nil, err
		}
		rows, err := scores.ReadPicks(newReaderAt(data), int64(len(data)))
		if err != nil {
			return nil, fmt.Errorf("reading %s: %w", name, err)
		}
		p := &picks{byRange: make([]map[int]bool, len(plan.Ranges))}
		for i, n := range sel.PerRange {
			p.byRange[i] = make(map[int]bool, n)
		}
		for _, row := range rows {
			p.byRange[row.Range][row.Position] = true
		}
		return p, nil
	})
	if err != nil {
		return nil, err
	}
	return p.byRange[r], nil
}

// complete composes a selection's parts, marks it as completed, and publishes its event, at least
// once and always with one id.
func (s *Store) complete(ctx context.Context, plan *Plan, sel *Selection) error {
	if sent, err := s.exists(ctx, completedSentName(plan.Run, sel.ID)); sent || err != nil {
		return err
	}
	var subset, rejected []string
	for r := range plan.Ranges {
		subset = append(subset, subsetPartName(plan.Run, sel.ID, r))
		rejected = append(rejected, rejectedPartName(plan.Run, sel.ID, r))
	}
	if err := s.compose(ctx, sel.Outputs.Subset, subset); err != nil {
		return err
	}
	if err := s.compose(ctx, sel.Outputs.Rejected, rejected); err != nil {
		return err
	}
	if _, err := s.createJSON(ctx, completedName(plan.Run, sel.ID), sel.Outputs); err != nil {
		return err
	}
	event, err := events.CloudEvent(events.SelectionCompleted, plan.Run+"/"+sel.ID, plan.Run, s.Now(), events.SelectionCompletedEvent{
		Run: plan.Run, Dataset: plan.Dataset, Selection: sel.ID, Selected: sel.Selected,
		Outputs: map[string]string{
			"subset": sel.Outputs.Subset, "rejected": sel.Outputs.Rejected,
			"picks": sel.Outputs.Picks, "selection": sel.Outputs.Selection,
		},
	})
	if err != nil {
		return err
	}
	if err := s.Events.Publish(ctx, event); err != nil {
		return err
	}
	_, err = s.createJSON(ctx, completedSentName(plan.Run, sel.ID), sel.Outputs)
	return err
}

func (s *Store) compose(ctx context.Context, name string, parts []string) error {
	if err := s.Work.Compose(ctx, name, parts); err != nil && !errors.Is(err, bucket.ErrExists) {
		return fmt.Errorf("composing %s: %w", name, err)
	}
	return nil
}

// Completed tells whether all outputs of a selection are written.
func (s *Store) Completed(ctx context.Context, run, id string) (bool, error) {
	return s.exists(ctx, completedName(run, id))
}
