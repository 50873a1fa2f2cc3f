package similarity

import (
	"math/bits"
	"strings"
	"unicode"
)

// Words returns the words and numbers of a text in lower case, without punctuation and spaces.
func Words(text string) []string {
	return strings.FieldsFunc(strings.ToLower(text), func(r rune) bool {
		return !unicode.In(r, unicode.L, unicode.M, unicode.N)
	})
}

// instructions are texts that datasets add to questions. They request a form of the answer, and are not part of the
// question. Half of all samples of public datasets contain an instruction. Each is written in the form of Words.
var instructions = []string{
	"answer the question using a single word or phrase",
	"answer the question with a single word or phrase",
	"answer the question with a single word",
	"answer with the option s letter from the given choices directly",
	"answer with the option letter from the given choices directly",
	"answer with the given letter directly",
	"answer the question by selecting only one option from the given options",
	"please answer yes or no",
	"answer yes or no",
	"answer in one word or phrase",
	"answer the question directly",
	"please answer the question",
	"please provide a short answer",
	"provide a short and direct response",
	"please select the correct answer from the options above",
	"please answer directly with only the letter of the correct option and nothing else",
	"please answer the question and provide the correct option letter e g a b c d at the end",
	"please answer the question and provide the final answer at the end",
	"please answer the question requiring an integer answer and provide the final value e g 1 2 3 at the end",
	"if there is insufficient information write n a",
	"when the provided information is insufficient respond with unanswerable",
	"reference ocr token",
}

// Question returns the form of a text for comparisons: its words, separated by spaces, without options and without the
// instructions that datasets add. If nothing would remain, options and instructions are kept.
func Question(text string) string {
	all := strings.Join(Words(withoutOptions(text)), " ")
	if all == "" {
		all = strings.Join(Words(text), " ")
	}
	question := " " + all + " "
	for _, instruction := range instructions {
		if strings.Contains(question, instruction) {
			question = strings.ReplaceAll(question, " "+instruction+" ", " ")
		}
	}
	if question = strings.Trim(question, " "); question == "" {
		return all
	}
	return strings.TrimPrefix(question, "question ")
}

// HashOf returns a hash of a text (FNV-1a, 64 bits, mixed).
func HashOf(text string) uint64 {
	const offset, prime = 14695981039346656037, 1099511628211
	h := uint64(offset)
	for i := range len(text) {
		h = (h ^ uint64(text[i])) * prime
	}
	return mix(h)
}

// mix makes each bit of the result depend on all bits of a number (Stafford's variant 13 of MurmurHash3's finalizer).
func mix(h uint64) uint64 {
	h = (h ^ h>>30) * 0xbf58476d1ce4e5b9
	h = (h ^ h>>27) * 0x94d049bb133111eb
	return h ^ h>>31
}

// OfText returns the signature of words that are separated by single spaces. It has one bit of each of 256 minhashes
// (Li and König, 2010) over pairs of neighbouring words. If the sets of pairs of two texts have the Jaccard similarity
// j, the signatures differ in 128 x (1 - j) bits on average, with a standard deviation of at most 8.
func OfText(words string) (s Signature) {
	if words == "" {
		return s
	}
	var least [Bits]uint64
	for i := range least {
		least[i] = 1<<64 - 1
	}
	before := uint64(0)
	add := func(word uint64) {
		pair := mix(before ^ bits.RotateLeft64(word, 23))
		for i := range least {
			least[i] = min(least[i], (pair^seeds[i])*multiplier)
		}
		before = word
	}
	for word := range strings.SplitSeq(words, " ") {
		add(HashOf(word))
	}
	add(1)
	for i, l := range least {
		if mix(l)&1 != 0 {
			s.set(i)
		}
	}
	if s.IsZero() {
		s.set(0)
	}
	return s
}

// multiplier is odd, so that multiplying by it maps different numbers to different numbers.
const multiplier = 0x9e3779b97f4a7c15

// seeds make the minhashes different from each other.
var seeds = func() (all [Bits]uint64) {
	for i := range all {
		all[i] = mix(uint64(i+1) * multiplier)
	}
	return all
}()
