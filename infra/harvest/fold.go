package main

import (
	"bytes"
	"io"
	"os"
	"regexp"
	"strings"

	"github.com/jedib0t/go-pretty/v6/text"
	"golang.org/x/term"
)

// terminalWidth is the maximum width of folded text, in columns.
const terminalWidth = 80

// firm replaces a space at which no line may end. It is a character of no language.
const firm = "\ue000"

// unbroken matches a number with its unit, and a command between backticks.
var unbroken = regexp.MustCompile("[0-9] (?:%|(?:[kKMGT]?B|[KMGT]iB|ms|s|min|h)\\b)|`[^`\n]*`")

// bound replaces the spaces at which no line may end.
func bound(words string) string {
	return unbroken.ReplaceAllStringFunc(words, func(part string) string { return strings.ReplaceAll(part, " ", firm) })
}

// loosened replaces bound spaces by spaces.
func loosened(words string) string { return strings.ReplaceAll(words, firm, " ") }

// wrapped divides a line into lines of at most width columns. It ends lines only at spaces, so a longer word, such as a
// path, is on a line of its own.
func wrapped(line string, width int) []string {
	var lines []string
	current, columns := "", 0
	for i, word := range strings.Split(bound(line), " ") {
		wide := text.StringWidthWithoutEscSequences(word)
		if i > 0 && columns+1+wide > width && strings.TrimSpace(current) != "" {
			lines = append(lines, current)
			current, columns = word, wide
			continue
		}
		if i > 0 {
			current, columns = current+" ", columns+1
		}
		current, columns = current+word, columns+wide
	}
	lines = append(lines, current)
	for i, line := range lines {
		lines[i] = strings.TrimRight(loosened(line), " ")
	}
	return lines
}

// folded wraps text between words, and indents each line.
func folded(words, indent string) string {
	var lines []string
	for line := range strings.SplitSeq(words, "\n") {
		for _, part := range wrapped(line, terminalWidth-len(indent)) {
			lines = append(lines, indent+part)
		}
	}
	return strings.Join(lines, "\n")
}

// foldedLines folds each line of a text.
func foldedLines(text string) string {
	var all strings.Builder
	for line := range strings.Lines(text) {
		all.WriteString(folded(strings.TrimSuffix(line, "\n"), "") + "\n")
	}
	return all.String()
}

// hanging folds each line of a text. The further lines of a line are indented more than its first line.
func hanging(text string) string {
	var all strings.Builder
	for line := range strings.Lines(text) {
		words := strings.TrimLeft(line, " ")
		indent := line[:len(line)-len(words)]
		for i, part := range wrapped(strings.TrimSuffix(words, "\n"), terminalWidth-len(indent)-2) {
			if i > 0 {
				part = "  " + part
			}
			all.WriteString(indent + part + "\n")
		}
	}
	return all.String()
}

// A foldedMessages folds the messages of this program at the width of a terminal. A message is a line that begins with
// "harvest: " or "note: ". Other text does not change.
type foldedMessages struct {
	io.Writer
	width func() int
}

// messagesTo returns a writer of messages to a file. It folds messages only if the file is a terminal: other programs
// read a message as one line.
func messagesTo(file *os.File) io.Writer {
	fd := int(file.Fd())
	if !term.IsTerminal(fd) {
		return file
	}
	return foldedMessages{file, func() int {
		if columns, _, err := term.GetSize(fd); err == nil && columns > 0 {
			return columns
		}
		return terminalWidth
	}}
}

// Write implements io.Writer.
func (f foldedMessages) Write(p []byte) (int, error) {
	if !bytes.HasPrefix(p, []byte("harvest: ")) && !bytes.HasPrefix(p, []byte("note: ")) {
		return f.Writer.Write(p)
	}
	var lines []string
	for line := range strings.SplitSeq(string(p), "\n") {
		lines = append(lines, wrapped(line, f.width())...)
	}
	if _, err := io.WriteString(f.Writer, strings.Join(lines, "\n")); err != nil {
		return 0, err
	}
	return len(p), nil
}
