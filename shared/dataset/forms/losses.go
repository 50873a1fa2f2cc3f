package forms

import (
	"slices"

	"github.com/harvest-ml/harvest/shared/dataset"
	"github.com/harvest-ml/harvest/shared/dataset/jsontext"
)

// A LossError reports that a record cannot be converted without a loss.
type LossError struct {
	Field  string // path of the field, in the record, that would be lost
	Detail string // the reason
}

// Error returns the field and the reason.
func (e *LossError) Error() string { return e.Field + ": " + e.Detail }

const (
	noPlace   = "the other form has no place for it"
	otherwise = "a field of this name has another meaning in the other form"
)

// losses has the facts about a record that a conversion needs in addition to its sample.
type losses struct {
	used []string // fields whose content is in the sample
	lost []string // paths of fields that are in no sample
	// prompt is the number of turns before the completion; 0 in forms other than TRL's.
	prompt int
	// inFront is the number, from 1, of the turn before which images without a place were put; 0 if there are no such
	// images.
	inFront int
	// mark is the mark in the turns' texts that is the place of an image; empty if there was no such mark.
	mark string
}

// use records that the content of these fields is in the sample.
func (p *parser) use(fields ...string) {
	if p.losses != nil {
		p.losses.used = append(p.losses.used, fields...)
	}
}

// lose records that the content of a field is not in the sample.
func (p *parser) lose(field string) {
	if p.losses != nil {
		p.losses.lost = append(p.losses.lost, field)
	}
}

// keepOnly records that the content of an object's fields is lost, except for known and empty fields. The value false
// is not empty: in ms-swift, the field loss of a turn may be false.
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

// loss returns the content that the record would lose in an output. It returns nil if no loss is known before the
// conversion.
func (p *parser) loss(to output) *LossError {
	if len(p.losses.lost) > 0 {
		return &LossError{p.losses.lost[0], noPlace}
	}
	for _, other := range p.others() {
		if !other.same {
			return &LossError{other.fields[0], "its conversation differs from that in " + p.conversation + ", which was read"}
		}
	}
	return p.lossOfPrompt(to)
}

// lossOfPrompt returns an error if an output would lose the place where the prompt ends, because its trainers train on
// each answer. Nothing is lost if the completion begins with the first answer.
func (p *parser) lossOfPrompt(to output) *LossError {
	begin := p.losses.prompt
	if begin == 0 || to.pairs() {
		return nil
	}
	for _, turn := range p.turns[:begin] {
		if turn.role == dataset.Model {
			return &LossError{turn.field, "it is an answer in the prompt, on which TRL does not train; trainers of the other " +
				"form would train on it"}
		}
	}
	if first := p.turns[begin]; first.role != dataset.Model {
		return &LossError{first.field, "the completion does not begin with an answer; the other form does not mark where " +
			"the prompt ends"}
	}
	return nil
}
