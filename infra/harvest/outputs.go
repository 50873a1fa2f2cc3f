package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"

	"github.com/google/renameio/v2"
	"github.com/harvest-ml/harvest/shared/api"
	"github.com/harvest-ml/harvest/shared/bucket"
	"github.com/harvest-ml/harvest/shared/memory"
	"github.com/harvest-ml/harvest/shared/subset"
	"github.com/harvest-ml/harvest/shared/telemetry"
)

// scoresPattern matches the files in an output folder that have the scores of a run. There is one file for each range.
const scoresPattern = "scores-*.parquet"

// A writtenSelection is the content of selection.json in an output folder: the selection, and the command and files of
// the folder.
type writtenSelection struct {
	*subset.Selection
	// Manifests have their paths, if they are files of this machine.
	Manifests []subset.Manifest `json:"manifests"`
	Program   telemetry.Build   `json:"program"`
	Command   []string          `json:"command"` // the arguments, the program's name first
	Files     []string          `json:"files"`   // the folder's files
}

// makeOut makes the folder for a file that a command writes.
func makeOut(dir string) error {
	if err := os.MkdirAll(dir, 0o755); errors.Is(err, syscall.ENOTDIR) {
		return usageError{fmt.Errorf("--out %s: a part of this path is a file; give another folder", dir)}
	} else if link := danglingLink(dir); err != nil && link != "" {
		return usageError{fmt.Errorf("--out %s: %s, or give another folder", dir, link)}
	} else if err != nil {
		return fmt.Errorf("making the output folder: %w", bucket.MakingFault(dir, err))
	}
	return nil
}

// danglingLink says that a folder, or one of its parents, is a link to a file that does not exist, or a link in a loop,
// and how to fix it; empty if none is.
func danglingLink(dir string) string {
	for {
		target, err := os.Readlink(dir)
		if err == nil {
			_, err = os.Stat(dir)
			switch {
			case errors.Is(err, fs.ErrNotExist):
				return fmt.Sprintf("%s is a link to %s, which does not exist; make that folder", dir, target)
			case errors.Is(err, syscall.ELOOP):
				return fmt.Sprintf("%s is a link to %s, which leads back to a link; replace the link by a folder", dir, target)
			}
		}
		parent := filepath.Dir(dir)
		if parent == dir {
			return ""
		}
		dir = parent
	}
}

// An outputFolder has the settings for writing a selection to a folder.
type outputFolder struct {
	subsets   *subset.Reader
	selection *subset.Selection
	input     *input                // place of the dataset; nil for a run of serve
	place     imagesPlace           // place of the images that records name; zero if they cannot be reached
	format    string                // form to which records are converted; empty if they are not converted
	trainer   string                // trainer that requires the form; empty if --output-format requests the form
	memory    *memory.Budget        // memory for images; nil makes a new one
	report    func(io.Writer) error // writes the report; nil for no report
	makes     bool                  // report makes the report instead of copying an object of the state folder
	notes     io.Writer             // says that the command waits for another one, or what it replaces
	prepare   func() error          // returns an error if the locked folder must not be replaced
}

// An output is a file of an output folder.
type output struct {
	name  string
	path  *string // write sets it to the path of the file
	write func(io.Writer) error
	made  bool // write does not copy an object of the state folder
}

// checkSources returns an error if an output copies an object of the state folder that does not exist. It copies
// nothing.
func checkSources(outputs []output) error {
	for _, o := range outputs {
		if o.made {
			continue
		}
		if err := o.write(firstByte{}); err != nil && !errors.Is(err, errFirstByte) {
			return err
		}
	}
	return nil
}

// errFirstByte ends a copy when its first byte is written.
var errFirstByte = errors.New("the object exists")

// A firstByte is a writer that returns errFirstByte.
type firstByte struct{}

func (firstByte) Write([]byte) (int, error) { return 0, errFirstByte }

// write writes the selection's outputs from the work bucket, and removes the files of an earlier selection. Each file
// is complete or does not exist, and selection.json is written last. If a recipe listed the dataset's manifests, and
// records are not converted, write also writes a recipe for the subset. If another command writes to the folder, write
// waits for it. After an error no new empty folder is left.
func (f outputFolder) write(ctx context.Context, dir string) (to outputFiles, err error) {
	removeNew := newFolder(dir)
	unlock, err := lockPrepared(ctx, dir, f.notes, f.prepare)
	if err == nil {
		to, err = f.writeLocked(ctx, dir)
		unlock()
	}
	if err != nil {
		removeNew()
	}
	return to, err
}

// writeLocked does the work of write in a folder that lockPrepared has locked.
func (f outputFolder) writeLocked(ctx context.Context, dir string) (outputFiles, error) {
	var to outputFiles
	var listed subsetRecipe
	var err error
	if !f.converts() && f.input != nil { // the recipe still describes the records
		if listed, err = f.input.subsetRecipe(f.selection); err != nil {
			return outputFiles{}, err
		}
	}
	outputs := f.outputs(ctx, &to)
	var converted convertedSubset
	if f.converts() { // convert before an earlier selection is replaced, because the conversion may fail
		var remove func()
		if converted, remove, err = f.convertInto(ctx, dir); err != nil {
			return outputFiles{}, err
		}
		defer remove()
		if err := f.prepare(); err != nil { // another program may have written to the folder in the meantime
			return outputFiles{}, err
		}
		outputs[0].write, outputs[0].made = converted.writeTo, true
	}
	files := []string{selectionFile}
	to.Selection, to.Scores = filepath.Join(dir, selectionFile), filepath.Join(literalPattern(dir), scoresPattern)
	for _, o := range outputs {
		files = append(files, o.name)
		*o.path = filepath.Join(dir, o.name)
	}
	files = append(files, listed.files()...)
	noted := earlierSelection(dir)
	if err = checkSources(outputs); err == nil {
		err = announce(dir, files)
	}
	if err == nil {
		// Remove selection.json first; otherwise, after a kill, it would describe files of two selections. Equally, the mark
		// of an export would describe files of a selection.
		err = errors.Join(replaceExport(dir, f.notes), removeFile(to.Selection))
	}
	if err == nil {
		to.Images, err = converted.installImages(ctx, dir, f.notes)
	}
	for _, o := range outputs {
		if err == nil {
			err = writeWhole(*o.path, o.write)
		}
	}
	if err == nil {
		err = listed.write(ctx, dir, to.Subset)
	}
	if err == nil {
		err = writeWhole(to.Selection, func(w io.Writer) error { return f.writeSelection(w, files) })
	}
	if err == nil {
		err = keepOnly(ctx, dir, converted.keeps(files), f.notes)
	}
	if err != nil {
		return outputFiles{}, noted(fmt.Errorf("writing the selection: %w", bucket.MachineFault(dir, err)))
	}
	return to, nil
}

// convertInto makes the converted subset in a temporary folder inside an output folder. It also returns a function that
// removes the temporary folder.
func (f outputFolder) convertInto(ctx context.Context, dir string) (convertedSubset, func(), error) {
	scratch, remove, err := makeScratch(dir)
	if err != nil {
		return convertedSubset{}, nil, err
	}
	converted, err := f.converted(ctx, scratch)
	if err != nil {
		remove()
		return convertedSubset{}, nil, earlierSelection(dir)(writingFault("the selection", dir, err))
	}
	return converted, remove, nil
}

// writingFault adds the name of the written file to an error of writing to a folder. It does not change a refusal,
// which already has the name.
func writingFault(what, dir string, err error) error {
	if isLoss(err) {
		return err
	}
	return fmt.Errorf("writing %s: %w", what, bucket.MachineFault(dir, err))
}

// makeScratch makes a folder for temporary files inside an output folder that lockPrepared has locked, and returns a
// function that removes the temporary folder.
func makeScratch(dir string) (scratch string, remove func(), err error) {
	if err := makeOut(dir); err != nil {
		return "", nil, err
	}
	scratch, err = os.MkdirTemp(dir, scratchPrefix+"*")
	if err != nil {
		return "", nil, fmt.Errorf("writing to the output folder: %w", bucket.MachineFault(dir, err))
	}
	return scratch, func() { _ = os.RemoveAll(scratch) }, nil
}

// outputs returns the files that are written before the files of a recipe and selection.json.
func (f outputFolder) outputs(ctx context.Context, to *outputFiles) []output {
	from := f.selection.Outputs
	copied := func(object string, path *string) output {
		return output{name: filepath.Base(object), path: path, write: func(w io.Writer) error {
			return f.subsets.CopyOutput(ctx, f.selection, object, w)
		}}
	}
	subset := copied(from.Subset, &to.Subset)
	subset.name = f.subsetName()
	outputs := []output{
		subset, copied(from.Rejected, &to.Rejected), copied(from.Picks, &to.Picks),
	}
	if from.Near != "" {
		outputs = append(outputs, copied(from.Near, &to.Near))
	}
	if from.Clusters != "" {
		outputs = append(outputs, copied(from.Clusters, &to.Clusters))
	}
	for number := range f.selection.PerRange {
		name := fmt.Sprintf(strings.Replace(scoresPattern, "*", "%04d", 1), number)
		outputs = append(outputs, output{name: name, path: new(string), write: func(w io.Writer) error {
			return f.subsets.CopyScores(ctx, f.selection.Run, number, w)
		}})
	}
	if f.report != nil {
		outputs = append(outputs, output{reportFile, &to.Report, f.report, f.makes})
	}
	return outputs
}

// removeFile removes a file. If there is no such file, it does nothing.
func removeFile(path string) error {
	if err := os.Remove(path); err != nil && !errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("removing a file of an earlier selection: %w", bucket.MachineFault(path, err))
	}
	return nil
}

// writeSelection writes the selection.json of an output folder that has these files.
func (f outputFolder) writeSelection(w io.Writer, files []string) error {
	written := writtenSelection{
		Selection: f.selection, Program: telemetry.ReadBuild(), Command: os.Args, Files: files,
	}
	paths := map[string]string{}
	if f.input != nil {
		paths = f.input.paths()
	}
	for _, m := range f.selection.Manifests {
		m.Name = cmp.Or(paths[m.Name], m.Name)
		written.Manifests = append(written.Manifests, m)
	}
	return api.EncodeJSON(w, written)
}

// writeWhole writes a file so that it is complete or does not exist. A fault of the folder is a *bucket.MachineError.
func writeWhole(path string, write func(io.Writer) error) error {
	file, err := renameio.NewPendingFile(path, renameio.WithPermissions(0o644))
	if err == nil {
		defer file.Cleanup() //nolint:errcheck // nothing is left to clean up after a replace
		if err = write(file); err == nil {
			err = file.CloseAtomicallyReplace()
		}
	}
	if fault, ok := errors.AsType[*fs.PathError](err); ok && filepath.Dir(fault.Path) == filepath.Dir(path) {
		fault.Path = path // users do not know the temporary file
	}
	if err != nil {
		return fmt.Errorf("writing %s: %w", path, bucket.MachineFault(filepath.Dir(path), err))
	}
	return nil
}

// writeScratch does the same as writeWhole for a temporary file, whose name users do not know. It returns an error of
// write without the file's name.
func writeScratch(path string, write func(io.Writer) error) error {
	var failed error
	err := writeWhole(path, func(w io.Writer) error {
		failed = write(w)
		return failed
	})
	if failed != nil {
		return failed
	}
	return err
}

// defaultOut returns the output folder of select without --out. Each selection has a separate folder, so that
// selections of one run do not overwrite each other.
func defaultOut(sel *subset.Selection) string { return filepath.Join("out", sel.Run, sel.ID) }
