package forms

import (
	"encoding/json"
	"strconv"

	"github.com/harvest-ml/harvest/shared/dataset/jsontext"
)

// cauldron returns the form of The Cauldron, as JSON.
func cauldron() Form {
	return Form{
		Name:  "The Cauldron",
		Shape: `{"images": ["coco/1.jpg"], "texts": [{"user": "Why?", "assistant": "So.", "source": "vqav2"}]}`,
		Reads: "each text is a question and its answer, and all texts are one sample; without marks, images come before " +
			"the first question; without a source in the record, the source of the first text is used",
		is:     func(r record) bool { return r.turns == nil && len(r.texts()) > 0 },
		turns:  readTexts,
		images: usualImages,
	}
}

// texts returns the texts of a record of The Cauldron or FineVision; nil if the record does not have such texts.
func (r record) texts() []json.RawMessage {
	value := r.fields.Get("texts")
	if jsontext.TypeOf(value) != jsontext.Array {
		return nil
	}
	texts := jsontext.Items(value)
	for _, text := range texts {
		if jsontext.TypeOf(text) != jsontext.Object {
			return nil
		}
		if _, said := jsontext.Members(jsontext.Items(text)).First("user", "assistant"); said == nil {
			return nil
		}
	}
	return texts
}

// readTexts reads the texts of a record as turns.
func readTexts(p *parser) {
	p.conversation = "texts"
	p.use("texts")
	p.readSystem("system")
	for i, text := range p.list("texts", p.fields.Get("texts")) {
		field := "texts[" + strconv.Itoa(i) + "]"
		if jsontext.TypeOf(text) != jsontext.Object {
			p.wrongType(field, text, `a text like {"user": "Why?", "assistant": "So."}`)
			return
		}
		members := jsontext.Members(jsontext.Items(text))
		p.readPair(field, members)
		source := members.Get("source")
		if !jsontext.Holds(source) {
			continue
		}
		isText := jsontext.TypeOf(source) == jsontext.String
		if isText && p.part == "" {
			p.part = jsontext.Text(source)
		}
		if !isText || p.ownSource() != "" || jsontext.Text(source) != p.part {
			p.lose(field + ".source")
		}
	}
}
