package forms

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/harvest-ml/harvest/shared/dataset"
	"github.com/harvest-ml/harvest/shared/dataset/jsontext"
)

const addTurns = "add the turns of a human and the model"

// exchanges are the pairs of fields that have a question and its answer.
var exchanges = [][2]string{
	{"prompt", "completion"}, {"query", "response"}, {"instruction", "output"}, {"question", "answer"},
}

// failNoTurns records a problem: the record has no turns in the field key.
func (p *parser) failNoTurns(key string) {
	empty := func(name string) bool { return p.fields.Get(name) != nil && !p.has(name) }
	for _, name := range append(slices.Clone(turnLists), "texts") {
		if empty(name) {
			p.fail(dataset.NoConversation, name, "the field is "+emptiness(p.fields.Get(name))+"; "+addTurns)
		}
	}
	for _, e := range exchanges {
		question, answer := e[0], e[1]
		switch {
		case empty(question) && (p.has(answer) || empty(answer)):
			p.fail(dataset.EmptyTurn, question, "the question is "+emptiness(p.fields.Get(question))+
				"; write it there, or remove the record")
		case p.has(question) && empty(answer):
			p.fail(dataset.EmptyTurn, answer, "the answer to "+jsontext.Quote(question, quoted)+" is "+
				emptiness(p.fields.Get(answer))+"; write it there, or remove the record")
		case question != "question" && p.has(question) && !p.has(answer, "chosen", "rejected"):
			p.fail(dataset.NoAnswer, answer, "the record has "+jsontext.Quote(question, quoted)+" and no "+
				jsontext.Quote(answer, quoted)+"; add the answer under this name, or remove the record")
		case question == "prompt" && p.has(answer) && !p.has(question):
			p.fail(dataset.NoQuestion, question, `the record has "completion" and no "prompt"; add the question under this `+
				"name, or remove the record")
		}
	}
	if empty(key) {
		p.fail(dataset.NoConversation, key, "the field is "+emptiness(p.fields.Get(key))+"; "+addTurns)
	}
	p.fail(dataset.NoConversation, key, noTurns(p.fields))
}

// emptiness describes an empty value.
func emptiness(value json.RawMessage) string {
	switch jsontext.TypeOf(value) {
	case jsontext.None:
		return "null"
	case jsontext.String:
		return "an empty text"
	default:
		return "an empty list"
	}
}

// noTurns returns a message about a record without turns: its fields, and the fix.
func noTurns(fields jsontext.Members) string {
	const most = 10
	if len(fields) == 0 {
		return "the record has no fields; " + addTurns
	}
	var list []string
	for i := 0; i < len(fields); i += 2 {
		if len(list) == most {
			list = append(list, "…")
			break
		}
		list = append(list, jsontext.Quote(jsontext.Text(fields[i]), quoted))
	}
	return "the record has no turns, only " + strings.Join(list, ", ") + "; " + toDo(fields)
}

// toDo returns the fix for a record without turns.
func toDo(fields jsontext.Members) string {
	r := record{fields: fields}
	for i := 0; i < len(fields); i += 2 {
		key := jsontext.Text(fields[i])
		same := func(name string) bool { return strings.EqualFold(name, key) }
		if at := slices.IndexFunc(turnLists, same); at >= 0 && key != turnLists[at] {
			return fmt.Sprintf("rename %q to %q", key, turnLists[at])
		}
	}
	switch {
	case r.has("question") && r.has("answer"):
		return `name the question "query" and the answer "response", or ` + addTurns
	case r.has("chosen") && r.has("rejected") && !r.has("prompt"):
		return `it has two answers, with the question in each: to train on the chosen answer, rename its field to "messages"`
	case r.has("chosen") && r.has("rejected"):
		return `it has two answers: to train on the chosen answer, rename its field to "completion"`
	case namesRecords(fields):
		return "the file is one object whose keys name its records: write the records as JSONL, as with " +
			"`jq -c 'to_entries[] | {id: .key} + .value' FILE`"
	default:
		return addTurns
	}
}

// namesRecords reports whether each field of an object has a record with turns.
func namesRecords(fields jsontext.Members) bool {
	for i := 1; i < len(fields); i += 2 {
		if jsontext.TypeOf(fields[i]) != jsontext.Object {
			return false
		}
		if _, turns := jsontext.Members(jsontext.Items(fields[i])).First(turnLists...); !jsontext.Holds(turns) {
			return false
		}
	}
	return true
}
