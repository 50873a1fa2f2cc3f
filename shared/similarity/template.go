package similarity

import (
	"regexp"
	"strings"
	"unicode"
)

// maxTemplate is the largest length of a template in bytes. The rest of a longer template is cut off.
const maxTemplate = 160

var (
	// optionLine matches a line of a multiple-choice question with an option, or with the heading of the options.
	optionLine = regexp.MustCompile(`(?mi)^\s*(\(?[a-z0-9][).:]\s|(options|choices)\b).*$`)
	// inlineOptions matches options within a line: (a) red (b) green.
	inlineOptions = regexp.MustCompile(`(?i)\(a\).*\(b\).*`)
	quotedText    = regexp.MustCompile(`"[^"\n]*"|“[^”\n]*”|‘[^’\n]*’|` + "`[^`\n]*`" + `|(^|[\s(])'[^'\n]*'`)
	number        = regexp.MustCompile(`[0-9]+([.,:/%-]*[0-9]+)*`)
)

// withoutOptions returns a question without the options of a multiple-choice question.
func withoutOptions(text string) string {
	if strings.Contains(text, "\n") {
		text = optionLine.ReplaceAllString(text, " ")
	}
	if strings.Contains(text, "(") {
		text = inlineOptions.ReplaceAllString(text, " ")
	}
	return text
}

const digits = "0123456789"

// notInTemplate reports whether a character is neither a part of a word nor a placeholder for omitted text (# or _).
func notInTemplate(r rune) bool {
	return !unicode.In(r, unicode.L, unicode.M) && !strings.ContainsRune("#_'", r)
}

// Template returns the text that questions of one template have in common. It is in lower case, without options and
// punctuation. # replaces numbers, and _ replaces quoted text. It has at most 160 bytes. It is empty for a text without
// words.
func Template(text string) string {
	text = strings.ToLower(withoutOptions(text))
	for _, rule := range []struct {
		where       string // each match contains one of these characters
		pattern     *regexp.Regexp
		replacement string
	}{
		{"\"'“‘`", quotedText, "$1 _ "}, {digits, number, " # "},
	} {
		if strings.ContainsAny(text, rule.where) {
			text = rule.pattern.ReplaceAllString(text, rule.replacement)
		}
	}
	text = strings.Join(strings.FieldsFunc(text, notInTemplate), " ")
	if len(text) <= maxTemplate {
		return text
	}
	if end := strings.LastIndexByte(text[:maxTemplate+1], ' '); end > 0 {
		return text[:end]
	}
	return strings.ToValidUTF8(text[:maxTemplate], "")
}
