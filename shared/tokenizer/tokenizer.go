// Package tokenizer counts the tokens of a text as Qwen2's tokenizer does, which LLaVA-OneVision, Qwen2-VL, Qwen2.5-VL
// and Qwen3-VL share. Its one job is to say what a text costs in training.
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

// packed is the vocabulary: the bytes of each token behind their number (one byte), by rank, compressed by brotli.
// README.md says where it comes from.
//
//go:embed qwen2.br
var packed []byte

// size is how many tokens the vocabulary has, and longest the bytes of the longest one.
const (
	size    = 151_643
	longest = 128
)

// maxPiece is the longest piece, in bytes, that is merged as a whole: time grows with the square of it. A longer one,
// which no word is, counts as several.
const maxPiece = 512

// ranks are the ranks of all tokens by their bytes. A lower one is merged first.
var ranks = sync.OnceValue(func() map[string]uint32 {
	plain, err := io.ReadAll(brotli.NewReader(bytes.NewReader(packed)))
	if err != nil {
		panic(fmt.Sprintf("the embedded vocabulary: %v", err)) // it is part of the program, and a test reads it
	}
	text, all := string(plain), make(map[string]uint32, size)
	for text != "" {
		n := 1 + int(text[0])
		all[text[1:n]] = uint32(len(all))
		text = text[n:]
	}
	return all
})

// Count is how many tokens a text has, without any token that a chat template adds. Names of special tokens in it, such
// as <|im_end|>, count as text. It is safe for concurrent use; the first call reads the vocabulary, which takes about
// 10 MB.
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

// A merger holds the parts of a piece while they are merged.
type merger struct {
	starts [maxPiece + 1]int    // where parts start, and the end of the last one
	ranks  [maxPiece + 1]uint32 // of each part joined with the next
}

// none is the rank of what is no token.
const none = math.MaxUint32

// count is how many tokens a piece has: of its bytes, the two neighbours whose join has the lowest rank are joined, the
// first ones of equals, until no join is a token.
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
