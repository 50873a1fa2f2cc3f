// Package spelling finds the name that a person meant by one that does not exist: a command, a flag, a key of a file or
// a field of a request.
package spelling

import (
	"fmt"
	"strings"

	"github.com/agext/levenshtein"
)

// Nearest is the known name that differs least from a word, by insertions, deletions and replacements of characters;
// the first of several. It is empty if each differs in more than a third of its characters, and in more than one.
func Nearest(word string, known []string) string {
	best, least := "", -1
	for _, name := range known {
		distance := levenshtein.Distance(strings.ToLower(word), strings.ToLower(name), nil)
		if distance <= max(1, len(name)/3) && (least < 0 || distance < least) {
			best, least = name, distance
		}
	}
	return best
}

// Hint is a clause that offers the nearest known name, such as `; did you mean "budget"?`, and empty if none is near.
func Hint(word string, known []string) string {
	nearest := Nearest(word, known)
	if nearest == "" {
		return ""
	}
	return fmt.Sprintf("; did you mean %q?", nearest)
}
