package report

import (
	"fmt"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// The most bytes, as HTML, of a text of the dataset that a report shows.
const (
	maxName = 80  // of an id, a source or a file
	maxTurn = 600 // of a turn of a conversation
	maxWhy  = 300 // of a reason
	// maxCommand is that of a command, or of the body of a request, that makes the selection again.
	maxCommand = 4000
)

// clip is the beginning of a text, at most so many bytes as HTML, in which characters that would act are visible:
// control characters, those that turn the direction of writing, and those that have no width.
func clip(text string, most int) string {
	var out strings.Builder
	taken := 0
	for at, r := range text {
		before := out.Len()
		if taken >= most {
			return out.String() + fmt.Sprintf(" … (%s more bytes)", group(len(text)-at))
		}
		switch {
		case r == '\n' || r == '\t' || r == '\u200c' || r == '\u200d': // the last two join letters or keep them apart
			out.WriteRune(r)
		case r == utf8.RuneError || unicode.IsControl(r) || unicode.In(r, unicode.Cf, unicode.Zl, unicode.Zp, unicode.Co):
			fmt.Fprintf(&out, "[U+%04X]", r)
		default:
			out.WriteRune(r)
		}
		taken += out.Len() - before
		if strings.ContainsRune(`"'&<>+`, r) || out.Len()-before > utf8.UTFMax {
			taken += 4 // as html/template writes it
		}
	}
	return out.String()
}

// name is a name of the dataset's as a report shows it, in one line.
func name(text string) string { return clip(strings.Join(strings.Fields(text), " "), maxName) }

// short is a name that fits a label of so many characters.
func short(text string, most int) string {
	runes := []rune(name(text))
	if len(runes) <= most {
		return string(runes)
	}
	return string(runes[:most-1]) + "…"
}

// group writes a number with a comma between thousands.
func group(n int) string {
	digits := strconv.Itoa(n)
	for at := len(digits) - 3; at > 0 && digits[at-1] != '-'; at -= 3 {
		digits = digits[:at] + "," + digits[at:]
	}
	return digits
}

func percent(share float64) string { return fmt.Sprintf("%.1f %%", 100*share) }

func decimal(v float64) string { return fmt.Sprintf("%.2f", v) }

// plural is a count of things; those of which there are several end in s.
func plural(n int, thing string) string {
	if n == 1 {
		return "1 " + thing
	}
	return group(n) + " " + thing + "s"
}
