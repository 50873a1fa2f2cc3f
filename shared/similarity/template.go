package similarity

import (
	"regexp"
	"strings"
	"unicode"
)

// maxTemplate is the length of a template, in bytes, from which on the rest is left out.
const maxTemplate = 160

var (
	// optionLine is a line of a multiple-choice question that is one of its options, or announces them.
	optionLine = regexp.MustCompile(`(?mi)^\s*(\(?[a-z0-9][).:]\s|(options|choices)\b).*$`)
	// inlineOptions are options within a line: (a) red (b) green.
	inlineOptions = regexp.MustCompile(`(?i)\(a\).*\(b\).*`)
	quotedText    = regexp.MustCompile(`"[^"\n]*"|“[^”\n]*”|‘[^’\n]*’|` + "`[^`\n]*`" + `|(^|[\s(])'[^'\n]*'`)
	number        = regexp.MustCompile(`[0-9]+([.,:/%-]*[0-9]+)*`)
)

// withoutOptions leaves out the options of a multiple-choice question.
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

// notInTemplate says whether a character is neither part of a word nor the mark for left-out words.
func notInTemplate(r rune) bool {
	return !unicode.In(r, unicode.L, unicode.M) && !strings.ContainsRune("#_'", r)
}

// Template is what questions of one template have in common: the text in lower case, without options, with # for
// numbers and _ for what is in quotes, words alone, and no more than 160 bytes of it. Empty for a text without
// words.
func Template(text string) string {
	text = strings.ToLower(withoutOptions(text))
	for _, rule := range []struct {
		where       string // one of these characters is in all that matches
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
