package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/harvest-ml/harvest/shared/bucket"
	"github.com/harvest-ml/harvest/shared/run"
	"github.com/harvest-ml/harvest/shared/selection"
	"github.com/harvest-ml/harvest/shared/subset"
)

// A subsetFolder writes the subset of every uploaded dataset to a folder with the dataset's name. Its work depends only
// on the buckets, so after a kill the next serve continues.
type subsetFolder struct {
	dir     string           // absolute
	state   string           // the state folder, which may be inside dir
	budget  selection.Budget // for datasets without a budget of their own; zero if there is no default
	exports *exporter
	log     *slog.Logger
	// settled has the decisions of the datasets whose folders are up to date.
	settled map[string]decision
	// warned has the decisions of the datasets for which warnOfBudget gave a warning.
	warned map[string]decision
}

// A decision holds the changing facts that determine the subset in a dataset's folder.
type decision struct {
	selections int // number of automatic selections of the dataset
	latest     subset.Automatic
	spec       bucket.Attrs // of dataset.yaml; zero if the file does not exist
}

// newSubsetFolder prepares the folder dir. It refuses a folder inside the datasets, because a subset there would start
// a run.
func newSubsetFolder(
	dir, input, state string, budget selection.Budget, exports *exporter, log *slog.Logger,
) (*subsetFolder, error) {
	abs, err := filepath.Abs(dir)
	if err != nil {
		return nil, fmt.Errorf("--out %s: %w", dir, err)
	}
	if !strings.HasPrefix(input, "gs://") {
		switch {
		case isBelow(abs, filepath.Join(input, "datasets")):
			return nil, usageError{fmt.Errorf("--out %s: it is inside the datasets of --input, where a subset would start a "+
				"run; give a folder elsewhere", dir)}
		case isBelow(abs, filepath.Join(input, "images")) || sameFile(abs, input):
			return nil, usageError{fmt.Errorf("--out %s: users upload datasets and images there, and a subset could replace "+
				"them; give a folder elsewhere", dir)}
		}
	}
	return &subsetFolder{
		dir: abs, state: state, budget: budget, exports: exports, log: log, settled: map[string]decision{},
		warned: map[string]decision{},
	}, prepareOut(dir, state, nil)
}

// update writes the subsets that do not exist yet. If one dataset fails, the others are still written. It reads
// selections only for datasets whose decision has changed.
func (f *subsetFolder) update(ctx context.Context) error {
	made, err := f.exports.subsets.Automatic(ctx)
	if err != nil {
		return err
	}
	byDataset := map[string][]subset.Automatic{} // the latest first
	for _, one := range slices.Backward(made) {
		dataset := run.DatasetOf(one.Run)
		byDataset[dataset] = append(byDataset[dataset], one)
	}
	for dataset, selections := range byDataset {
		now := decision{selections: len(selections), latest: selections[0]}
		now.spec, err = f.exports.input.Stat(ctx, run.DatasetsPrefix+dataset+"/"+run.SpecFile)
		settled := false
		if err == nil || errors.Is(err, bucket.ErrNotExist) {
			settled, err = f.updateDataset(ctx, dataset, selections, now)
		}
		if _, machine := errors.AsType[*bucket.MachineError](err); machine {
			return err
		}
		if err != nil && ctx.Err() == nil {
			f.log.Warn("the subset was not written; serve tries again", "dataset", dataset, "folder", f.dir, "error", err)
		}
		if settled {
			f.settled[dataset] = now
		}
	}
	return ctx.Err()
}

// updateDataset writes the latest selection of a dataset at the budget of dataset.yaml, else at the budget of the
// command. If there is no such selection and dataset.yaml names no budget, it writes the latest selection that an API
// call requested. It reports whether the folder is up to date. Such a folder is checked again only after the decision
// has changed. A folder is not up to date while its selection is not completed.
func (f *subsetFolder) updateDataset(
	ctx context.Context, dataset string, selections []subset.Automatic, now decision,
) (settled bool, err error) {
	dir := filepath.Join(f.dir, dataset)
	if _, err := os.Stat(filepath.Join(dir, selectionFile)); err == nil && f.settled[dataset] == now {
		return true, nil
	}
	budget, own, err := f.budgetOf(ctx, dataset)
	if err != nil {
		return false, err
	}
	pending := false
	var called *subset.Selection // the latest selection of an API call, which has its own budget
	for _, one := range selections {
		sel, err := f.exports.subsets.Find(ctx, one.Run, one.Selection)
		switch {
		case errors.Is(err, subset.ErrNoSelection):
			pending = true // the selection is requested, but not made yet
			continue
		case err != nil:
			f.log.Warn("a selection cannot be read", "run", one.Run, "selection", one.Selection, "error", err)
			continue
		case sel.Selected == 0: // failed, or to be made by a message
			pending = pending || sel.Problem == ""
			continue
		}
		size, err := budget.Resolve(sel.Total)
		if err == nil && size == sel.Parameters.Budget && budget.Tokens() > 0 == sel.Parameters.InTokens {
			written, err := f.writeSelection(ctx, dataset, sel, dir)
			return written && !pending, err
		}
		if called == nil && !own {
			called = sel
		}
	}
	if called == nil {
		f.warnOfBudget(dataset, dir, now, pending)
		return false, nil
	}
	written, err := f.writeSelection(ctx, dataset, called, dir)
	return written && !pending, err
}

// warnOfBudget warns once, after each change of the decision, if a dataset has selections, but its folder has no subset
// because none of them has the requested budget, or the one with this budget failed.
func (f *subsetFolder) warnOfBudget(dataset, dir string, now decision, pending bool) {
	_, err := os.Stat(filepath.Join(dir, selectionFile))
	if pending || err == nil || f.warned[dataset] == now {
		return
	}
	f.warned[dataset] = now
	f.log.Warn("no subset is written yet, because no selection of the dataset has its budget, or because its run or its "+
		"selection was refused or failed: fix the reason that was logged for the dataset, then upload "+run.SpecFile+
		" again", "dataset", dataset, "folder", dir)
}

// writeSelection writes a completed selection to the folder of its dataset, unless the folder has it already. It
// reports whether the folder then has the selection.
func (f *subsetFolder) writeSelection(
	ctx context.Context, dataset string, sel *subset.Selection, dir string,
) (written bool, err error) {
	var there struct{ Run, ID string }
	if err := readOptional(filepath.Join(dir, selectionFile), &there); err != nil {
		return false, err
	}
	if state, err := f.exports.subsets.State(ctx, sel); err != nil || state != subset.StateCompleted {
		return false, err // the event of its completion triggers another update
	}
	if there.Run == sel.Run && there.ID == sel.ID {
		return true, f.export(ctx, sel, dir)
	}
	folder := outputFolder{
		subsets: f.exports.subsets, selection: sel, notes: noteLog{f.log},
		prepare: func() error { return prepareOut(dir, f.state, nil) },
	}
	if object := sel.Outputs.Report; object != "" {
		folder.report = func(w io.Writer) error { return folder.subsets.CopyOutput(ctx, sel, object, w) }
	}
	to, err := folder.write(ctx, dir)
	if err != nil {
		return false, err
	}
	f.log.Info("subset written",
		"dataset", dataset, "selected", sel.Selected, "file", to.Subset, "report", to.Report)
	err = f.export(ctx, sel, dir)
	return err == nil, err
}

// A noteLog writes notes on an output folder, which name the folder, to a log.
type noteLog struct{ log *slog.Logger }

func (l noteLog) Write(note []byte) (int, error) {
	l.log.Info(strings.TrimPrefix(strings.TrimSpace(string(note)), "harvest: "))
	return len(note), nil
}

// budgetOf returns the budget in dataset.yaml, else the budget of the command. own reports whether dataset.yaml has a
// budget.
func (f *subsetFolder) budgetOf(ctx context.Context, dataset string) (budget selection.Budget, own bool, err error) {
	spec, err := specOf(ctx, f.exports.input, dataset)
	if err != nil || spec.Budget.IsZero() {
		return f.budget, false, err
	}
	return spec.Budget, true, nil
}

// export writes a selection in the form that dataset.yaml requests, into a folder inside the folder of the subset. An
// export that can never succeed is reported only once.
func (f *subsetFolder) export(ctx context.Context, sel *subset.Selection, dir string) error {
	request, err := f.exports.request(ctx, sel.Dataset)
	if err != nil {
		return err
	}
	if request.IsZero() { // an earlier failure no longer matters
		return subset.KeepExported(ctx, f.exports.work, sel.Run, sel.ID, subset.Exported{})
	}
	err = f.exports.write(ctx, request, sel, filepath.Join(dir, request.For), f.state)
	if isLoss(err) {
		f.log.Error("the export cannot be written", "dataset", sel.Dataset, "for", request.For, "error", err)
		return nil
	}
	return err
}
