// Package spelling finds the name that a person meant by an unknown name: a command, a flag, a key of a file or a field
// of a request.
package spelling

import (
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/agext/levenshtein"
)

// Nearest returns the known name with the fewest insertions, deletions and replacements of characters from a word; the
// first such name. It is empty if each name differs in more than a third of the word's characters, and in more than
// one.
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

// Hint returns a clause that offers the nearest known name, such as `; did you mean "budget"?`. It is empty if no name
// is near.
func Hint(word string, known []string) string {
	nearest := Nearest(word, known)
	if nearest == "" {
		return ""
	}
	return fmt.Sprintf("; did you mean %q?", nearest)
}

// Names adds a hint to each part of an error that is about an unknown name. The error may be joined from several.
func Names(err error) error {
	if joined, ok := err.(interface{ Unwrap() []error }); ok {
		var hinted []error
		for _, one := range joined.Unwrap() {
			hinted = append(hinted, Names(one))
		}
		return errors.Join(hinted...)
	}
	var unknown interface {
		error
		Unknown() (name string, known []string)
	}
	if !errors.As(err, &unknown) {
		return err
	}
	name, known := unknown.Unknown()
	return fmt.Errorf("%w%s", err, Hint(name, known))
}

// Value returns an error of reading a number, a truth value or a duration in words for its author. It returns other
// errors unchanged.
func Value(value string, err error) error {
	if number, ok := errors.AsType[*strconv.NumError](err); ok {
		switch {
		case errors.Is(number.Err, strconv.ErrRange):
			return fmt.Errorf("%q is too large or too small", value)
		case number.Func == "ParseFloat":
			return fmt.Errorf("%q is not a number", value)
		case number.Func == "ParseBool":
			return fmt.Errorf("%q is neither true nor false", value)
		default:
			return fmt.Errorf("%q is not a whole number", value)
		}
	}
	if strings.Contains(err.Error(), "time: ") {
		return fmt.Errorf("%q is not a duration; give one such as 30s or 5m", value)
	}
	return err
}
