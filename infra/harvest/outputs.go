package main

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"syscall"

	"github.com/google/renameio/v2"
	"github.com/harvest-ml/harvest/shared/bucket"
	"github.com/harvest-ml/harvest/shared/subset"
	"github.com/harvest-ml/harvest/shared/telemetry"
)

// rejectedFile is the name of the file of rejected samples in an output folder.
const rejectedFile = "rejected.jsonl"

// A writtenSelection is selection.json in an output folder: the selection, and how the folder came about.
type writtenSelection struct {
	*subset.Selection
	// Manifests are named by their paths, where they lie on this machine.
	Manifests []subset.Manifest `json:"manifests"`
	Program   telemetry.Build   `json:"program"`
	Command   []string          `json:"command"` // the arguments, the program's name first
	Files     []string          `json:"files"`   // of the folder
}

// makeOut makes the folder of a file that a command writes.
func makeOut(dir string) error {
	if err := os.MkdirAll(dir, 0o755); errors.Is(err, syscall.ENOTDIR) {
		return fmt.Errorf("--out %s: a file is in the place of a folder; give another folder", dir)
	} else if err != nil {
		return fmt.Errorf("making the output folder: %w", bucket.MachineFault(dir, err))
	}
	return nil
}

// removeFile removes a file, if it is there.
func removeFile(path string) error {
	if err := os.Remove(path); err != nil && !errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("removing a file of an earlier selection: %w", bucket.MachineFault(path, err))
	}
	return nil
}

// copyOutputs writes a selection's outputs from the work bucket to a folder, removes those of an earlier selection from
// it, and returns the paths. A file is there whole or not at all, selection.json last. The recipe that listed the
// manifests of from is written again, for the subset, unless records are converted to another format.
func copyOutputs(
	ctx context.Context, subsets *subset.Reader, sel *subset.Selection, from input, format, dir string,
) (subset.Outputs, error) {
	object, to := sel.Outputs, subset.Outputs{}
	written := []struct {
		object string
		path   *string
	}{{object.Subset, &to.Subset}, {object.Rejected, &to.Rejected}, {object.Picks, &to.Picks}}
	var files []string
	for _, o := range written {
		*o.path = filepath.Join(dir, filepath.Base(o.object))
		files = append(files, filepath.Base(o.object))
	}
	to.Selection = filepath.Join(dir, selectionFile)
	files = append(files, selectionFile)
	var listed subsetRecipe
	var err error
	if format == "" { // the records are still as the recipe says
		if listed, err = from.subsetRecipe(sel); err != nil {
			return subset.Outputs{}, err
		}
	}
	files = append(files, listed.files()...)
	err = makeOut(dir)
	if err == nil {
		err = announce(dir, files)
	}
	if err == nil { // it would stand for files of two selections if this command is killed
		err = removeFile(to.Selection)
	}
	for _, o := range written {
		if err == nil {
			err = writeWhole(*o.path, func(w io.Writer) error { return subsets.CopyOutput(ctx, sel, o.object, w) })
		}
	}
	if err == nil && format != "" {
		err = convertSubset(to.Subset, sel.Manifests, format)
	}
	if err == nil {
		err = listed.write(dir, to.Subset)
	}
	if err == nil {
		manifests := from.paths()
		written := writtenSelection{Selection: sel, Program: telemetry.ReadBuild(), Command: os.Args, Files: files}
		for _, m := range sel.Manifests {
			m.Name = cmp.Or(manifests[m.Name], m.Name)
			written.Manifests = append(written.Manifests, m)
		}
		err = writeSelection(to.Selection, written)
	}
	if err == nil {
		err = keepOnly(dir, files)
	}
	if err != nil {
		return subset.Outputs{}, fmt.Errorf("writing the selection: %w", bucket.MachineFault(dir, err))
	}
	return to, nil
}

func writeSelection(path string, sel writtenSelection) error {
	return writeWhole(path, func(w io.Writer) error {
		lines := json.NewEncoder(w)
		lines.SetEscapeHTML(false)
		lines.SetIndent("", " ")
		return lines.Encode(sel)
	})
}

// writeRejected writes what is rejected of a run, and nothing else, to a folder: of a run or a selection that failed.
func writeRejected(
	ctx context.Context, subsets *subset.Reader, runID, selectionID, dir string,
) (subset.Outputs, error) {
	to := subset.Outputs{Rejected: filepath.Join(dir, rejectedFile)}
	err := makeOut(dir)
	if err == nil {
		err = announce(dir, []string{rejectedFile})
	}
	if err == nil {
		err = writeWhole(to.Rejected, func(w io.Writer) error {
			return subsets.WriteRejected(ctx, runID, selectionID, w)
		})
	}
	if err == nil {
		err = keepOnly(dir, []string{rejectedFile})
	}
	if err != nil {
		return subset.Outputs{}, fmt.Errorf("writing the rejected samples: %w", bucket.MachineFault(dir, err))
	}
	return to, nil
}

// writeWhole writes a file that is there whole or not at all. A fault of its folder is a bucket.MachineError.
func writeWhole(path string, write func(io.Writer) error) error {
	file, err := renameio.NewPendingFile(path, renameio.WithPermissions(0o644))
	if err == nil {
		defer file.Cleanup() //nolint:errcheck // nothing is left to clean up after a replace
		if err = write(file); err == nil {
			err = file.CloseAtomicallyReplace()
		}
	}
	if err != nil {
		return fmt.Errorf("writing %s: %w", path, bucket.MachineFault(filepath.Dir(path), err))
	}
	return nil
}

// defaultOut is where select puts a selection without --out: selections of one run do not overwrite each other.
func defaultOut(sel *subset.Selection) string { return filepath.Join("out", sel.Run, sel.ID) }
