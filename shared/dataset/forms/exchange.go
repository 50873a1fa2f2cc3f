package forms

import (
	"encoding/json"
	"fmt"

	"github.com/harvest-ml/harvest/shared/dataset"
	"github.com/harvest-ml/harvest/shared/dataset/jsontext"
)

// An exchange has the names of the fields of a record with one question, its answer, and the earlier conversation.
type exchange struct {
	system, history string
	question        []string // their texts are joined with line breaks
	answer          string
}

// readExchange reads the turns of an exchange.
func (p *parser) readExchange(e exchange) {
	p.conversation = e.answer
	p.use(append(e.question, e.answer, e.history)...)
	p.readSystem(e.system)
	p.readHistory(e.history)
	question := draft{role: dataset.Human, field: e.question[0], absent: true}
	for _, key := range e.question {
		question.absent = question.absent && jsontext.TypeOf(p.fields.Get(key)) == jsontext.None
		pieces, _ := p.content(key, p.fields.Get(key)) // a wrong type is already a problem
		if (draft{pieces: pieces}).blank() {
			continue
		}
		if len(question.pieces) > 0 {
			question.pieces = append(question.pieces, piece{text: "\n"})
		}
		question.pieces = append(question.pieces, pieces...)
	}
	p.turns = append(p.turns, question)
	p.readContent(dataset.Model, e.answer, p.fields.Get(e.answer))
}

// readHistory reads pairs of a question and its answer.
func (p *parser) readHistory(key string) {
	value := p.fields.Get(key)
	switch jsontext.TypeOf(value) {
	case jsontext.None:
		return
	case jsontext.Array:
	default:
		p.wrongType(key, value, `pairs like [["Why?", "So."]]`)
		return
	}
	for i, pair := range jsontext.Items(value) {
		field := fmt.Sprintf("%s[%d]", key, i)
		var said []json.RawMessage
		if jsontext.TypeOf(pair) == jsontext.Array {
			said = jsontext.Items(pair)
		}
		if len(said) != 2 {
			p.wrongType(field, pair, `a pair like ["Why?", "So."]`)
			return
		}
		p.readContent(dataset.Human, field+"[0]", said[0])
		p.readContent(dataset.Model, field+"[1]", said[1])
	}
}
