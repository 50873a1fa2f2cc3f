package similarity

import (
	"strings"

	"github.com/harvest-ml/harvest/shared/dataset"
)

// The limits within which images and texts are near. README.md has measurements.
const (
	// ImageMost is the largest number of bits in which the shapes of near images differ.
	ImageMost = 32
	// lightMost and colourMost are the largest differences of a cell's brightness and colour, in levels of 0 to 255.
	lightMost, colourMost = 10, 6
	// TextMost is the largest number of bits in which near texts differ. It corresponds to a Jaccard similarity of about
	// .875: one word in thirty differs.
	TextMost = 16
)

// Near reports whether two images are nearly equal. distance is the number of bits, 0 to 256, in which their shapes
// differ.
func (a Image) Near(b Image) (distance int, near bool) {
	if !a.Shape.Within(b.Shape, ImageMost) {
		return Bits, false
	}
	light, colour := a.differences(b)
	return a.Shape.Distance(b.Shape), light <= lightMost && colour <= colourMost
}

// A Content is the part of a sample, or of an item of an evaluation set, that is compared.
type Content struct {
	// Hashes has a hash of the bytes of each image. Images has the summary of each image, in the same order.
	Hashes []string
	Images []Image
	Text
}

// A Text is the part of the questions of a sample that is compared.
type Text struct {
	// Words is the signature of all questions together.
	Words Signature
	// Questions has the hash of each question in the form of Question.
	Questions []uint64
}

// Questions returns the texts of the human's turns that scorers read, without image marks.
func Questions(sample *dataset.Sample) (questions []string) {
	for _, turn := range sample.Rated() {
		if turn.Role == dataset.Human {
			questions = append(questions, strings.TrimSpace(strings.Join(turn.Pieces(), " ")))
		}
	}
	return questions
}

// TextOf returns the Text of questions.
func TextOf(questions []string) Text {
	var t Text
	var all []string // questions with words
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

// wordless is the hash of a question without words, such as a question that is only an image, or `?!`.
var wordless = HashOf("")

// near reports whether two texts are nearly equal, or have a question in common. distance is the number of bits in
// which their words differ; 0 with a common question. Two texts without words are equal.
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
