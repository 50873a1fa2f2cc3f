package main

import (
	"bytes"
	"fmt"
	"io"
	"unicode"
	"unicode/utf8"
)

// plainText is the writer of all that a command prints. It escapes characters that a terminal obeys rather than shows:
// control characters but the ends of lines and tabs, marks that change the direction of text, and bytes that are no
// UTF-8. Ids, names and messages come from datasets, whose authors must not move the cursor or reorder a line. In a
// string of JSON an escaped character is the same character.
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

// escaped is what is shown for a character of a size, of which first is the first byte; empty if it is shown as it is.
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
