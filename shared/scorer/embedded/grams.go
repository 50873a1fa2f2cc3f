package embedded

import "math"

// A block is a kind of n-gram. Each block has its own buckets.
type block int

const (
	questionWords block = iota
	questionLetters
	answerWords
	answerLetters
	blockCount
)

// bucketBits is the binary logarithm of the number of buckets of a block. The models cannot distinguish two n-grams in
// one bucket. But a few thousand annotated samples have so few n-grams that such collisions are rare.
const bucketBits = 14

// Buckets is the number of buckets of all blocks together.
const Buckets = int(blockCount) << bucketBits

// A Gram is an n-gram of a text, given by its bucket.
type Gram struct {
	Bucket uint32 // below Buckets
	// Weight grows with the logarithm of the number of occurrences; for one occurrence it is 256.
	Weight uint32
}

// Grams are the n-grams of one block of a sample, in the order of their first occurrence. Each bucket is listed once.
type Grams []Gram

// Norm returns the Euclidean norm of the weights.
func (g Grams) Norm() float64 {
	sum := uint64(0)
	for _, gram := range g {
		sum += uint64(gram.Weight) * uint64(gram.Weight)
	}
	return math.Sqrt(float64(sum))
}

// A hasher counts n-grams in buckets. It is reused, because its table is large.
type hasher struct {
	counts  [1 << bucketBits]uint32
	touched []uint32
}

func (h *hasher) count(hash uint64) {
	bucket := uint32(hash * golden >> (64 - bucketBits))
	if h.counts[bucket] == 0 {
		h.touched = append(h.touched, bucket)
	}
	h.counts[bucket]++
}

// take returns the n-grams that were counted, and resets the counts.
func (h *hasher) take(b block) Grams {
	grams := make(Grams, len(h.touched))
	for i, bucket := range h.touched {
		weight := uint32(256 * 8 * magnitude(int(h.counts[bucket])))
		grams[i] = Gram{uint32(b)<<bucketBits | bucket, weight}
		h.counts[bucket] = 0
	}
	h.touched = h.touched[:0]
	return grams
}

// golden is 2^64 divided by the golden ratio. Multiplication by golden spreads a hash over the high bits.
const golden = 0x9e3779b97f4a7c15

// words counts single words and pairs of neighbouring words. It treats all digits as equal, so 12 and 57 are the same
// word.
func (h *hasher) words(tokens []string) {
	previous := uint64(0)
	for _, token := range tokens {
		hash := uint64(14695981039346656037) // FNV-1a
		for i := range len(token) {
			c := token[i]
			if '0' <= c && c <= '9' {
				c = '0'
			}
			hash = (hash ^ uint64(c)) * 1099511628211
		}
		h.count(hash)
		h.count(previous*31 + hash + 1)
		previous = hash
	}
}

// letters counts runs of three and four bytes of each word. A space is added before and after the word.
func (h *hasher) letters(tokens []string) {
	for _, token := range tokens {
		run := uint64(' ')
		for i := range len(token) + 1 {
			c := uint64(' ')
			if i < len(token) {
				c = uint64(token[i])
			}
			run = run<<8 | c
			if i >= 1 {
				h.count(run&0xffffff ^ 3<<40)
			}
			if i >= 2 {
				h.count(run&0xffffffff ^ 4<<40)
			}
		}
	}
}
