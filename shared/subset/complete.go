package subset

import (
	"context"
	"fmt"
	"hash/crc32"
	"io"
	"time"

	"github.com/harvest-ml/harvest/shared/bucket"
	"github.com/harvest-ml/harvest/shared/events"
	"github.com/harvest-ml/harvest/shared/run"
)

// A completed is the content of a selection's object `completed`: the outputs, and the checksums that they had when
// they were written.
type completed struct {
	Outputs
	// Checksums are the CRC-32C (Castagnoli) of all outputs except selection.json, by the names of the objects.
	Checksums map[string]uint32 `json:"checksums,omitempty"`
}

// castagnoli is the polynomial of a bucket's checksums.
var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// CopyOutput copies an output of a completed selection to w. The error is a *bucket.LostError if the output is missing,
// or has changed since the selection was completed. If an older version completed the selection, changes cannot be
// detected, because it recorded no checksums.
func (r *Reader) CopyOutput(ctx context.Context, sel *Selection, object string, w io.Writer) error {
	var then completed
	if err := bucket.ReadJSON(ctx, r.work, completedName(sel.Run, sel.ID), &then); err != nil {
		return r.lost(sel.Run, sel.ID, err)
	}
	body, err := r.work.Open(ctx, object, 0, 0, -1)
	if err != nil {
		return r.lost(sel.Run, sel.ID, err)
	}
	defer body.Close()
	sum := crc32.New(castagnoli)
	if _, err := io.Copy(io.MultiWriter(w, sum), body); err != nil {
		return err
	}
	if written, known := then.Checksums[object]; known && sum.Sum32() != written {
		return r.lost(sel.Run, sel.ID, fmt.Errorf("reading %s: %w: its checksum is %08x, and was %08x when it was written",
			object, bucket.ErrDamaged, sum.Sum32(), written))
	}
	return nil
}

// CheckOutput returns the error that CopyOutput would return. It does not read an object of more than most bytes, and
// returns nil for it.
func (r *Reader) CheckOutput(ctx context.Context, sel *Selection, object string, most int64) error {
	attrs, err := r.work.Stat(ctx, object)
	if err != nil {
		return r.lost(sel.Run, sel.ID, err)
	}
	if attrs.Size > most {
		return nil
	}
	return r.CopyOutput(ctx, sel, object, io.Discard)
}

// A Reporter writes the report of a selection, a page for people, after the other outputs. Equal selections have equal
// reports. *report.Writer implements it.
type Reporter interface {
	WriteReport(ctx context.Context, w io.Writer, subsets *Reader, sel *Selection) error
}

// writeReport writes the report of a selection, unless it exists.
func (s *Selector) writeReport(ctx context.Context, sel *Selection) error {
	if there, err := bucket.Exists(ctx, s.work, sel.Outputs.Report); there || err != nil {
		return err
	}
	_, err := bucket.CreateOnce(ctx, s.work, sel.Outputs.Report, func(w io.Writer) error {
		return s.reports.WriteReport(ctx, w, s.Reader, sel)
	})
	return err
}

// complete completes a selection whose other outputs are written. It writes the report, marks the selection as
// completed, and publishes its event. The event is published at least once, always with the same id.
func (s *Selector) complete(ctx context.Context, plan *run.Plan, sel *Selection) error {
	if sent, err := bucket.Exists(ctx, s.work, completedSentName(plan.Run, sel.ID)); err != nil {
		return err
	} else if sent {
		return s.announceAutomatic(ctx, plan, sel)
	}
	if err := s.writeReport(ctx, sel); err != nil {
		return err
	}
	completed := completed{Outputs: sel.Outputs, Checksums: map[string]uint32{}}
	for _, output := range sel.Outputs.Named() {
		if output.Object == "" || output.Object == sel.Outputs.Selection {
			continue
		}
		sum, err := s.work.Checksum(ctx, output.Object)
		if err != nil {
			return s.lost(plan.Run, sel.ID, fmt.Errorf("reading %s: %w", output.Object, err))
		}
		completed.Checksums[output.Object] = sum
	}
	if _, err := bucket.CreateJSON(ctx, s.work, completedName(plan.Run, sel.ID), completed); err != nil {
		return err
	}
	if err := s.announce(ctx, plan, sel); err != nil {
		return err
	}
	if _, err := bucket.CreateJSON(ctx, s.work, completedSentName(plan.Run, sel.ID), sel.Outputs); err != nil {
		return err
	}
	bucket.RemoveTemporary(ctx, s.work, temporaryPrefix(plan.Run, sel.ID))
	return s.announceAutomatic(ctx, plan, sel)
}

// announce publishes the event of a completed selection.
func (s *Selector) announce(ctx context.Context, plan *run.Plan, sel *Selection) error {
	var written completed
	err := bucket.ReadJSON(ctx, s.work, completedName(plan.Run, sel.ID), &written)
	if err != nil {
		return s.lost(plan.Run, sel.ID, err)
	}
	data := s.selectionEvent(plan, sel)
	if data.Automatic, err = bucket.Exists(ctx, s.work, automaticName(plan.Run, sel.ID)); err != nil {
		return err
	}
	data.Images, data.Outputs = s.events.Images(plan.Dataset), map[string]events.Object{}
	for _, output := range sel.Outputs.Named() {
		name := output.Object
		if name == "" || name == sel.Outputs.Near || name == sel.Outputs.Clusters {
			continue // the event's schema has no such output
		}
		attrs, err := s.work.Stat(ctx, name)
		if err != nil {
			return s.lost(plan.Run, sel.ID, fmt.Errorf("reading %s: %w", name, err))
		}
		sum, known := written.Checksums[name]
		if !known {
			if sum, err = s.work.Checksum(ctx, name); err != nil {
				return s.lost(plan.Run, sel.ID, fmt.Errorf("reading %s: %w", name, err))
			}
		}
		data.Outputs[output.Name] = s.events.Object(attrs, sum)
	}
	if err := s.events.Publish(ctx, announced(events.SelectionCompleted, data)); err != nil || !data.Automatic {
		return err
	}
	_, err = bucket.CreateJSON(ctx, s.work, automaticSentName(plan.Run, sel.ID), struct{}{})
	return err
}

// selectionEvent returns the fields that all events of a selection have.
func (s *Selector) selectionEvent(plan *run.Plan, sel *Selection) events.SelectionEvent {
	return events.SelectionEvent{
		Run: plan.Run, Dataset: plan.Dataset, Selection: sel.ID, Selected: sel.Selected, Shortfall: sel.Shortfall,
		Scorer: plan.ScorerID, Parameters: sel.Parameters, API: s.events.SelectionAddress(plan.Run, sel.ID),
	}
}

// announced returns the event of a selection.
func announced(kind string, data events.SelectionEvent) events.Event {
	return events.Event{Type: kind, ID: data.Run + "/" + data.Selection, Run: data.Run, Data: data}
}

// linkTime is the time for which a link to an output is valid.
const linkTime = 15 * time.Minute

// LinkOutput returns a URL of the storage for downloading an output of a selection; file is the name of the downloaded
// file. The URL is empty if the work bucket cannot make one. Then use CopyOutput.
func (r *Reader) LinkOutput(ctx context.Context, object, file string) (string, error) {
	return bucket.Link(ctx, r.work, object, file, linkTime)
}
