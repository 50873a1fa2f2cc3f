package tokenizer

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// next returns the length, in bytes, of the first piece of text for Qwen2's pre-tokeniser. text must not be empty. The
// piece is the match of the regular expression
//
//	(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+
//
// The code matches it by hand: the standard library has no lookahead, and with a library that has it, matching would
// take most of the time of counting.
func next(text string) int {
	if n := contraction(text); n > 0 {
		return n
	}
	first, size := utf8.DecodeRuneInString(text)
	if unicode.IsLetter(first) {
		return size + span(text[size:], unicode.IsLetter)
	}
	if unicode.IsNumber(first) {
		return size
	}
	if !isBreak(first) {
		if n := span(text[size:], unicode.IsLetter); n > 0 {
			return size + n
		}
	}
	marks := 0
	if first == ' ' {
		marks = 1
	}
	if n := span(text[marks:], isMark); n > 0 {
		return marks + n + span(text[marks+n:], isBreak)
	}
	blanks := span(text, unicode.IsSpace)
	if last := strings.LastIndexAny(text[:blanks], "\r\n"); last >= 0 {
		return last + 1
	}
	if _, last := utf8.DecodeLastRuneInString(text[:blanks]); blanks < len(text) && blanks > last {
		return blanks - last // the last blank belongs to the next piece
	}
	return blanks
}

// contraction returns the length of an English ending, such as 'll, at the start of text; 0 if text does not begin with
// such an ending.
func contraction(text string) int {
	if text[0] != '\'' {
		return 0
	}
	for _, ending := range [...]string{"s", "t", "re", "ve", "m", "ll", "d"} {
		if n := 1 + len(ending); len(text) >= n && strings.EqualFold(text[1:n], ending) {
			return n
		}
	}
	return 0
}

// span returns the number of bytes at the start of text whose characters are of a kind.
func span(text string, kind func(rune) bool) int {
	n := strings.IndexFunc(text, func(r rune) bool { return !kind(r) })
	if n < 0 {
		return len(text)
	}
	return n
}

func isBreak(r rune) bool { return r == '\r' || r == '\n' }

func isMark(r rune) bool { return !unicode.IsSpace(r) && !unicode.IsLetter(r) && !unicode.IsNumber(r) }
