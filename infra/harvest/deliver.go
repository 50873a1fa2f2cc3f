package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"strings"

	"github.com/harvest-ml/harvest/shared/bucket"
	"github.com/harvest-ml/harvest/shared/run"
	"github.com/harvest-ml/harvest/shared/selection"
	"github.com/harvest-ml/harvest/shared/subset"
)

// A subsetFolder keeps the subset of every dropped dataset in a folder, each in one of the dataset's name. What it does
// follows from the buckets alone, so a killed serve continues where it was.
type subsetFolder struct {
	dir     string           // absolute
	budget  selection.Budget // of datasets that name none; zero for none
	input   bucket.Reader
	subsets *subset.Reader
	log     *slog.Logger
}

// newSubsetFolder prepares a folder. One within the datasets is refused: a subset there would be a dataset.
func newSubsetFolder(
	dir, input, state string, budget selection.Budget, from bucket.Reader, subsets *subset.Reader, log *slog.Logger,
) (*subsetFolder, error) {
	abs, err := filepath.Abs(dir)
	if err != nil {
		return nil, fmt.Errorf("--out %s: %w", dir, err)
	}
	if watched, err := filepath.Abs(filepath.Join(input, "datasets")); err == nil && !strings.HasPrefix(input, "gs://") {
		if rel, err := filepath.Rel(watched, abs); err == nil && filepath.IsLocal(rel) {
			return nil, usageError{fmt.Errorf("--out %s: lies in the datasets of --input, where a subset would start a run; "+
				"give a folder elsewhere", dir)}
		}
	}
	return &subsetFolder{dir: abs, budget: budget, input: from, subsets: subsets, log: log}, prepareOut(abs, state)
}

// update writes the subsets that are not there yet. A fault of one dataset keeps no other from being written.
func (f *subsetFolder) update(ctx context.Context) error {
	made, err := f.subsets.Automatic(ctx)
	if err != nil {
		return err
	}
	byDataset := map[string][]*subset.Selection{} // the latest first
	for i := len(made) - 1; i >= 0; i-- {
		sel, err := f.subsets.Selection(ctx, made[i].Run, made[i].Selection)
		if errors.Is(err, subset.ErrNoSelection) {
			continue // it is requested, and not made yet
		}
		if err != nil {
			f.log.Warn("a selection cannot be read", "run", made[i].Run, "selection", made[i].Selection, "error", err)
			continue
		}
		byDataset[sel.Dataset] = append(byDataset[sel.Dataset], sel)
	}
	for dataset, selections := range byDataset {
		err := f.updateDataset(ctx, dataset, selections)
		if machine, ok := errors.AsType[*bucket.MachineError](err); ok {
			return machine
		}
		if err != nil && ctx.Err() == nil {
			f.log.Warn("the subset was not written; it is tried again", "dataset", dataset, "folder", f.dir, "error", err)
		}
	}
	return ctx.Err()
}

// updateDataset writes the latest of a dataset's selections that has the dataset's budget, once it is completed.
func (f *subsetFolder) updateDataset(ctx context.Context, dataset string, selections []*subset.Selection) error {
	budget, err := f.budgetOf(ctx, dataset)
	if err != nil {
		return err
	}
	for _, sel := range selections {
		size, err := budget.Resolve(sel.Total)
		if err != nil || size != sel.Parameters.Budget || budget.Tokens() > 0 != sel.Parameters.InTokens {
			continue
		}
		dir := filepath.Join(f.dir, dataset)
		var there struct{ Run, ID string }
		if err := readOptional(filepath.Join(dir, selectionFile), &there); err != nil {
			return err
		}
		if state, err := f.subsets.State(ctx, sel); err != nil || state != subset.StateCompleted {
			return err // its event has this looked at again
		}
		if there.Run == sel.Run && there.ID == sel.ID {
			return nil
		}
		to, err := outputFolder{subsets: f.subsets, selection: sel}.write(ctx, dir)
		if err == nil {
			f.log.Info("subset written", "dataset", dataset, "selected", sel.Selected, "file", to.Subset)
		}
		return err
	}
	return nil
}

// budgetOf is the budget that a dataset's file names, else that of the command.
func (f *subsetFolder) budgetOf(ctx context.Context, dataset string) (selection.Budget, error) {
	data, err := bucket.ReadAll(ctx, f.input, run.DatasetsPrefix+dataset+"/"+run.SpecFile)
	if errors.Is(err, bucket.ErrNotExist) {
		return f.budget, nil
	} else if err != nil {
		return selection.Budget{}, err
	}
	spec, err := run.ParseSpec(dataset, data)
	if err != nil || spec.Budget.IsZero() {
		return f.budget, nil // a file that cannot be read starts nothing
	}
	return spec.Budget, nil
}
