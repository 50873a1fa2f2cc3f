package main

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/harvest-ml/harvest/shared/bucket"
	"github.com/harvest-ml/harvest/shared/report"
	"github.com/harvest-ml/harvest/shared/run"
)

// keepFiles returns an error if an output file, the value of a flag, is an input file or part of a run, or is no file,
// such as a folder or a device.
func keepFiles(flag, written string, read ...string) error {
	if info, err := os.Stat(written); err == nil && info.IsDir() {
		return usageError{fmt.Errorf("--%s %s: it is a folder; give a file", flag, written)}
	} else if err == nil && !info.Mode().IsRegular() {
		return usageError{fmt.Errorf("--%s %s: it is a device or a pipe; give a file", flag, written)}
	}
	if folder := runWith(written); folder != "" && written != "" {
		return usageError{fmt.Errorf("--%s %s: harvest keeps a run in %s; give another file", flag, written, folder)}
	}
	for _, file := range read {
		if sameFile(written, file) {
			return usageError{fmt.Errorf("--%s %s: the command reads this file, which would be replaced; give another file",
				flag, written)}
		}
	}
	return nil
}

// keepForeign returns an error if the folder has a file with one of these names that harvest did not write. Files with
// other names may be in the folder.
func keepForeign(dir string, names ...string) error {
	own, err := ownFiles(dir)
	if err != nil {
		return err
	}
	for _, name := range names {
		if _, err := os.Lstat(filepath.Join(dir, name)); err == nil && !own[name] {
			return usageError{fmt.Errorf("--out %s: it holds %s, which harvest did not write: give another folder, or remove it",
				dir, name)}
		}
	}
	return nil
}

// maxReplaced is the maximum size, in bytes, of a file that keepOthers recognizes. No command writes a larger one.
const maxReplaced = 1 << 30

// keepOthers returns an error if an output file that keepFiles accepted, the value of a flag, exists and is not empty,
// and the command did not write it. wrote reports whether the command writes such content.
func keepOthers(flag, file string, wrote func([]byte) bool) error {
	content, err := bucket.ReadWholeFile(file, maxReplaced)
	if errors.Is(err, fs.ErrNotExist) || err == nil && (len(content) == 0 || wrote(content)) {
		return nil
	}
	return usageError{fmt.Errorf("--%s %s: the file exists, and this command did not write it; give another file", flag,
		file)}
}

// keepPage returns an error if the file of compare --report is in a run, or if it exists, is not empty, and is not such
// a page. state is the value of --state.
func keepPage(file, state string) error {
	if file == "" {
		return nil
	}
	folder, err := stateFolder(state)
	if err != nil {
		return err
	}
	if isBelow(file, filepath.Join(folder, run.Root)) {
		return usageError{fmt.Errorf("--report %s: harvest keeps its runs there, in the state folder %s; give another file",
			file, folder)}
	}
	if err := keepFiles("report", file); err != nil {
		return err
	}
	return keepOthers("report", file, report.IsComparison)
}

// isComparison reports whether a file is a page that compare wrote.
func isComparison(file string) bool {
	if filepath.Ext(file) != ".html" {
		return false
	}
	content, err := bucket.ReadWholeFile(file, maxReplaced)
	return err == nil && report.IsComparison(content)
}

// runWith returns the folder of the run that has a file, in any state folder. It is empty if no run has the file.
func runWith(file string) string {
	for folder := realPath(file); folder != filepath.Dir(folder); folder = filepath.Dir(folder) {
		if filepath.Base(filepath.Dir(folder)) != filepath.Clean(run.Root) {
			continue
		}
		if _, err := os.Stat(filepath.Join(folder, run.PlanFile)); err == nil {
			return folder
		}
	}
	return ""
}

// writeNamed writes a file that the user named, so that it is complete or does not exist. If the file is a link, the
// file to which it leads is written.
func writeNamed(file string, write func(io.Writer) error) error {
	if target, err := filepath.EvalSymlinks(file); err == nil {
		file = target
	}
	return writeWhole(file, write)
}
