package selection

import (
	"errors"
	"fmt"
	"slices"
)

// A Filter has the names to keep and the names to drop. If Keep is empty, all names are kept.
type Filter struct {
	Keep []string `yaml:"keep" json:"keep,omitempty"`
	Drop []string `yaml:"drop" json:"drop,omitempty"`
}

// validate returns an error that names every name that is not in all, or is in both lists.
func (f Filter) validate(field string, all []string) error {
	faults := []error{unknownNames(field+": keep", f.Keep, all...), unknownNames(field+": drop", f.Drop, all...)}
	for _, name := range f.Keep {
		if slices.Contains(f.Drop, name) {
			faults = append(faults,
				fmt.Errorf("%s: %q is both kept and dropped; give it in only one of the lists", field, name))
		}
	}
	return errors.Join(faults...)
}
