package similarity

import (
	"strings"

	"github.com/harvest-ml/harvest/shared/dataset"
)

// What counts as near. README.md says what was measured.
const (
	// ImageMost is the most bits in which the shapes of near images differ.
	ImageMost = 32
	// lightMost and colourMost are the largest differences of a cell's brightness and colour, in levels of 0 to 255.
	lightMost, colourMost = 10, 6
	// TextMost is the most bits in which near texts differ: a Jaccard similarity of about .875, one word of thirty.
	TextMost = 16
)

// Near says whether two images are nearly equal, and in how many bits their shapes differ, 0 to 256.
func (a Image) Near(b Image) (distance int, near bool) {
	if !a.Shape.Within(b.Shape, ImageMost) {
		return Bits, false
	}
	light, colour := a.differences(b)
	return a.Shape.Distance(b.Shape), light <= lightMost && colour <= colourMost
}

// A Content is the part of a sample, or of an item of an evaluation set, that is compared.
type Content struct {
	// Hashes identify the bytes of its images: equal bytes have equal hashes. Images describe how the same images look.
	Hashes []string
	Images []Image
	Text
}

// A Text is the part of the questions of a sample that is compared.
type Text struct {
	// Words is the signature of all questions, one after the other.
	Words Signature
	// Questions are hashes of each of them, as Question writes it.
	Questions []uint64
}

// Questions are the human's turns of a sample that scorers see, without images.
func Questions(sample *dataset.Sample) (questions []string) {
	for _, turn := range sample.Rated() {
		if turn.Role == dataset.Human {
			questions = append(questions, strings.TrimSpace(strings.Join(turn.Pieces(), " ")))
		}
	}
	return questions
}

// TextOf is the Text of questions.
func TextOf(questions []string) Text {
	var t Text
	var all []string // with words in them
	for _, q := range questions {
		q = Question(q)
		t.Questions = append(t.Questions, HashOf(q))
		if q != "" {
			all = append(all, q)
		}
	}
	t.Words = OfText(strings.Join(all, " "))
	return t
}

// wordless is the hash of a question without words, such as one of an image alone, or `?!`.
var wordless = HashOf("")

// near says whether two texts are nearly equal, or have a question in common, and in how many bits their words differ:
// 0 with a question in common. Two texts without words are equal.
func (t Text) near(other Text) (distance int, near bool) {
	if t.Words.IsZero() && other.Words.IsZero() {
		return 0, true
	}
	for _, a := range t.Questions {
		for _, b := range other.Questions {
			if a == b && a != wordless {
				return 0, true
			}
		}
	}
	return t.Words.Distance(other.Words), t.Words.Within(other.Words, TextMost)
}
