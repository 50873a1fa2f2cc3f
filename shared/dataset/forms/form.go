package forms

import (
	"bytes"
	"encoding/json"

	"github.com/harvest-ml/harvest/shared/dataset/jsontext"
)

// A Form is a way of writing a conversation and its images in a record.
type Form struct {
	// Name is how commands, messages and files name the form.
	Name string
	// Shape is an example of a record of the form, as JSON. Reads explains how it is read where that is not clear.
	Shape, Reads string

	// plain is the name of the form that a record without images looks like; empty if that varies.
	plain string
	// is reports whether a record has the form.
	is func(record) bool
	// turns reads the turns of a record, images the images that no turn holds.
	turns, images func(*parser)
}

// Table are the forms of records, in the order in which they are tried. The first one that fits a record is its form.
func Table() []Form {
	others := []Form{
		openAIParts(), qwenParts(), chatParts(), swift(), openAI(),
		qwenVL(), internVL(), shareGPT(), llava(), pairs(),
		swiftQuery(), alpaca(), trlPair(), fineVision(), cauldron(),
	}
	return append([]Form{imageFolder(others)}, others...)
}

// Names are the names of the forms, in the order of Table.
func Names() []string {
	var names []string
	for _, form := range Table() {
		names = append(names, form.Name)
	}
	return names
}

// recognised is the form of a record. If none fits, it is a form without a name that takes any list of turns.
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

// firstList is the first of some fields that is a list which holds anything; if none is, the first that is not null.
func firstList(fields jsontext.Members, keys ...string) (string, json.RawMessage) {
	for _, key := range keys {
		if value := fields.Get(key); jsontext.TypeOf(value) == jsontext.Array && jsontext.Holds(value) {
			return key, value
		}
	}
	return fields.First(keys...)
}

// turnLists are the fields of lists of turns. The first that holds anything is the record's.
var turnLists = []string{"conversations", "messages", "conversation"}

// listOf reads the turns of a list under one of some names.
func listOf(keys ...string) func(*parser) { return func(p *parser) { p.readList(keys...) } }

// usualImages reads the images of the fields that most forms have.
func usualImages(p *parser) { p.readImages("image", "images") }

// A record has the parts of a record by which its form is recognised.
type record struct {
	fields jsontext.Members
	// key is the field of a list of turns and turns its value, nil where there is none.
	key   string
	turns json.RawMessage
}

// hasList reports whether the record has turns in a field of that name.
func (r record) hasList(key string) bool { return r.turns != nil && r.key == key }

// has reports whether one of the fields holds anything.
func (r record) has(keys ...string) bool {
	for _, key := range keys {
		if jsontext.Holds(r.fields.Get(key)) {
			return true
		}
	}
	return false
}

// hasPart reports whether is is true of a content part in one of the record's turns. To be fast, it looks at parts only
// if the record contains word.
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
