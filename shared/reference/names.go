package reference

import (
	"slices"

	"github.com/harvest-ml/harvest/shared/rubric"
	"github.com/harvest-ml/harvest/shared/selection"
	"github.com/harvest-ml/harvest/shared/spelling"
)

// rank returns the position of a capability in the default rubric. Its name is the keyword or the reference's short
// name, in any case, with "_" or "-" for a space. For another name, rank returns the rubric's number of capabilities.
func rank(name string) int {
	keywords := rubric.Default().Capabilities
	name = selection.SimplifiedName(name)
	for i, keyword := range keywords {
		if name == selection.SimplifiedName(keyword) || name == shortNames[i] {
			return i
		}
	}
	return len(keywords)
}

// nearest returns the name of the default rubric that a wrong name probably means, or "" if none is near.
func nearest(name string) string {
	known := slices.Concat(rubric.Default().Capabilities, shortNames)
	name = selection.SimplifiedName(name)
	for _, o := range originals(name) {
		if name = o.name; slices.Contains(shortNames, name) {
			break
		}
	}
	return spelling.Nearest(name, known)
}

// ofRubric reports whether most of the capabilities of a folder are the default rubric's or have names that are nearly
// the rubric's. Then the others are unlikely to be those of an own rubric.
func ofRubric(capabilities []string) bool {
	known := 0
	for _, name := range capabilities {
		numbered := slices.ContainsFunc(originals(name), func(o original) bool { return o.bare })
		if rank(name) < len(shortNames) || !numbered && nearest(name) != "" {
			known++
		}
	}
	return 2*known > len(capabilities)
}

// others returns the names that are not in the default rubric.
func others(capabilities []string) (names []string) {
	for _, name := range capabilities {
		if rank(name) == len(shortNames) {
			names = append(names, name)
		}
	}
	return names
}

// misspelt are the names of a folder's capabilities that are probably wrong, and the default rubric's capabilities that
// have no file although most have. An own rubric has neither.
func misspelt(folder string, capabilities []string) (findings []Finding) {
	if !ofRubric(capabilities) {
		return nil
	}
	keywords := rubric.Default().Capabilities
	for _, name := range others(capabilities) {
		findings = append(findings, Finding{
			File: scorePath(folder, name), Capability: name, Kind: UnknownCapability, Count: 1,
			Nearest: nearest(name),
		})
	}
	inUse := keywords
	short := func(name string) bool { return slices.Contains(shortNames, selection.SimplifiedName(name)) }
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
