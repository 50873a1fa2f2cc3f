package report

import (
	"strings"
	"unicode"

	webpage "github.com/harvest-ml/harvest/shared/page"
)

// label returns a name, shortened to a width. The width is in units of the font's height. A shortened name ends with an
// ellipsis.
func label(text string, width float64) string {
	text = webpage.Name(text)
	if textSize(text) <= width {
		return text
	}
	width -= runeSize('…')
	for at, r := range text {
		if width -= runeSize(r); width < 0 {
			return text[:at] + "…"
		}
	}
	return text
}

// textSize estimates the width of a text, in units of the font's height. The estimate is slightly larger than the width
// in DejaVu Sans, the widest of the usual sans-serif fonts.
func textSize(text string) (size float64) {
	for _, r := range text {
		size += runeSize(r)
	}
	return size
}

func runeSize(r rune) float64 {
	switch {
	case unicode.Is(unicode.M, r): // drawn on the previous letter
		return 0
	case r >= 0x1100: // East Asian letters, pictographs, and rare characters
		return 1
	case strings.ContainsRune("ijlIft|!.,:;' ()[]/-", r):
		return 0.37
	case strings.ContainsRune("mwMW%@—…", r):
		return 1
	case unicode.IsUpper(r):
		return 0.8
	case r > unicode.MaxASCII:
		return 0.75
	default:
		return 0.63
	}
}
