package embedded

import "math"

// A cue is one observation on a sample, a number in [0, 1]. The first ones are the topics of the
// questions, then come the topics of the answers: see asked and told.
type cue int

const (
	// Of the conversation.
	always      cue = iota + 2*cue(topicCount) // 1
	long                                       // words of the answers, logarithmic: 1 is 255 words
	longTask                                   // words of the questions, on the same scale
	bare                                       // every answer is three words at most
	options                                    // answers to choose from
	verdict                                    // a yes or no
	boxAsked                                   // a box in a question
	boxTold                                    // a box or point as an answer
	steps                                      // an answer that reasons
	formatted                                  // a demanded form
	contrast                                   // an answer that compares
	notation                                   // mathematical notation
	numbersTold                                // numbers in the answers
	quote                                      // a quotation in a question
	caption                                    // a description is asked for
	reading                                    // a transcription is asked for

	// Of the images; those of their look are the mean over the images.
	textOnly // no image
	several  // more than one
	photo    // a natural image
	page     // much writing
	drawing  // strokes without colour
	chart    // colours and writing on paper
	cueCount
)

// asked is the cue of a topic in the questions, told of a topic in the answers.
func asked(t topic) cue { return cue(t) }
func told(t topic) cue  { return cue(topicCount) + cue(t) }

// evidence is all that the formulas of the capabilities see of a sample.
type evidence [cueCount]float64

// gather observes a sample whose exchanges were read and whose pictures were looked at.
func gather(exchanges []exchange, pictures []picture) *evidence {
	e := &evidence{always: 1, bare: 1}
	note := func(c cue, seen bool) {
		if seen {
			e[c] = 1
		}
	}
	var question, answer tally
	for i := range exchanges {
		x := &exchanges[i]
		question.merge(&x.asked)
		answer.merge(&x.told)
		if x.told.words > 3 {
			e[bare] = 0
		}
		note(options, x.options)
		note(verdict, x.verdict)
		note(boxAsked, boxNumbers.MatchString(x.question))
		note(boxTold, x.box)
		note(steps, x.steps)
		note(formatted, x.formatted)
		note(contrast, x.contrast)
		note(notation, mathSigns.MatchString(x.question) || mathSigns.MatchString(x.answer))
		note(quote, quotation.MatchString(x.question))
		note(caption, captionTask.MatchString(x.question))
		note(reading, readTask.MatchString(x.question))
	}
	for t := range topicCount {
		e[asked(t)], e[told(t)] = saturate(question.topics[t]), saturate(answer.topics[t])
	}
	e[long], e[longTask] = magnitude(answer.words), magnitude(question.words)
	e[numbersTold] = saturate(answer.numbers)
	e.see(pictures)
	return e
}

func (e *evidence) see(pictures []picture) {
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

// magnitude puts a number of words on a logarithmic scale.
func magnitude(words int) float64 { return min(1, math.Log2(1+float64(words))/8) }
