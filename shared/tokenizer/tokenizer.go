// Package tokenizer counts the tokens that a text has in training. It counts with the tokenizer of Qwen2, which
// LLaVA-OneVision, Qwen2-VL, Qwen2.5-VL and Qwen3-VL share.
package tokenizer

import (
	_ "embed"

	"golang.org/x/text/unicode/norm"
)

// packed is the vocabulary, compressed with zstd. For each token, in the order of ranks, it has the number of the
// token's bytes (one byte), and then these bytes. README.md states its origin.
//
//go:embed qwen2.zst
var packed []byte

// size is the number of tokens in the vocabulary, and longest the length of the longest token in bytes.
const (
	size    = 151_643
	longest = 128
)

// maxPiece is the length, in bytes, of the longest piece that is merged as a whole: the time grows with the square of
// the length. A longer piece is counted in parts. Words are shorter.
const maxPiece = 512

// Count returns the number of tokens of a text, without tokens of a chat template. Names of special tokens in the text,
// such as <|im_end|>, count as text. Count is safe for concurrent use. The first call reads the vocabulary, which takes
// about 3 MB of memory.
func Count(text string) int {
	if text == "" {
		return 0
	}
	known, text := vocabulary(), norm.NFC.String(text)
	count := 0
	var m merger
	for text != "" {
		n := next(text)
		piece := text[:n]
		text = text[n:]
		for len(piece) > maxPiece {
			count += m.count(known, piece[:maxPiece])
			piece = piece[maxPiece:]
		}
		count += m.count(known, piece)
	}
	return count
}

// A merger has the parts of a piece while they are merged.
type merger struct {
	starts [maxPiece + 1]int    // the starts of the parts, and the end of the last part
	ranks  [maxPiece + 1]uint32 // rank of the token that each part and the next part make; none if they make no token
}

// count returns the number of tokens of a piece. It begins with single bytes as parts. It repeatedly joins the two
// neighbouring parts that together make the token with the lowest rank, the first such pair if there are several. It
// ends when no two neighbours make a token.
func (m *merger) count(known *tokens, piece string) int {
	if known.rank(piece) != none {
		return 1
	}
	parts := len(piece)
	for i := range parts + 1 {
		m.starts[i] = i
	}
	rank := func(i int) uint32 {
		if i+2 > parts {
			return none
		}
		if joined := piece[m.starts[i]:m.starts[i+2]]; len(joined) <= longest {
			return known.rank(joined)
		}
		return none
	}
	for i := range parts {
		m.ranks[i] = rank(i)
	}
	for {
		best, at := uint32(none), 0
		for i, r := range m.ranks[:parts] {
			if r < best {
				best, at = r, i
			}
		}
		if best == none {
			return parts
		}
		copy(m.starts[at+1:], m.starts[at+2:parts+1])
		copy(m.ranks[at+1:], m.ranks[at+2:parts])
		parts--
		m.ranks[at] = rank(at)
		if at > 0 {
			m.ranks[at-1] = rank(at - 1)
		}
	}
}
