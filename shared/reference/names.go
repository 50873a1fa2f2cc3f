package reference

import (
	"fmt"
	"slices"
	"strings"

	"github.com/harvest-ml/harvest/shared/rubric"
	"github.com/harvest-ml/harvest/shared/spelling"
)

// rank is the place of a capability in the default rubric, by its keyword or its short name; for another name it is the
// number of capabilities of the rubric.
func rank(name string) int {
	keywords := rubric.Default().Capabilities
	for i, keyword := range keywords {
		if name == keyword || name == shortNames[i] {
			return i
		}
	}
	return len(keywords)
}

// ofRubric reports whether most of the capabilities of a folder are the default rubric's, so that the others are
// unlikely to be those of an own rubric.
func ofRubric(capabilities []string) bool {
	return 2*len(capabilities)-2*len(others(capabilities)) > len(capabilities)
}

// others are the names that are not of the default rubric.
func others(capabilities []string) (names []string) {
	for _, name := range capabilities {
		if rank(name) == len(shortNames) {
			names = append(names, name)
		}
	}
	return names
}

// twice is the error of a folder in which two files give one capability of the default rubric.
func twice(folder string, capabilities []string) error {
	if !ofRubric(capabilities) {
		return nil
	}
	for i, name := range capabilities { // in the rubric's order
		if i > 0 && rank(name) < len(shortNames) && rank(name) == rank(capabilities[i-1]) {
			return fmt.Errorf("looking for score files: %s%s and %s%s in %s give the same capability; remove one of them",
				capabilities[i-1], extension, name, extension, folder)
		}
	}
	return nil
}

// misspelt are the names of a folder's capabilities that are probably wrong, and the default rubric's capabilities that
// have no file although most have. An own rubric has neither.
func misspelt(folder string, capabilities []string) (findings []Finding) {
	if !ofRubric(capabilities) {
		return nil
	}
	keywords := rubric.Default().Capabilities
	names := slices.Concat(keywords, shortNames)
	for _, name := range others(capabilities) {
		word, _, _ := strings.Cut(name, " (") // a copy has a number: "ocr (1)"
		findings = append(findings, Finding{
			File: scorePath(folder, name), Capability: name, Kind: UnknownCapability, Count: 1,
			Nearest: spelling.Nearest(word, names),
		})
	}
	inUse := keywords
	short := func(name string) bool { return slices.Contains(shortNames, name) }
	if 2*len(slices.DeleteFunc(slices.Clone(capabilities), short)) < len(capabilities) {
		inUse = shortNames
	}
	var missing []Finding
	for i, name := range inUse {
		if !slices.ContainsFunc(capabilities, func(c string) bool { return rank(c) == i }) {
			missing = append(missing, Finding{
				File: scorePath(folder, name), Capability: name, Kind: MissingCapability, Count: 1,
			})
		}
	}
	if 2*len(missing) < len(keywords) {
		findings = append(findings, missing...)
	}
	return findings
}
