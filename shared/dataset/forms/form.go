package forms

import (
	"bytes"
	"encoding/json"

	"github.com/harvest-ml/harvest/shared/dataset/jsontext"
)

// A Form is a structure of records: the fields that have a conversation and its images.
type Form struct {
	// Name is the name of the form in commands, messages and files.
	Name string
	// Shape is an example of a record of the form, as JSON. Reads explains details that the example does not show.
	Shape, Reads string

	// plain is the name of the form that a record of this form looks like if it has no images; empty if there is no single
	// such form.
	plain string
	// is reports whether a record has the form.
	is func(record) bool
	// turns reads the turns of a record. images reads the images that are not in turns.
	turns, images func(*parser)
}

// Table returns the forms of records, in the order in which they are tried. The first form that fits a record is its
// form.
func Table() []Form {
	others := []Form{
		openAIParts(), qwenParts(), chatParts(), swift(), openAI(),
		qwenVL(), internVL(), shareGPT(), llava(), pairs(),
		swiftQuery(), alpaca(), trlPair(), fineVision(), cauldron(),
	}
	return append([]Form{imageFolder(others)}, others...)
}

// Names returns the names of the forms, in the order of Table.
func Names() []string {
	var names []string
	for _, form := range Table() {
		names = append(names, form.Name)
	}
	return names
}

// recognised returns the form of a record. If no form of the table fits, it returns a form without a name that reads
// any list of turns.
func recognised(table []Form, fields jsontext.Members) Form {
	r := record{fields: fields}
	r.key, r.turns = firstList(fields, turnLists...)
	for _, form := range table {
		if form.is(r) {
			return form
		}
	}
	return Form{turns: listOf(turnLists...), images: usualImages}
}

// firstList returns the first of these fields that is a list and not empty. If there is no such field, it returns the
// first field that is not null.
func firstList(fields jsontext.Members, keys ...string) (string, json.RawMessage) {
	for _, key := range keys {
		if value := fields.Get(key); jsontext.TypeOf(value) == jsontext.Array && jsontext.Holds(value) {
			return key, value
		}
	}
	return fields.First(keys...)
}

// turnLists are the fields that may have the list of turns. A record's turns are in the first of these fields that is
// not empty.
var turnLists = []string{"conversations", "messages", "conversation"}

// listOf returns a function that reads the turns of the list in the first of these fields that is not empty.
func listOf(keys ...string) func(*parser) { return func(p *parser) { p.readList(keys...) } }

// usualImages reads the images of the fields image and images, which most forms have.
func usualImages(p *parser) { p.readImages("image", "images") }

// A record has the parts of a record that are needed to recognise its form.
type record struct {
	fields jsontext.Members
	// key is the field of the list of turns. turns is its value; nil if the record has no such field.
	key   string
	turns json.RawMessage
}

// hasList reports whether the record has its turns in this field.
func (r record) hasList(key string) bool { return r.turns != nil && r.key == key }

// has reports whether one of the fields is not empty.
func (r record) has(keys ...string) bool {
	for _, key := range keys {
		if jsontext.Holds(r.fields.Get(key)) {
			return true
		}
	}
	return false
}

// hasPart reports whether the function is returns true for a content part of one of the record's turns. To save time,
// it returns false if the record does not contain word.
func (r record) hasPart(word string, is func(part jsontext.Members) bool) bool {
	if jsontext.TypeOf(r.turns) != jsontext.Array || !bytes.Contains(r.turns, []byte(word)) ||
		bytes.IndexByte(r.turns[1:], '[') < 0 { // no turn has a list of parts
		return false
	}
	for _, turn := range jsontext.Items(r.turns) {
		if jsontext.TypeOf(turn) != jsontext.Object {
			continue
		}
		_, content := jsontext.Members(jsontext.Items(turn)).First("content", "value")
		if jsontext.TypeOf(content) != jsontext.Array {
			continue
		}
		for _, part := range jsontext.Items(content) {
			if jsontext.TypeOf(part) == jsontext.Object && is(jsontext.Items(part)) {
				return true
			}
		}
	}
	return false
}
