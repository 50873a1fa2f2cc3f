package main

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"

	"github.com/google/renameio/v2"
	"github.com/harvest-ml/harvest/shared/bucket"
	"github.com/harvest-ml/harvest/shared/events"
	"github.com/harvest-ml/harvest/shared/export"
	"github.com/harvest-ml/harvest/shared/memory"
	"github.com/harvest-ml/harvest/shared/run"
	"github.com/harvest-ml/harvest/shared/subset"
)

// An exporter writes the exports that dataset.yaml requests for the selections that serve makes.
type exporter struct {
	input  bucket.Reader
	work   bucket.Bucket
	memory *memory.Budget
	events *events.Feed
	log    *slog.Logger
	// runs and subsets are the readers of serve's system. They are set before the first export.
	runs    *run.Reader
	subsets *subset.Reader
}

// specOf returns the current dataset.yaml of a dataset. It is the zero Spec if the file does not exist or cannot be
// read; such a file starts no run either.
func specOf(ctx context.Context, input bucket.Reader, dataset string) (run.Spec, error) {
	data, err := bucket.ReadWhole(ctx, input, run.DatasetsPrefix+dataset+"/"+run.SpecFile, run.MaxSpecBytes)
	if _, large := errors.AsType[*bucket.TooLargeError](err); large || errors.Is(err, bucket.ErrNotExist) {
		return run.Spec{}, nil
	} else if err != nil {
		return run.Spec{}, err
	}
	spec, err := run.ParseSpec(dataset, data)
	if err != nil {
		return run.Spec{}, nil
	}
	return spec, nil
}

// request returns the export that the current dataset.yaml requests; zero if it requests no export.
func (x *exporter) request(ctx context.Context, dataset string) (export.Request, error) {
	spec, err := specOf(ctx, x.input, dataset)
	if err != nil || spec.Export.IsZero() {
		return export.Request{}, err
	}
	return spec.Export.Complete()
}

// write writes the export of a completed selection to the folder dir, unless dir has it already. Then it publishes an
// event. The event may be published several times, always with the same id. The state folder may be inside dir.
func (x *exporter) write(
	ctx context.Context, request export.Request, sel *subset.Selection, dir, state string,
) error {
	mark := exportMark{sel.Run, sel.ID, request}
	if there, err := mark.isIn(dir); there || err != nil {
		return err
	}
	plan, err := x.runs.Plan(ctx, sel.Run)
	if err != nil {
		return err
	}
	prepare := func() error { return prepareOut(dir, state, nil) }
	unlock, err := lockPrepared(ctx, dir, noteLog{x.log}, prepare)
	if err != nil {
		return err
	}
	defer unlock()
	failed := x.writeNew(ctx, request, sel, plan, dir, prepare)
	if failed != nil {
		_ = os.Remove(dir) // a folder with an earlier export stays
		if !isLoss(failed) {
			return failed
		}
	}
	if err := x.report(ctx, request, sel, dir, failed); err != nil {
		return err
	}
	if failed != nil {
		return failed
	}
	return mark.writeTo(dir)
}

// writeNew writes the export of a selection to a prepared folder.
func (x *exporter) writeNew(
	ctx context.Context, request export.Request, sel *subset.Selection, plan *run.Plan, dir string, prepare func() error,
) error {
	e := newTrainerExport(request, x.runs, x.subsets, plan, sel, imagesPlace{x.input, plan.Images})
	e.memory, e.notes, e.prepare = x.memory, noteLog{x.log}, prepare
	tally, err := e.write(ctx, dir)
	if err == nil && tally.replaced > 0 {
		x.log.Warn("the export has images that have changed since they were rated", "dataset", sel.Dataset,
			"samples", tally.replaced, "such as", tally.example)
	}
	return err
}

// report records the result of an export for the run's status, and then publishes an event. The event may be published
// several times, always with the same id. failed is the error if the export cannot be written; else nil.
func (x *exporter) report(
	ctx context.Context, request export.Request, sel *subset.Selection, dir string, failed error,
) error {
	now := subset.Exported{For: request.For}
	folder := sha256.Sum256([]byte(dir))
	event := events.Event{
		Type: events.SelectionExported, Run: sel.Run,
		ID: fmt.Sprintf("%s/%s/%s/%x", sel.Run, sel.ID, request.For, folder[:4]),
		Data: events.SelectionExportedEvent{
			Run: sel.Run, Dataset: sel.Dataset, Selection: sel.ID, For: request.For, Folder: dir,
		},
	}
	if failed != nil {
		now.Problem = failed.Error()
		event.Type, event.ID = events.SelectionExportFailed, event.ID+"/failed"
		event.Data = events.SelectionExportFailedEvent{
			Run: sel.Run, Dataset: sel.Dataset, Selection: sel.ID, For: request.For, Problem: now.Problem,
		}
		announced := now
		announced.Announced = true
		if known, err := subset.IsExported(ctx, x.work, sel.Run, sel.ID, announced); known || err != nil {
			return err // an earlier process of serve published the event
		}
	}
	if err := x.keep(ctx, sel, now); err != nil {
		return err
	}
	if err := x.events.Publish(ctx, event); err != nil || failed == nil {
		return err
	}
	now.Announced = true
	return x.keep(ctx, sel, now)
}

func (x *exporter) keep(ctx context.Context, sel *subset.Selection, outcome subset.Exported) error {
	if err := subset.KeepExported(ctx, x.work, sel.Run, sel.ID, outcome); err != nil {
		return fmt.Errorf("recording the result of an export: %w", err)
	}
	return nil
}

// exportMarkFile is the file in an export's folder that names the exported selection. It is written last, after serve
// has published the event. No trainer reads it as data.
const exportMarkFile = ".export.json"

// An exportMark is the content of exportMarkFile: the selection and the request of a complete export.
type exportMark struct {
	Run       string         `json:"run"`
	Selection string         `json:"selection"`
	Request   export.Request `json:"request"`
}

// isIn reports whether a folder contains exactly this mark.
func (m exportMark) isIn(dir string) (bool, error) {
	there, err := os.ReadFile(filepath.Join(dir, exportMarkFile))
	if errors.Is(err, os.ErrNotExist) {
		return false, nil
	} else if err != nil {
		return false, bucket.MachineFault(dir, err)
	}
	own, err := json.Marshal(m)
	return string(there) == string(own), err
}

// holdsExport reports whether a folder has a complete export.
func holdsExport(dir string) bool {
	_, err := os.Stat(filepath.Join(dir, exportMarkFile))
	return err == nil
}

// replaceExport removes the mark of a complete export from a folder, because a selection replaces the export. It says
// so in notes. If the folder has no such mark, it does nothing.
func replaceExport(dir string, notes io.Writer) error {
	if holdsExport(dir) {
		fmt.Fprintf(notes, "harvest: the selection replaces the export in %s\n", dir)
	}
	return removeFile(filepath.Join(dir, exportMarkFile))
}

// writeTo writes the mark into a folder.
func (m exportMark) writeTo(dir string) error {
	own, err := json.Marshal(m)
	if err == nil {
		err = renameio.WriteFile(filepath.Join(dir, exportMarkFile), own, 0o644)
	}
	if err != nil {
		return fmt.Errorf("marking an export as complete: %w", err)
	}
	return nil
}
