package spelling

import (
	"regexp"
	"strings"
)

// plainWord matches a word that a shell takes without quotes, and that is not a flag.
var plainWord = regexp.MustCompile(`^[\w@%+=:,./][\w@%+=:,./-]*$`)

// ShellWord is a text as one word of a command line, in quotes where it needs them.
func ShellWord(text string) string {
	if plainWord.MatchString(text) {
		return text
	}
	return "'" + strings.ReplaceAll(text, "'", `'\''`) + "'"
}
