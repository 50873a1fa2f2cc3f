package spelling

import (
	"regexp"
	"strings"
)

// plainWord is what a shell takes as one word that is not a flag, without quotes.
var plainWord = regexp.MustCompile(`^[\w@%+=:,./][\w@%+=:,./-]*$`)

// ShellWord is a text as one word of a command line, in quotes where it needs them.
func ShellWord(text string) string {
	if plainWord.MatchString(text) {
		return text
	}
	return "'" + strings.ReplaceAll(text, "'", `'\''`) + "'"
}
