package tokenizer

import (
	"fmt"
	"hash/maphash"
	"math"
	"sync"

	"github.com/klauspost/compress/zstd"
)

// none is the rank of bytes that are not a token.
const none = math.MaxUint32

// slots is the number of places of the hash table of tokens, a power of two. More than a third of them stay empty.
const slots = 1 << 18

// tokens finds the rank of a token by its bytes. It is a hash table instead of a map, because each command needs it and
// a map takes three times as long to fill.
type tokens struct {
	text  []byte        // the vocabulary, not compressed
	ends  []uint32      // the end of each token in text, by rank
	table [slots]uint32 // rank of a token, plus 1; 0 for an empty place
	seed  maphash.Seed
}

// vocabulary returns the tokens. Tokens with the lowest rank are merged first.
var vocabulary = sync.OnceValue(func() *tokens {
	t := &tokens{ends: make([]uint32, 0, size), seed: maphash.MakeSeed()}
	decoder, err := zstd.NewReader(nil, zstd.WithDecoderConcurrency(1))
	if err == nil {
		defer decoder.Close()
		t.text, err = decoder.DecodeAll(packed, nil)
	}
	if err != nil {
		panic(fmt.Sprintf("the embedded vocabulary: %v", err)) // it is part of the program, and a test checks it
	}
	for begin := 0; begin < len(t.text); {
		end := begin + 1 + int(t.text[begin])
		at := maphash.Bytes(t.seed, t.text[begin+1:end]) % slots
		for t.table[at] != 0 {
			at = (at + 1) % slots
		}
		t.ends = append(t.ends, uint32(end))
		t.table[at] = uint32(len(t.ends))
		begin = end
	}
	return t
})

// begin returns the offset of a token in text: the byte of its length.
func (t *tokens) begin(rank uint32) uint32 {
	if rank == 0 {
		return 0
	}
	return t.ends[rank-1]
}

// rank returns the rank of a token; none if the bytes are not a token.
func (t *tokens) rank(token string) uint32 {
	for at := maphash.String(t.seed, token) % slots; t.table[at] != 0; at = (at + 1) % slots {
		rank := t.table[at] - 1
		if string(t.text[t.begin(rank)+1:t.ends[rank]]) == token {
			return rank
		}
	}
	return none
}
