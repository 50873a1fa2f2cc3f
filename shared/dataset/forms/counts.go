package forms

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/harvest-ml/harvest/shared/dataset"
)

// Counts has the number of records in each form, by the name of the form. Records of no known form have the name "".
type Counts map[string]int64

// Add counts a sample's form.
func (c Counts) Add(s *dataset.Sample) { c[s.Form]++ }

// AddAll adds other counts.
func (c Counts) AddAll(other Counts) {
	for name, n := range other {
		c[name] += n
	}
}

// unrecognised is the name that String uses for records of no known form.
const unrecognised = "not recognised"

// String returns the names of the forms: a single form without its count, several forms with their counts, the most
// frequent form first. A record without images may look like a record of several forms. If all records with images have
// one of these forms, it is counted with that form.
func (c Counts) String() string {
	counts := c.folded()
	names := slices.SortedFunc(maps.Keys(counts), func(a, b string) int {
		return cmp.Or(cmp.Compare(counts[b], counts[a]), cmp.Compare(a, b))
	})
	var list []string
	for _, name := range names {
		label := cmp.Or(name, unrecognised)
		if len(names) == 1 {
			return label
		}
		list = append(list, fmt.Sprintf("%s (%d)", label, counts[name]))
	}
	return strings.Join(list, ", ")
}

// folded returns the counts for String: records without images are counted with the form of the records with images, if
// there is only one such form.
func (c Counts) folded() Counts {
	counts := maps.Clone(c)
	with := map[string][]string{} // forms of the records, by the form that their records without images look like
	for _, form := range Table() {
		if form.plain != "" && counts[form.Name] > 0 {
			with[form.plain] = append(with[form.plain], form.Name)
		}
	}
	for plain, names := range with {
		if len(names) == 1 && counts[plain] > 0 {
			counts[names[0]] += counts[plain]
			delete(counts, plain)
		}
	}
	return counts
}
