package main

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"path/filepath"
	"slices"
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

// copyOutputs writes a selection's outputs from the work bucket to a folder, with its report, and removes those of an
// earlier selection from it. A file is there whole or not at all, selection.json last.
func (r *result) copyOutputs(ctx context.Context, s session, reported reportFlags, dir string) error {
	from, to := r.selection.Outputs, outputFiles{}
	copied := func(object string) func(io.Writer) error {
		return func(w io.Writer) error { return s.Subsets.CopyOutput(ctx, r.selection, object, w) }
	}
	outputs := []output{
		{path.Base(from.Subset), &to.Subset, copied(from.Subset)},
		{path.Base(from.Rejected), &to.Rejected, copied(from.Rejected)},
		{path.Base(from.Picks), &to.Picks, copied(from.Picks)},
	}
	if !reported.None {
		outputs = append(outputs, output{reportFile, &to.Report, func(w io.Writer) error {
			return r.writeReport(ctx, s, reported, w)
		}})
	}
	outputs = append(outputs, output{name: selectionFile, path: &to.Selection})
	var files []string
	for _, o := range outputs {
		files = append(files, o.name)
		*o.path = filepath.Join(dir, o.name)
	}
	outputs[len(outputs)-1].write = func(w io.Writer) error { return r.writeSelection(w, files) }
	err := makeOut(dir)
	if err == nil {
		err = announce(dir, files)
	}
	for _, o := range outputs {
		if err == nil {
			err = writeWhole(*o.path, o.write)
		}
	}
	if err == nil {
		err = keepOnly(dir, files)
	}
	if err != nil {
		return fmt.Errorf("writing the selection: %w", bucket.MachineFault(dir, err))
	}
	r.Outputs = to
	return nil
}

// An output is a file of an output folder.
type output struct {
	name  string
	path  *string // is set to where it is
	write func(io.Writer) error
}

// writeSelection writes selection.json of a folder with these files.
func (r *result) writeSelection(w io.Writer, files []string) error {
	written := writtenSelection{
		Selection: r.selection, Program: telemetry.ReadBuild(), Command: os.Args, Files: slices.Clone(files),
	}
	paths := map[string]string{}
	if r.input != nil {
		paths = r.input.paths()
	}
	for _, m := range r.selection.Manifests {
		m.Name = cmp.Or(paths[m.Name], m.Name)
		written.Manifests = append(written.Manifests, m)
	}
	lines := json.NewEncoder(w)
	lines.SetEscapeHTML(false)
	lines.SetIndent("", " ")
	return lines.Encode(written)
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
