package reference

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/harvest-ml/harvest/shared/rubric"
	"github.com/harvest-ml/harvest/shared/selection"
)

const (
	extension = ".jsonl"
	styleFile = "style" // without its extension
)

// shortNames are the reference's names of the default rubric's capabilities, in the rubric's order.
var shortNames = []string{
	"spatial", "attribute", "logical", "scene", "finegrained", "language", "incontext",
	"comparative", "activity", "causal", "humanities", "stem", "data", "ocr",
}

// findCapabilities returns the requested capabilities of a folder of scores. If none are requested, it returns all
// capabilities of the folder.
func findCapabilities(folder string, requested []string) ([]string, error) {
	if info, err := os.Stat(folder); err == nil && !info.IsDir() {
		return nil, fmt.Errorf("looking for score files: %s is a file: give its folder, which has <capability>%s of "+
			"every capability and %s%s", folder, extension, styleFile, extension)
	}
	found, hasStyles, err := list(folder)
	if err != nil {
		return nil, fmt.Errorf("looking for score files: %w", err)
	}
	unread, err := misnamed(folder, found)
	switch {
	case err != nil:
		return nil, err
	case len(found) == 0:
		return nil, fmt.Errorf("looking for score files: none in %s: "+
			"give the folder that has <capability>%s of every capability and %s%s%s",
			folder, extension, styleFile, extension, fixes(unread))
	case !hasStyles:
		return nil, fmt.Errorf("looking for score files: no %s%s in %s: "+
			"without the samples' styles there are no bins to select from; score them with the styler%s",
			styleFile, extension, folder, fixes(unread))
	case len(requested) == 0:
		return found, twice(folder, found)
	}
	var faults []error
	for i, name := range requested {
		switch {
		case !slices.Contains(found, name):
			faults = append(faults, fmt.Errorf("looking for score files: no capability %q in %s: it has %s",
				name, folder, strings.Join(found, ", ")))
		case slices.Contains(requested[:i], name):
			faults = append(faults,
				fmt.Errorf("looking for score files: capability %q is named twice; name it once", name))
		}
	}
	return slices.Clone(requested), errors.Join(faults...)
}

// list finds the same files as the reference's glob *.jsonl. Like the glob, it leaves out names that begin with a dot.
func list(folder string) (capabilities []string, hasStyles bool, err error) {
	entries, err := os.ReadDir(folder)
	if err != nil {
		return nil, false, err
	}
	for _, entry := range entries {
		name, ok := strings.CutSuffix(entry.Name(), extension)
		switch {
		case !ok || entry.IsDir() || strings.HasPrefix(entry.Name(), "."):
		case name == styleFile:
			hasStyles = true
		default:
			capabilities = append(capabilities, name)
		}
	}
	slices.SortStableFunc(capabilities, func(a, b string) int { return rank(a) - rank(b) })
	return capabilities, hasStyles, nil
}

// unread returns the findings of files that have the name of a capability or of the styles, but not the name of a score
// file.
func unread(folder string, capabilities []string) ([]Finding, error) {
	files, err := misnamed(folder, capabilities)
	var findings []Finding
	for _, f := range files {
		findings = append(findings, Finding{File: filepath.Join(folder, f.name), Kind: UnreadFile, Count: 1})
	}
	return findings, err
}

// A misname has the name of a file that is probably a score file, and the name that it should have.
type misname struct{ name, want string }

// misnamed returns these files of a folder. They have another extension, or nearly the name of the file of styles.
func misnamed(folder string, capabilities []string) ([]misname, error) {
	entries, err := os.ReadDir(folder)
	if err != nil {
		return nil, fmt.Errorf("looking for score files: %w", err)
	}
	known := slices.Concat(capabilities, rubric.Default().Capabilities, shortNames)
	var files []misname
	for _, entry := range entries {
		name := entry.Name()
		stem, read := strings.CutSuffix(name, extension)
		if !read {
			stem, _, _ = strings.Cut(name, ".")
		}
		want := selection.SimplifiedName(stem)
		at := slices.IndexFunc(known, func(c string) bool { return selection.SimplifiedName(c) == want })
		switch {
		case entry.IsDir() || name == styleFile+extension || strings.HasPrefix(name, "."):
		case isStyle(stem):
			files = append(files, misname{name, styleFile + extension})
		case !read && at >= 0:
			files = append(files, misname{name, known[at] + extension})
		}
	}
	return files, nil
}

// maxMisnamed is the largest number of files that an error names.
const maxMisnamed = 3

// fixes returns a text with the fix for each file.
func fixes(files []misname) string {
	var text strings.Builder
	for _, f := range files[:min(len(files), maxMisnamed)] {
		fix := "write its objects, one object a line, to"
		switch ending := strings.ToLower(filepath.Ext(f.name)); {
		case slices.Contains([]string{".gz", ".zst", ".bz2", ".xz", ".zip"}, ending):
			fix = "unpack it to"
		case strings.Contains(strings.ToLower(f.name), extension): // such as Style.jsonl and style.jsonl~
			fix = "rename it to"
		}
		fmt.Fprintf(&text, "; %s exists, but is not read: %s %s", f.name, fix, f.want)
	}
	return text.String()
}

func scorePath(folder, name string) string { return filepath.Join(folder, name+extension) }
