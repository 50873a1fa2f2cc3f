package spelling

import (
	"regexp"
	"strings"
)

// plainWord matches a word that a shell reads without quotes, and that is not a flag.
var plainWord = regexp.MustCompile(`^[\w@%+=:,./][\w@%+=:,./-]*$`)

// ShellWord returns a text as one word of a command line, in quotes if necessary.
func ShellWord(text string) string {
	if plainWord.MatchString(text) {
		return text
	}
	return "'" + strings.ReplaceAll(text, "'", `'\''`) + "'"
}
