package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/harvest-ml/harvest/shared/bucket"
	"github.com/harvest-ml/harvest/shared/subset"
)

const (
	// rejectedFile is the name of the file of rejected samples in an output folder.
	rejectedFile = "rejected.jsonl"
	// failedFile is the name of the file of rejected samples of a failed run or selection, in an output folder that keeps
	// an earlier selection or export.
	failedFile = "failed.jsonl"
)

// writeRejected writes only the rejected samples of a failed run or selection to a folder. An earlier selection or
// export in the folder stays; a selection stays even if it is not complete. prepare is that of lockPrepared.
func writeRejected(
	ctx context.Context, s session, runID, selectionID, dir string, prepare func() error,
) (subset.Outputs, error) {
	unlock, err := lockPrepared(ctx, dir, s.show.notes(), prepare)
	if err != nil {
		return subset.Outputs{}, err
	}
	defer unlock()
	name, keeps := rejectedFile, keptNote(dir) != ""
	if keeps {
		name = failedFile
	}
	to := subset.Outputs{Rejected: filepath.Join(dir, name)}
	err = announce(dir, []string{name})
	if err == nil {
		err = writeWhole(to.Rejected, func(w io.Writer) error {
			return s.Subsets.WriteRejected(ctx, runID, selectionID, w)
		})
	}
	if err == nil && !keeps {
		err = keepOnly(ctx, dir, []string{name}, s.show.notes())
	}
	if err != nil {
		return subset.Outputs{}, fmt.Errorf("writing the rejected samples: %w", bucket.MachineFault(dir, err))
	}
	return to, nil
}

// holdsSelection reports whether an output folder has a complete selection, whose selection.json is written last.
func holdsSelection(dir string) bool {
	info, err := os.Stat(filepath.Join(dir, selectionFile))
	return err == nil && info.Mode().IsRegular()
}

// holdsNested reports whether an output folder has complete selections or exports, each in a subfolder.
func holdsNested(dir string) bool {
	entries, err := os.ReadDir(dir)
	return err == nil && slices.ContainsFunc(entries, func(e os.DirEntry) bool {
		below := filepath.Join(dir, e.Name())
		return e.IsDir() && (holdsSelection(below) || holdsExport(below))
	})
}

// holdsSubset reports whether an output folder has the subset of a selection, perhaps without selection.json, because
// the command that replaced it was interrupted.
func holdsSubset(dir string) bool {
	own, err := ownFiles(dir)
	if err != nil {
		return false
	}
	for name := range own {
		if _, err := os.Stat(filepath.Join(dir, name)); err == nil && strings.HasPrefix(name, "subset.") {
			return true
		}
	}
	return false
}

// A keptError is an error of writing a selection to an output folder, with a note on the earlier selection there.
type keptError struct {
	error
	note string
}

// Error returns the error and the note.
func (e *keptError) Error() string { return e.error.Error() + e.note }

// Unwrap returns the error without the note.
func (e *keptError) Unwrap() error { return e.error }

// of adds the note, if there is one, to another error.
func (e *keptError) of(err error) error {
	if e == nil {
		return err
	}
	return &keptError{err, e.note}
}

// earlierSelection returns a function that adds a note to an error of replacing the selection in an output folder:
// whether the folder still has it. The function changes no error if the folder has no complete selection now.
func earlierSelection(dir string) (noted func(error) error) {
	read := func() []byte {
		content, err := os.ReadFile(filepath.Join(dir, selectionFile))
		if err != nil {
			return nil
		}
		return content
	}
	before := read()
	return func(err error) error {
		after := read()
		switch {
		case err == nil || before == nil:
			return err
		case after == nil:
			return &keptError{err, "; some files of the earlier selection are already replaced, so there is no complete " +
				"selection in " + dir}
		case string(after) == string(before):
			return &keptError{err, keptNote(dir)}
		}
		return &keptError{err, "; the selection is complete, but files of the earlier one stay in " + dir}
	}
}

// keptNote says which files of earlier commands an output folder still has; empty if it has none.
func keptNote(dir string) string {
	switch {
	case holdsSelection(dir):
		return "; the subset of an earlier command stays in " + dir
	case holdsNested(dir):
		return "; the subsets of an earlier command stay in " + dir
	case holdsExport(dir):
		return "; the export of an earlier command stays in " + dir
	case holdsSubset(dir):
		return "; files of an earlier command that was interrupted stay in " + dir
	default:
		return ""
	}
}
