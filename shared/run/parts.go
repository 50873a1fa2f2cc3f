package run

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"

	"github.com/harvest-ml/harvest/shared/bucket"
	"github.com/harvest-ml/harvest/shared/dataset"
	"github.com/harvest-ml/harvest/shared/events"
	"github.com/harvest-ml/harvest/shared/scores"
	"github.com/harvest-ml/harvest/shared/selection"
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
	reasons, err := s.reasons(ctx, plan.Run, sel.ID)
	if err != nil {
		return err
	}
	if int64(len(reasons)) != plan.Samples {
		return fmt.Errorf("%s has %d samples, and the plan %d", reasonsName(plan.Run, sel.ID), len(reasons), plan.Samples)
	}
	reasons = reasons[plan.Ranges[r].FirstIndex:]
	before := 0
	for _, n := range sel.PerRange[:r] {
		before += n
	}
	var subset, rejected bytes.Buffer
	out := dataset.NewWriter(&subset, plan.Format(), dataset.Segment{
		First: r == 0, Last: r == len(plan.Ranges)-1, Follows: before > 0,
	})
	lines := json.NewEncoder(&rejected)
	lines.SetEscapeHTML(false)
	position := 0
	for shard := range report.Shards {
		samples, err := s.readShard(ctx, plan.Run, r, shard)
		if err != nil {
			return err
		}
		for i := range samples {
			if reasons[position] == "" {
				err = out.Write(samples[i].Raw)
			} else {
				rec := table.Records[position]
				line := Rejected{
					ID: rec.ID, Index: plan.Ranges[r].FirstIndex + int64(position),
					Status: rec.Status, Reason: rejection(rec, reasons[position]),
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

// Outranked is the reason of most samples that are not in a subset.
const Outranked = "outranked: other samples took the budget first, by the turns of capabilities, the sizes of bins, and rank"

// rejections word why a scored sample is not in a subset, the kind of reason first.
var rejections = map[selection.Reason]string{
	selection.ReasonStyle:     "filtered: by its styles",
	selection.ReasonSource:    "filtered: by its source",
	selection.ReasonDuplicate: "duplicate: another sample has the same texts and images",
	selection.ReasonExclude:   "excluded: by its id",
	selection.ReasonNoStyle:   NoKnownStyle,
	selection.ReasonUnrated:   "no rating: the scorer rated it for none of the capabilities asked for",
	selection.ReasonThreshold: "below threshold: no rating exceeds that of its capability",
	selection.ReasonSourceCap: "capped: its source is at its cap",
	selection.ReasonStyleCap:  "capped: one of its styles is at its cap",
	selection.ReasonImageCap:  "capped: one of its images is at its cap",
	selection.ReasonTokens:    "too long: it has more tokens than remained",
	selection.ReasonRank:      Outranked,
}

// rejection says why a sample was not picked: what kept it from being scored, or out of this selection.
func rejection(rec scores.Record, reason string) string {
	if rec.Reason != "" {
		return rec.Reason
	}
	return rejections[selection.Reason(reason)]
}

// reasons are why samples are not in a selection, in the order of the dataset; empty for those that are.
func (s *Store) reasons(ctx context.Context, run, id string) ([]string, error) {
	name := reasonsName(run, id)
	return s.rejected.get(name, func() ([]string, error) {
		data, err := s.read(ctx, name)
		if err != nil {
			return nil, err
		}
		reasons, err := scores.ReadReasons(newReaderAt(data), int64(len(data)))
		if err != nil {
			return nil, fmt.Errorf("reading %s: %w", name, err)
		}
		return reasons, nil
	})
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
