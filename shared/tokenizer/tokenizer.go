// Package tokenizer counts the tokens that a text has in training. It counts with the tokenizer of Qwen2, which
// LLaVA-OneVision, Qwen2-VL, Qwen2.5-VL and Qwen3-VL share.
package tokenizer

import (
	"bytes"
	_ "embed"
	"fmt"
	"io"
	"math"
	"sync"

	"github.com/andybalholm/brotli"
	"golang.org/x/text/unicode/norm"
)

// packed is the vocabulary, compressed with brotli. For each token, in the order of ranks, it has the number of the
// token's bytes (one byte), and then these bytes. README.md states its origin.
//
//go:embed qwen2.br
var packed []byte

// size is the number of tokens in the vocabulary, and longest the length of the longest token in bytes.
const (
	size    = 151_643
	longest = 128
)

// maxPiece is the length, in bytes, of the longest piece that is merged as a whole: the time grows with the square of
// the length. A longer piece is counted in parts. Words are shorter.
const maxPiece = 512

// ranks returns the rank of each token, by the token's bytes. Tokens with the lowest rank are merged first.
var ranks = sync.OnceValue(func() map[string]uint32 {
	plain, err := io.ReadAll(brotli.NewReader(bytes.NewReader(packed)))
	if err != nil {
		panic(fmt.Sprintf("the embedded vocabulary: %v", err)) // it is part of the program, and a test checks it
	}
	text, all := string(plain), make(map[string]uint32, size)
	for text != "" {
		n := 1 + int(text[0])
		all[text[1:n]] = uint32(len(all))
		text = text[n:]
	}
	return all
})

// Count returns the number of tokens of a text, without tokens of a chat template. Names of special tokens in the text,
// such as <|im_end|>, count as text. Count is safe for concurrent use. The first call reads the vocabulary, which takes
// about 10 MB of memory.
func Count(text string) int {
	if text == "" {
		return 0
	}
	known, text := ranks(), norm.NFC.String(text)
	tokens := 0
	var m merger
	for text != "" {
		n := next(text)
		piece := text[:n]
		text = text[n:]
		for len(piece) > maxPiece {
			tokens += m.count(known, piece[:maxPiece])
			piece = piece[maxPiece:]
		}
		tokens += m.count(known, piece)
	}
	return tokens
}

// A merger has the parts of a piece while they are merged.
type merger struct {
	starts [maxPiece + 1]int    // the starts of the parts, and the end of the last part
	ranks  [maxPiece + 1]uint32 // rank of the token that each part and the next part make; none if they make no token
}

// none is the rank of bytes that are not a token.
const none = math.MaxUint32

// count returns the number of tokens of a piece. It begins with single bytes as parts. It repeatedly joins the two
// neighbouring parts that together make the token with the lowest rank, the first such pair if there are several. It
// ends when no two neighbours make a token.
func (m *merger) count(known map[string]uint32, piece string) int {
	if _, whole := known[piece]; whole {
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
			if r, ok := known[joined]; ok {
				return r
			}
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
