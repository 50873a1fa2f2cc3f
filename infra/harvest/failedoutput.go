package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/harvest-ml/harvest/shared/bucket"
	"github.com/harvest-ml/harvest/shared/subset"
)

const (
	// rejectedFile is the name of the file of rejected samples in an output folder.
	rejectedFile = "rejected.jsonl"
	// failedFile is the name of the file of rejected samples of a failed run or selection, in an output folder that keeps
	// an earlier selection.
	failedFile = "failed.jsonl"
)

// writeRejected writes only the rejected samples of a failed run or selection to a folder. A complete earlier selection
// in the folder stays.
func writeRejected(
	ctx context.Context, subsets *subset.Reader, runID, selectionID, dir string,
) (subset.Outputs, error) {
	name, keeps := rejectedFile, holdsSelection(dir)
	if keeps {
		name = failedFile
	}
	to := subset.Outputs{Rejected: filepath.Join(dir, name)}
	err := makeOut(dir)
	if err == nil {
		err = announce(dir, []string{name})
	}
	if err == nil {
		err = writeWhole(to.Rejected, func(w io.Writer) error {
			return subsets.WriteRejected(ctx, runID, selectionID, w)
		})
	}
	if err == nil && !keeps {
		err = keepOnly(dir, []string{name})
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

// keptNote says that an output folder still has an earlier subset; empty if it has none.
func keptNote(dir string) string {
	if !holdsSelection(dir) {
		return ""
	}
	return "; the subset of an earlier command stays in " + dir
}
