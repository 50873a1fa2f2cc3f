package embedded

import "math/bits"

// A cue is one observation on a sample, a number in [0, 1].
type cue int

const (
	// Of the conversation.
	long         cue = iota // words of the answers, logarithmic: 1 is 255 words
	longTask                // words of the questions, on the same scale
	bare                    // every answer is three words at most
	options                 // answers to choose from
	verdict                 // a yes or no
	boxAsked                // a box in a question
	boxGiven                // a box or point as an answer
	steps                   // an answer that reasons
	formatted               // a demanded form
	contrast                // an answer that compares
	notation                // mathematical notation
	numbersGiven            // numbers in the answers
	quote                   // a quotation in a question
	caption                 // a description is asked for
	reading                 // a transcription is asked for

	// Of the images; those of their look are the mean over the images.
	textOnly // no image
	several  // more than one
	photo    // a natural image
	page     // much writing
	drawing  // strokes without colour
	chart    // colours and writing on paper
	cueCount
)

// evidence is what is made of a sample's form as a whole.
type evidence [cueCount]float64

// newEvidence is the evidence of a sample with these pairs and images.
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

// saturate lets each further hit count less.
func saturate(n int) float64 { return float64(n) / float64(n+1) }

// magnitude puts a number on a logarithmic scale: 1 is 255. Between powers of two it is linear, so that
// every machine computes the same.
func magnitude(n int) float64 {
	exponent := bits.Len(uint(n+1)) - 1
	return (float64(exponent) + float64(n+1-1<<exponent)/float64(int(1)<<exponent)) / 8
}
