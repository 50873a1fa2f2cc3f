package selection

import (
	"maps"
	"slices"
	"strings"
)

// SimplifiedName returns a name in lower case, with one space for each group of spaces, "_", "-" and dashes, and
// without spaces at its ends. Names of capabilities with the same simplified name are spellings of one name.
func SimplifiedName(name string) string {
	name = strings.NewReplacer("_", " ", "-", " ", "–", " ", "—", " ").Replace(strings.ToLower(name))
	return strings.Join(strings.Fields(name), " ")
}

// KnownName returns the known name that a name means: the equal one, or else the only one with the same simplified
// name. If there is none, it returns the name itself.
func KnownName(name string, known []string) string {
	if slices.Contains(known, name) {
		return name
	}
	found, simplified := name, SimplifiedName(name)
	for _, k := range known {
		if SimplifiedName(k) != simplified {
			continue
		}
		if found != name {
			return name // two names are meant
		}
		found = k
	}
	return found
}

// withKnown returns the rules with the names of these capabilities in place of their other spellings.
func (r Rules) withKnown(capabilities []string) Rules {
	if len(r.Capabilities) > 0 {
		r.Capabilities = slices.Clone(r.Capabilities)
		for i, name := range r.Capabilities {
			r.Capabilities[i] = KnownName(name, capabilities)
		}
	}
	r.Weights, r.Thresholds = knownKeys(r.Weights, capabilities), knownKeys(r.Thresholds, capabilities)
	return r
}

// knownKeys replaces the keys of a map by the known names. If two keys mean the same name, one of them stays as it is,
// so that it is refused as unknown.
func knownKeys[V any](of map[string]V, known []string) map[string]V {
	named := maps.Clone(of)
	for _, name := range slices.Sorted(maps.Keys(of)) {
		to := KnownName(name, known)
		if _, twice := named[to]; !twice {
			named[to] = of[name]
			delete(named, name)
		}
	}
	return named
}
