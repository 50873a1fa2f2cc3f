package main

import (
	"bytes"
	"fmt"
	"io"
	"unicode"
	"unicode/utf8"
)

// plainText wraps the writer of all output of a command. It escapes characters that act on a terminal: control
// characters except line ends and tabs, marks that change the direction of text, and bytes that are not UTF-8. Ids,
// names and messages can come from datasets, and must not move the cursor or reorder a line. The escapes are valid in
// JSON strings, and mean the same characters there.
type plainText struct{ io.Writer }

// Write implements io.Writer.
func (p plainText) Write(text []byte) (int, error) {
	var shown bytes.Buffer
	from := 0
	for at := 0; at < len(text); {
		r, size := utf8.DecodeRune(text[at:])
		if escape := escaped(r, text[at], size); escape != "" {
			shown.Write(text[from:at])
			shown.WriteString(escape)
			from = at + size
		}
		at += size
	}
	if from == 0 {
		return p.Writer.Write(text)
	}
	shown.Write(text[from:])
	if _, err := p.Writer.Write(shown.Bytes()); err != nil {
		return 0, err
	}
	return len(text), nil
}

// escaped returns the escape of a character with this size and first byte; empty if the character is shown unchanged.
func escaped(r rune, first byte, size int) string {
	switch {
	case r == utf8.RuneError && size == 1:
		return fmt.Sprintf(`\x%02x`, first)
	case r == '\n', r == '\t':
		return ""
	case unicode.IsControl(r), unicode.Is(unicode.Bidi_Control, r):
		return fmt.Sprintf(`\u%04x`, r)
	}
	return ""
}
