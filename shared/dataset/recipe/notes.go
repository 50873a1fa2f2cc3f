package recipe

import (
	"fmt"
	"maps"
	"path"
	"regexp"
	"slices"
	"strconv"
)

// Note returns a message if a trainer repeats or leaves out records of the entry, because a subset does not do so. It
// returns "" if the trainer uses each record once.
func (e Entry) Note() string {
	if e.Repeat == 0 {
		return ""
	}
	how := fmt.Sprintf("makes a trainer repeat the records %g times", e.Repeat)
	if e.Repeat < 1 {
		how = fmt.Sprintf("makes a trainer use only the first %g of the records", e.Repeat)
	}
	return fmt.Sprintf("entry %q: repeat_time %s; Harvest rates each record once, and a subset has repeat_time 1", e.Name,
		how)
}

// partName matches the name of a file of a numbered series, such as train-00000-of-00012.parquet.
var partName = regexp.MustCompile(`^(.*?\D|)(\d+)(-of-)(\d+)(\D.*|)$`)

// MissingParts returns a message for each numbered series (see partName) that has missing files. Numbers begin at 1 if
// the series has a file whose number is the total, otherwise at 0.
func MissingParts(names []string) (notes []string) {
	type series struct{ folder, before, of, after string }
	present := map[series]map[int]bool{}
	for _, name := range names {
		m := partName.FindStringSubmatch(path.Base(name))
		if m == nil {
			continue
		}
		number, err := strconv.Atoi(m[2])
		if err != nil {
			continue
		}
		s := series{path.Dir(name), m[1], m[3] + m[4], m[5]}
		if present[s] == nil {
			present[s] = map[int]bool{}
		}
		present[s][number] = true
	}
	inOrder := slices.SortedFunc(maps.Keys(present), func(a, b series) int {
		return slices.Compare([]string{a.folder, a.before, a.of, a.after}, []string{b.folder, b.before, b.of, b.after})
	})
	for _, s := range inOrder {
		digits := s.of[len("-of-"):]
		total, err := strconv.Atoi(digits)
		there := present[s]
		if err != nil || len(there) >= total {
			continue
		}
		first := 0
		if there[total] {
			first = 1
		}
		missing := first
		for there[missing] {
			missing++
		}
		note := fmt.Sprintf("%s%0*d%s%s is missing", s.before, len(digits), missing, s.of, s.after)
		if more := total - len(there) - 1; more > 0 {
			note = fmt.Sprintf("%s%0*d%s%s and %d more are missing", s.before, len(digits), missing, s.of, s.after, more)
		}
		notes = append(notes, fmt.Sprintf("%s: the names state %d files, but %d are given; the subset is made from them",
			note, total, len(there)))
	}
	return notes
}
