package reference

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/harvest-ml/harvest/shared/rubric"
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

// findCapabilities lists the capabilities of a folder of scores: those requested, or all that it has.
func findCapabilities(folder string, requested []string) ([]string, error) {
	found, hasStyles, err := list(folder)
	switch {
	case err != nil:
		return nil, fmt.Errorf("looking for score files: %w", err)
	case len(found) == 0:
		return nil, fmt.Errorf("looking for score files: none in %s: "+
			"give the folder that holds <capability>%s of every capability and %s%s",
			folder, extension, styleFile, extension)
	case !hasStyles:
		return nil, fmt.Errorf("looking for score files: no %s%s in %s: "+
			"without the samples' styles there are no bins to select from; score them with the styler",
			styleFile, extension, folder)
	case len(requested) == 0:
		return found, nil
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

// list finds the files that the reference's glob *.jsonl finds. Like that glob, it leaves out names that begin with a
// dot.
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
	keywords := rubric.Default().Capabilities
	rank := func(name string) int {
		for i, keyword := range keywords {
			if name == keyword || name == shortNames[i] {
				return i
			}
		}
		return len(keywords)
	}
	slices.SortStableFunc(capabilities, func(a, b string) int { return rank(a) - rank(b) })
	return capabilities, hasStyles, nil
}

// unread are the files of a folder that are named after a capability or the styles, and have another extension.
func unread(folder string, capabilities []string) ([]Finding, error) {
	entries, err := os.ReadDir(folder)
	if err != nil {
		return nil, fmt.Errorf("looking for score files: %w", err)
	}
	known := slices.Concat(capabilities, rubric.Default().Capabilities, shortNames, []string{styleFile})
	var findings []Finding
	for _, entry := range entries {
		name := entry.Name()
		stem, after, _ := strings.Cut(name, ".")
		if !entry.IsDir() && "."+after != extension && slices.Contains(known, stem) {
			findings = append(findings, Finding{File: filepath.Join(folder, name), Kind: UnreadFile, Count: 1})
		}
	}
	return findings, nil
}

func scorePath(folder, name string) string { return filepath.Join(folder, name+extension) }
