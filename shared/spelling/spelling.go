// Package spelling finds, for an unknown name, the known name that a person probably meant. Names are those of
// commands, flags, keys of files and fields of requests.
package spelling

import (
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/agext/levenshtein"
)

// Nearest returns the known name that differs from a word in the fewest characters (insertions, deletions and
// replacements), the first if there are several. It returns an empty text if every known name differs in more than one
// character and in more than a third of its length.
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

// Hint returns a clause with the nearest known name, such as `; did you mean "budget"?`. It is empty if no name is
// near.
func Hint(word string, known []string) string {
	nearest := Nearest(word, known)
	if nearest == "" {
		return ""
	}
	return fmt.Sprintf("; did you mean %q?", nearest)
}

// Names adds a hint to an error about an unknown name. In a joined error, it adds hints to all such parts.
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

// Value converts an error of parsing a number, a truth value or a duration to a message for the author of the value. It
// returns other errors unchanged.
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
