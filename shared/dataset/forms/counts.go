package forms

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/harvest-ml/harvest/shared/dataset"
)

// Counts are how many records are written in each form, by its name; "" is the name where none was recognised.
type Counts map[string]int64

// Add counts a sample's form.
func (c Counts) Add(s *dataset.Sample) { c[s.Form]++ }

// AddAll adds other counts.
func (c Counts) AddAll(other Counts) {
	for name, n := range other {
		c[name] += n
	}
}

// unrecognised is what String calls records of no known form.
const unrecognised = "not recognised"

// String names the forms: a single form without its count, several with their counts, the most frequent first. A record
// without images may look like a record of several forms. It counts for the form of the records with images, if there
// is only one such form.
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

// folded are the counts. Records without images are counted with that form, if there is only one.
func (c Counts) folded() Counts {
	counts := maps.Clone(c)
	with := map[string][]string{} // forms that are there, by the form of their records without images
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
