package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/google/renameio/v2"
	"github.com/harvest-ml/harvest/shared/bucket"
	"github.com/harvest-ml/harvest/shared/export"
	"github.com/harvest-ml/harvest/shared/run"
)

const (
	// ownFile lists the files that this program has written to an output folder, or was about to write when it was
	// killed.
	ownFile = ".harvest"
	// selectionFile is the copy of selection.json in an output folder. It lists the folder's files too.
	selectionFile = "selection.json"
)

// maxForeign is the maximum number of foreign files that an error names.
const maxForeign = 3

// prepareOut creates the output folder of a selection and writes a test file to it, so that an error is found before
// anything is scored. It refuses a folder with files that Harvest did not write, because a trainer would read them as
// part of the subset. It also refuses a folder that contains a manifest, even a manifest that Harvest wrote, because
// the manifest would be replaced. The state folder may be inside the folder.
func prepareOut(dir, state string, manifests []string) error {
	// Other folders in the state folder may be output folders.
	if state != "" && (sameFile(dir, state) || isBelow(dir, filepath.Join(state, run.Root))) {
		return usageError{fmt.Errorf("--out %s: harvest keeps its runs there, in the state folder %s: give another folder",
			dir, state)}
	}
	if err := makeOut(dir); err != nil {
		return err
	}
	for _, manifest := range manifests {
		if isBelow(manifest, dir) && !isBelow(manifest, state) {
			return usageError{fmt.Errorf("--out %s: it holds the manifest %s, which would be replaced: give another folder",
				dir, filepath.Base(manifest))}
		}
	}
	foreign, err := foreignFiles(dir, state)
	if err != nil {
		return fmt.Errorf("reading the output folder: %w", bucket.MachineFault(dir, err))
	}
	if len(foreign) > 0 {
		return usageError{fmt.Errorf("--out %s: it holds files that harvest did not write (%s): give another folder, or "+
			"remove these files", dir, firstOf(foreign, maxForeign))}
	}
	if err := tryWriting(dir); err != nil {
		return earlierSelection(dir)(fmt.Errorf("writing to the output folder: %w", bucket.MachineFault(dir, err)))
	}
	return nil
}

// newFolder returns a function for folders that do not exist when newFolder is called: dir and its parents. The
// function removes each of these folders that is empty, if no command has locked it by lockOut.
func newFolder(dir string) (remove func()) {
	var made []string
	for {
		if _, err := os.Lstat(dir); !errors.Is(err, fs.ErrNotExist) {
			break
		}
		made = append(made, dir)
		if dir = filepath.Dir(dir); dir == made[len(made)-1] {
			break
		}
	}
	return func() {
		for _, folder := range made {
			if !removeUnlocked(folder) {
				return
			}
		}
	}
}

// firstOf returns the first `most` names as text, and the number of the others.
func firstOf(names []string, most int) string {
	if len(names) <= most {
		return strings.Join(names, ", ")
	}
	return fmt.Sprintf("%s and %d more", strings.Join(names[:most], ", "), len(names)-most)
}

// tryWriting writes a temporary file and removes it. The name is always the same, so that a command also removes the
// file that a killed command left.
func tryWriting(dir string) error {
	file, err := os.Create(filepath.Join(dir, ownFile+"-try"))
	if err != nil {
		return err
	}
	defer os.Remove(file.Name())
	_, err = file.Write(make([]byte, 4096))
	return errors.Join(err, file.Sync(), file.Close())
}

// ownFiles returns the names of the files in a folder that this program wrote.
func ownFiles(dir string) (map[string]bool, error) {
	own := map[string]bool{}
	var listed struct {
		Files []string `json:"files"`
	}
	if err := readOptional(filepath.Join(dir, ownFile), &listed); err != nil {
		return nil, err
	}
	var selection struct {
		Run     string            `json:"run"`
		Outputs map[string]string `json:"outputs"` // objects, from versions that did not list files
	}
	if err := readOptional(filepath.Join(dir, selectionFile), &selection); err != nil {
		return nil, err
	}
	if selection.Run != "" {
		own[selectionFile] = true
		for _, object := range selection.Outputs {
			own[filepath.Base(object)] = true
		}
	}
	for _, name := range listed.Files {
		own[filepath.Base(name)] = true
	}
	return own, nil
}

// readOptional reads a JSON file into v. It does not change v if the file is missing or not valid JSON.
func readOptional(name string, v any) error {
	data, err := os.ReadFile(name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	} else if err != nil {
		return err
	}
	_ = json.Unmarshal(data, v) // a file of another program does not list files of Harvest
	return nil
}

// ignored reports whether a name in an output folder is ignored, because no program reads such a file as data.
func ignored(name string) bool { return strings.HasPrefix(name, ".") || name == "lost+found" }

// foreignFiles returns the names of files in a folder that this program did not write, in ascending order. A subfolder
// that has only Harvest's files belongs to another selection and is not foreign. The state folder and pages of compare
// are skipped.
func foreignFiles(dir, state string) ([]string, error) {
	if sameFile(dir, state) {
		return nil, nil
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	own, err := ownFiles(dir)
	if err != nil {
		return nil, err
	}
	var foreign []string
	for _, entry := range entries {
		name := entry.Name()
		switch {
		case ignored(name), own[name] && !entry.IsDir(), isComparison(filepath.Join(dir, name)):
		case entry.IsDir():
			below, err := foreignFiles(filepath.Join(dir, name), state)
			if err != nil {
				return nil, err
			}
			for _, file := range below {
				foreign = append(foreign, filepath.Join(name, file))
			}
		default:
			foreign = append(foreign, name)
		}
	}
	return foreign, nil
}

// sameFile reports whether two paths lead to the same file or folder.
func sameFile(a, b string) bool {
	first, errA := os.Stat(a)
	second, errB := os.Stat(b)
	return errA == nil && errB == nil && os.SameFile(first, second)
}

// isBelow reports whether a file is in a folder or in one of its subfolders.
func isBelow(file, dir string) bool {
	rel, err := filepath.Rel(realPath(dir), realPath(file))
	return err == nil && filepath.IsLocal(rel)
}

// realPath returns the absolute path of a file without links. If the file does not exist, this holds for its nearest
// folder that exists.
func realPath(path string) string {
	if abs, err := filepath.Abs(path); err == nil {
		path = abs
	}
	for folder, rest := path, ""; ; {
		if real, err := filepath.EvalSymlinks(folder); err == nil {
			return filepath.Join(real, rest)
		}
		parent := filepath.Dir(folder)
		if parent == folder {
			return path
		}
		folder, rest = parent, filepath.Join(filepath.Base(folder), rest)
	}
}

// announce records the names of files before they are written to a folder. If the command is killed, the next command
// knows that the files are Harvest's own.
func announce(dir string, files []string) error {
	own, err := ownFiles(dir)
	if err != nil {
		return err
	}
	for _, name := range files {
		own[name] = true
	}
	return listOwn(dir, own)
}

func listOwn(dir string, own map[string]bool) error {
	files := slices.Sorted(maps.Keys(own))
	data, err := json.Marshal(map[string][]string{"files": files})
	if err != nil {
		return err
	}
	return renameio.WriteFile(filepath.Join(dir, ownFile), append(data, '\n'), 0o644)
}

// keepOnly removes earlier files of this program from a locked folder, except for the given files and folders. If
// another command writes to a subfolder, keepOnly waits for it, and says so in notes.
func keepOnly(ctx context.Context, dir string, keep []string, notes io.Writer) error {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return err
	}
	own, err := ownFiles(dir)
	if err != nil {
		return err
	}
	if err := unmarkExport(dir, own); err != nil {
		return err
	}
	for _, entry := range entries {
		name := entry.Name()
		path := filepath.Join(dir, name)
		switch {
		case ignored(name) || slices.Contains(keep, name):
		case entry.IsDir():
			if err := removeOwn(ctx, path, notes); err != nil {
				return err
			}
		case own[name]:
			if err := removeFile(path); err != nil {
				return err
			}
		}
	}
	maps.DeleteFunc(own, func(name string, _ bool) bool { return !slices.Contains(keep, name) })
	return listOwn(dir, own)
}

// unmarkExport removes the files that show that a folder has a complete export: its mark and its card. own are the
// folder's own files.
func unmarkExport(dir string, own map[string]bool) error {
	err := removeFile(filepath.Join(dir, exportMarkFile))
	if err == nil && own[export.CardFile] {
		err = removeFile(filepath.Join(dir, export.CardFile))
	}
	return err
}

// removeOwn removes the folder of a selection or an export, with the files and folders that harvest wrote there. It
// removes the mark of a complete export first. If the folder has other files, the other files and the folder stay. If
// another command writes to the folder, removeOwn waits for it, and says so in notes.
func removeOwn(ctx context.Context, dir string, notes io.Writer) error {
	unlock, err := lockExisting(ctx, dir, notes)
	if errors.Is(err, fs.ErrNotExist) { // the other command has removed it
		return nil
	} else if err != nil {
		return err
	}
	defer unlock()
	if err := removeScratch(dir); err != nil {
		return err
	}
	own, err := ownFiles(dir)
	if err != nil || len(own) == 0 {
		return err
	}
	if err := unmarkExport(dir, own); err != nil {
		return err
	}
	for name := range own {
		path := filepath.Join(dir, name)
		if info, err := os.Lstat(path); err == nil && info.IsDir() {
			if err := removeOwn(ctx, path, notes); err != nil {
				return err
			}
			continue
		}
		if err := removeFile(path); err != nil {
			return err
		}
	}
	if err := removeFile(filepath.Join(dir, ownFile)); err != nil {
		return err
	}
	_ = os.Remove(dir) // it stays if it has other files
	return nil
}
