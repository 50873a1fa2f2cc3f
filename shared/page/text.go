package page

import (
	"fmt"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// maxName is the largest size of an id, a source or a file name on a page, in bytes of HTML.
const maxName = 80

// Clip cuts a text to at most so many bytes of HTML. It replaces characters that would change the look of a page with
// visible characters: control characters, marks that change the direction of writing, and characters without width.
func Clip(text string, most int) string {
	var out strings.Builder
	taken := 0
	for at, r := range text {
		before := out.Len()
		if taken >= most {
			return out.String() + fmt.Sprintf(" … (%s more bytes)", Group(len(text)-at))
		}
		switch {
		// the last two characters join letters or separate them
		case r == '\n' || r == '\t' || r == '\u200c' || r == '\u200d':
			out.WriteRune(r)
		case r == utf8.RuneError || unicode.IsControl(r) || unicode.In(r, unicode.Cf, unicode.Zl, unicode.Zp, unicode.Co):
			fmt.Fprintf(&out, "[U+%04X]", r)
		default:
			out.WriteRune(r)
		}
		taken += out.Len() - before
		if strings.ContainsRune(`"'&<>+`, r) || out.Len()-before > utf8.UTFMax {
			taken += 4 // html/template writes it as an escape
		}
	}
	return out.String()
}

// Name returns a name from the dataset in the form for a page: one line of at most maxName bytes of HTML.
func Name(text string) string { return Clip(strings.Join(strings.Fields(text), " "), maxName) }

// Short cuts a name to the length of a label, in characters.
func Short(text string, most int) string {
	runes := []rune(Name(text))
	if len(runes) <= most {
		return string(runes)
	}
	return string(runes[:most-1]) + "…"
}

// Group formats a number with a comma between thousands.
func Group(n int) string {
	digits := strconv.Itoa(n)
	for at := len(digits) - 3; at > 0 && digits[at-1] != '-'; at -= 3 {
		digits = digits[:at] + "," + digits[at:]
	}
	return digits
}

// Percent formats a share with one decimal.
func Percent(share float64) string { return fmt.Sprintf("%.1f %%", 100*share) }

// Decimal formats a number with two decimals.
func Decimal(v float64) string { return fmt.Sprintf("%.2f", v) }

// Plural formats a count of things. It adds an s to thing unless n is 1.
func Plural(n int, thing string) string {
	if n == 1 {
		return "1 " + thing
	}
	return Group(n) + " " + thing + "s"
}
