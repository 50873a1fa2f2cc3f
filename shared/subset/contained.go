package subset

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/harvest-ml/harvest/shared/bucket"
	"github.com/harvest-ml/harvest/shared/dataset"
	"github.com/harvest-ml/harvest/shared/run"
)

// A subset of containers consists of copied parts and an end. The end is made from the notes of all parts. A subset of
// text has no end.

// partKinds returns the kinds of parts of the selections of a run.
func partKinds(plan *run.Plan) []string {
	if _, contained := plan.Container(); contained {
		return []string{subsetPart, rejectedPart, notesPart}
	}
	return []string{subsetPart, rejectedPart}
}

// writeContained writes one part of a subset of containers, and the notes about this part.
func (s *Selector) writeContained(
	ctx context.Context, plan *run.Plan, sel *Selection, r int, part dataset.Part,
	each func(func(dataset.Record) error) error,
) error {
	var taken []dataset.Record
	err := each(func(record dataset.Record) error {
		taken = append(taken, dataset.Record{Place: record.Place, Stored: record.Stored})
		return nil
	})
	if err != nil {
		return err
	}
	m := plan.Manifests[plan.Ranges[r].Manifest]
	kind, _ := plan.Container()
	var notes []byte
	noted := false
	write := func(w io.Writer) (err error) {
		notes, err = kind.Part(ctx, w, s.texts.Source(m), taken, part)
		noted = err == nil
		if errors.Is(err, bucket.ErrNotExist) {
			err = s.runs.Lost(plan.Run, fmt.Errorf(
				"manifest %s (generation %d), the source of the subset: %w", m.Name, m.Generation, err))
		}
		return err
	}
	name := partName(plan.Run, sel.ID, 0, r, subsetPart)
	if _, err := bucket.CreateOnce(ctx, s.work, name, write); err != nil {
		return err
	}
	if !noted { // another delivery wrote the part, and may have been killed before it wrote the notes
		if err := write(io.Discard); err != nil {
			return err
		}
	}
	_, err = bucket.CreateBytes(ctx, s.work, partName(plan.Run, sel.ID, 0, r, notesPart), notes)
	return err
}

// composedName returns the name of the object that is composed of all parts of a kind.
func composedName(plan *run.Plan, sel *Selection, kind string) string {
	_, contained := plan.Container()
	switch {
	case kind == rejectedPart:
		return sel.Outputs.Rejected
	case contained:
		return wholeName(sel.Run, sel.ID, kind)
	default:
		return sel.Outputs.Subset
	}
}

// endSubset composes the subset of containers from its parts and its end.
func (s *Selector) endSubset(ctx context.Context, plan *run.Plan, sel *Selection) error {
	kind, contained := plan.Container()
	if !contained {
		return nil
	}
	notes, err := bucket.ReadAll(ctx, s.work, wholeName(sel.Run, sel.ID, notesPart))
	if err != nil {
		return err
	}
	_, err = bucket.CreateOnce(ctx, s.work, endName(sel.Run, sel.ID), func(w io.Writer) error {
		return kind.End(w, bytes.NewReader(notes))
	})
	if err != nil {
		return err
	}
	parts := []string{wholeName(sel.Run, sel.ID, subsetPart), endName(sel.Run, sel.ID)}
	if err := s.work.Compose(ctx, sel.Outputs.Subset, parts); err != nil && !errors.Is(err, bucket.ErrExists) {
		return fmt.Errorf("composing %s: %w", sel.Outputs.Subset, err)
	}
	return nil
}
