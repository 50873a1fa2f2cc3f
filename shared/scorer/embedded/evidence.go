package embedded

import "math/bits"

// A cue is the index of an observation on a sample. The observation's value is in [0, 1].
type cue int

const (
	// Cues of the conversation.
	long         cue = iota // number of words in the answers, on a logarithmic scale: 1 is 255 words
	longTask                // number of words in the questions, on the same scale
	bare                    // every answer has at most three words
	options                 // a question lists answers to choose from
	verdict                 // an answer begins with yes, no, true or false
	boxAsked                // a question contains a box
	boxGiven                // an answer is a box or point
	steps                   // an answer reasons in steps
	formatted               // an answer has a requested form
	contrast                // an answer compares things
	notation                // a text contains mathematical notation
	numbersGiven            // number of numbers in the answers, saturating
	quote                   // a question contains a quotation
	caption                 // a question requests a description
	reading                 // a question requests a transcription

	// Cues of the images. photo, page, drawing and chart are means over the images.
	textOnly // no image
	several  // more than one image
	photo    // a natural image
	page     // a page with much writing
	drawing  // a drawing: strokes without colour
	chart    // a chart: colours and writing on a light background
	cueCount
)

// evidence holds the value of each cue.
type evidence [cueCount]float64

// newEvidence returns the cues of a sample with these pairs and images.
func newEvidence(pairs []pair, question, answer *tally, pictures []imageStats) *evidence {
	e := &evidence{bare: 1}
	note := func(c cue, seen bool) {
		if seen {
			e[c] = 1
		}
	}
	for i := range pairs {
		x := &pairs[i]
		if x.answerTally.words > 3 {
			e[bare] = 0
		}
		note(options, x.options)
		note(verdict, x.verdict)
		note(boxAsked, boxNumbers.in(x.question))
		note(boxGiven, x.box)
		note(steps, x.steps)
		note(formatted, x.formatted)
		note(contrast, x.contrast)
		note(notation, mathSigns.in(x.question) || mathSigns.in(x.answer))
		note(quote, quotation.in(x.question))
		note(caption, captionTask.in(x.question))
		note(reading, readTask.in(x.question))
	}
	e[long], e[longTask] = min(1, magnitude(answer.words)), min(1, magnitude(question.words))
	e[numbersGiven] = saturate(answer.numbers)
	e.see(pictures)
	return e
}

func (e *evidence) see(pictures []imageStats) {
	if len(pictures) == 0 {
		e[textOnly] = 1
		return
	}
	if len(pictures) > 1 {
		e[several] = 1
	}
	for i := range pictures {
		p := &pictures[i]
		n := float64(len(pictures))
		e[photo] += p.photo() / n
		e[page] += p.page() / n
		e[drawing] += p.drawing() / n
		e[chart] += p.chart() / n
	}
}

// saturate maps a count to [0, 1). The higher the count, the less another hit adds.
func saturate(n int) float64 { return float64(n) / float64(n+1) }

// magnitude maps a number to a logarithmic scale, on which 255 is 1. Between powers of two the scale is linear, so that
// every machine computes the same value.
func magnitude(n int) float64 {
	exponent := bits.Len(uint(n+1)) - 1
	return (float64(exponent) + float64(n+1-1<<exponent)/float64(int(1)<<exponent)) / 8
}
