package forms

import (
	"slices"

	"github.com/harvest-ml/harvest/shared/dataset"
	"github.com/harvest-ml/harvest/shared/dataset/jsontext"
)

// A LossError says that a record cannot be converted without a loss.
type LossError struct {
	Field  string // what would be lost: the path of a field in the record
	Detail string // why
}

// Error is the field and why it would be lost.
func (e *LossError) Error() string { return e.Field + ": " + e.Detail }

const (
	noPlace   = "the other form has no place for it"
	otherwise = "a field of this name says something else in the other form"
)

// losses are what a conversion has to know of a record next to its sample.
type losses struct {
	used []string // fields whose content is in the sample
	lost []string // paths of fields that are in no sample
	// prompt is how many turns are before the completion; 0 in other forms than TRL's.
	prompt int
	// inFront is the number, from 1, of the turn before which images without a place were put; 0 if none were.
	inFront int
	// mark is the mark in the turns' texts that was the place of an image; empty if there was none.
	mark string
}

// use notes that the content of fields is in the sample.
func (p *parser) use(fields ...string) {
	if p.losses != nil {
		p.losses.used = append(p.losses.used, fields...)
	}
}

// lose notes that a field is in no sample.
func (p *parser) lose(field string) {
	if p.losses != nil {
		p.losses.lost = append(p.losses.lost, field)
	}
}

// keepOnly notes the fields of an object as lost that hold anything, except for the known ones. False says something:
// the loss of a turn of ms-swift.
func (p *parser) keepOnly(field string, object jsontext.Members, known ...string) {
	if p.losses == nil {
		return
	}
	for i := 0; i < len(object); i += 2 {
		if key := jsontext.Text(object[i]); !slices.Contains(known, key) &&
			(jsontext.Holds(object[i+1]) || jsontext.TypeOf(object[i+1]) == jsontext.Bool) {
			p.lose(field + "." + key)
		}
	}
}

// loss is what the record would lose in an output, nil if that is nothing that is known before it is converted.
func (p *parser) loss(to output) *LossError {
	if len(p.losses.lost) > 0 {
		return &LossError{p.losses.lost[0], noPlace}
	}
	for _, other := range p.others() {
		if !other.same {
			return &LossError{other.fields[0], "it is another conversation than " + p.conversation + ", which was read"}
		}
	}
	return p.lossOfPrompt(to)
}

// lossOfPrompt is the loss of where a prompt ends, in a form whose trainers train on each answer. Nothing is lost if
// the completion begins with the first answer.
func (p *parser) lossOfPrompt(to output) *LossError {
	begin := p.losses.prompt
	if begin == 0 || to.pairs() {
		return nil
	}
	for _, turn := range p.turns[:begin] {
		if turn.role == dataset.Model {
			return &LossError{turn.field, "it is an answer in the prompt, which is not trained on; the other form " +
				"would train on it"}
		}
	}
	if first := p.turns[begin]; first.role != dataset.Model {
		return &LossError{first.field, "the completion does not begin with an answer; the other form does not say where " +
			"the prompt ends"}
	}
	return nil
}
