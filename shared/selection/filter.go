package selection

import (
	"errors"
	"fmt"
	"slices"
)

// A Filter has the names to keep and the names to drop. An empty Keep keeps all.
type Filter struct {
	Keep []string `yaml:"keep" json:"keep,omitempty"`
	Drop []string `yaml:"drop" json:"drop,omitempty"`
}

// validate reports every name that is not in all, or is in both lists.
func (f Filter) validate(field string, all []string) error {
	faults := []error{unknownNames(field+": keep", f.Keep, all...), unknownNames(field+": drop", f.Drop, all...)}
	for _, name := range f.Keep {
		if slices.Contains(f.Drop, name) {
			faults = append(faults,
				fmt.Errorf("%s: %q is both kept and dropped; name it in one of the two", field, name))
		}
	}
	return errors.Join(faults...)
}
