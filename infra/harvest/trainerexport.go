package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/harvest-ml/harvest/shared/dataset"
	"github.com/harvest-ml/harvest/shared/dataset/container/hfparquet/table"
	"github.com/harvest-ml/harvest/shared/export"
	"github.com/harvest-ml/harvest/shared/run"
	"github.com/harvest-ml/harvest/shared/subset"
	"github.com/harvest-ml/harvest/shared/telemetry"
)

// A trainerExport is a subset in the form of a trainer, in a folder that the trainer can use directly.
type trainerExport struct {
	outputFolder
	request export.Request // request with all defaults set
	runs    *run.Reader
	plan    *run.Plan
	shards  shardLimits
}

// newTrainerExport returns the export of a completed selection. place is the place of the dataset's images.
func newTrainerExport(
	request export.Request, runs *run.Reader, subsets *subset.Reader, plan *run.Plan, sel *subset.Selection,
	place imagesPlace,
) trainerExport {
	return trainerExport{
		outputFolder: outputFolder{
			subsets: subsets, selection: sel, place: place, format: request.Form(), trainer: request.For,
		},
		request: request, runs: runs, plan: plan, shards: shardLimits{samples: 10_000, bytes: 1 << 30},
	}
}

// write writes the export to a folder that lockPrepared has locked and prepared. It replaces an existing export. Each
// file is complete or does not exist, and the card is written last. After a kill, the same command completes the
// folder. The caller marks the export as complete.
func (e trainerExport) write(ctx context.Context, dir string) (*exportTally, error) {
	scratch, remove, err := makeScratch(dir)
	if err != nil {
		return nil, err
	}
	defer remove()
	tally, err := e.build(ctx, scratch)
	if err != nil {
		return nil, writingFault("the export", dir, err)
	}
	if err := e.prepare(); err != nil { // another program may have written to the folder in the meantime
		return nil, err
	}
	if holdsSelection(dir) || holdsNested(dir) {
		fmt.Fprintf(e.notes, "harvest: the export replaces the selection in %s\n", dir)
	}
	if err := installExport(ctx, filepath.Join(scratch, exportFolder), dir, e.notes); err != nil {
		return nil, writingFault("the export", dir, err)
	}
	return tally, nil
}

// exportFolder is the subfolder of the temporary folder in which an export is made.
const exportFolder = "export"

// build makes the whole export below scratch.
func (e trainerExport) build(ctx context.Context, scratch string) (*exportTally, error) {
	object := e.selection.Outputs.Subset
	stored, to := filepath.Join(scratch, filepath.Base(object)), filepath.Join(scratch, exportFolder)
	err := writeScratch(stored, func(w io.Writer) error { return e.subsets.CopyOutput(ctx, e.selection, object, w) })
	if err == nil {
		err = makeOut(to)
	}
	if err != nil {
		return nil, err
	}
	tally := newExportTally(e.request.Licences)
	if err := e.writeRecords(ctx, stored, to, tally); err != nil {
		return nil, err
	}
	if err := e.compareImages(ctx, tally); err != nil {
		return nil, err
	}
	files, err := e.request.Files(e.selection.Dataset)
	if err != nil {
		return nil, err
	}
	for _, file := range files {
		if err := os.WriteFile(filepath.Join(to, file.Name), file.Content, 0o644); err != nil {
			return nil, err
		}
	}
	card, err := e.card(ctx, tally)
	if err != nil {
		return nil, err
	}
	return tally, writeWhole(filepath.Join(to, export.CardFile), card.Write)
}

// compareImages counts the samples with an image that has changed since they were rated.
func (e trainerExport) compareImages(ctx context.Context, tally *exportTally) error {
	if e.place.from == nil { // the manifest itself holds the images
		return nil
	}
	limits, err := limits(ctx)
	if err != nil {
		return err
	}
	fetcher, err := e.place.open(limits.Images)
	if err != nil {
		return err
	}
	reasons, err := e.subsets.Reasons(ctx, e.plan.Run, e.selection.ID)
	if err != nil {
		return err
	}
	tally.replaced, tally.example, err = e.runs.ReplacedImages(ctx, e.plan, fetcher, e.selection.PerRange,
		func(index int) bool { return reasons.At(index) == "" })
	return err
}

// writeRecords writes the records of the stored subset, and their images, to a folder.
func (e trainerExport) writeRecords(ctx context.Context, stored, to string, tally *exportTally) error {
	if e.request.For == export.WebDataset {
		shards := newTarShards(to, e.shards)
		defer shards.abandon()
		return e.convertTo(ctx, tally.counting(shards), stored)
	}
	file := filepath.Join(to, filepath.FromSlash(e.request.Records()))
	if err := makeOut(filepath.Dir(file)); err != nil {
		return err
	}
	return writeScratch(file, func(w io.Writer) error {
		if e.request.InParquet() {
			rows, err := e.newParquetSubset(ctx, w, stored)
			if err != nil {
				return err
			}
			return e.convertTo(ctx, tally.counting(rows), stored)
		}
		images, err := e.placement(ctx, to)
		if err != nil {
			return err
		}
		var records conversion = &folderSubset{
			records: dataset.NewWriter(w, e.request.Format(), dataset.Part{First: true, Last: true}), images: images, to: to,
		}
		if e.request.Columns() {
			records = singleTypeConversion{records, table.NewColumns("")}
		}
		return e.convertTo(ctx, tally.counting(records), stored)
	})
}

// A singleTypeConversion refuses a field that has two types, because the trainer's loader cannot read such a field.
type singleTypeConversion struct {
	conversion
	columns *table.Columns
}

func (o singleTypeConversion) write(record []byte, s *dataset.Sample, images [][]byte) error {
	if err := o.columns.Add(record); err != nil {
		return err
	}
	return o.conversion.write(record, s, images)
}

// card returns the card of the export, with the counts of tally.
func (e trainerExport) card(ctx context.Context, tally *exportTally) (export.Card, error) {
	sel := e.selection
	status, err := e.runs.Status(ctx, sel.Run)
	if err != nil {
		return export.Card{}, err
	}
	request := sel.Parameters.AsRequest(sel.Summary.Capabilities())
	parameters, err := json.Marshal(request)
	if err != nil {
		return export.Card{}, err
	}
	card := export.Card{
		Request: e.request, Dataset: sel.Dataset, Run: sel.Run, Selection: sel.ID,
		Selected: sel.Selected, Total: sel.Total, Shortfall: sel.Shortfall,
		Replaced: tally.replaced, ReplacedImage: tally.example,
		ImageCount: tally.images, ImageFiles: len(tally.seen), ImageBytes: tally.bytes,
		Sources: tally.sources(), Parameters: parameters,
		Scorer: e.plan.Scorer, ScorerID: sel.ScorerID, Rubric: sel.Rubric, Algorithm: sel.Algorithm,
		Program: telemetry.ReadBuild().String(), Layout: e.plan.Layout, Reading: e.plan.Reading,
	}
	for _, m := range sel.Manifests {
		card.Manifests = append(card.Manifests, export.Manifest{
			Name: m.Name, Bytes: m.Size, CRC32C: m.CRC32C, Selected: m.Selected,
		})
	}
	card.Commands = []string{
		anotherSelection("", sel.Run, status.NeededAllowance()) + " " + flagsOf(request),
		command("export-subset", "", sel.Run) + " " + sel.ID + " --for " + e.request.For + " --images " +
			string(e.request.Images) + " --out DIR",
	}
	return card, nil
}

// installExport moves the entries of the folder from into dir, where they replace an earlier export. It moves the card
// last.
func installExport(ctx context.Context, from, dir string, notes io.Writer) error {
	entries, err := os.ReadDir(from)
	if err != nil {
		return err
	}
	var names []string
	for _, entry := range entries {
		if entry.IsDir() {
			if err := listFiles(filepath.Join(from, entry.Name())); err != nil {
				return err
			}
		}
		names = append(names, entry.Name())
	}
	if err := announce(dir, names); err != nil {
		return err
	}
	if err := keepOnly(ctx, dir, nil, notes); err != nil { // files of an earlier export, or of a killed command
		return err
	}
	if err := announce(dir, names); err != nil {
		return err
	}
	for _, entry := range entries {
		if entry.Name() == export.CardFile {
			continue
		}
		if err := os.Rename(filepath.Join(from, entry.Name()), filepath.Join(dir, entry.Name())); err != nil {
			return err
		}
	}
	return os.Rename(filepath.Join(from, export.CardFile), filepath.Join(dir, export.CardFile))
}

// listFiles records all files of a folder as files of this program.
func listFiles(dir string) error {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return err
	}
	own := map[string]bool{}
	for _, entry := range entries {
		if !ignored(entry.Name()) {
			own[entry.Name()] = true
		}
	}
	return listOwn(dir, own)
}
