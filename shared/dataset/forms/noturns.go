package forms

import (
	"fmt"
	"slices"
	"strings"

	"github.com/harvest-ml/harvest/shared/dataset/jsontext"
)

const addTurns = "add the turns of a human and the model"

// noTurns says that a record has no turns, what it has instead, and what to do.
func noTurns(fields jsontext.Members) string {
	const most = 10
	if len(fields) == 0 {
		return "the record has none, it is empty; " + addTurns
	}
	var list []string
	for i := 0; i < len(fields); i += 2 {
		if len(list) == most {
			list = append(list, "…")
			break
		}
		list = append(list, jsontext.Quote(jsontext.Text(fields[i]), quoted))
	}
	return "the record has none, only " + strings.Join(list, ", ") + "; " + toDo(fields)
}

// toDo is how a record without turns becomes one that has them.
func toDo(fields jsontext.Members) string {
	r := record{fields: fields}
	for i := 0; i < len(fields); i += 2 {
		key := jsontext.Text(fields[i])
		same := func(name string) bool { return strings.EqualFold(name, key) }
		if at := slices.IndexFunc(turnLists, same); at >= 0 && key != turnLists[at] {
			return fmt.Sprintf("%q is written otherwise: name it %q", key, turnLists[at])
		}
	}
	switch {
	case r.has("question") && r.has("answer"):
		return `name the question "query" and the answer "response", or ` + addTurns
	case r.has("chosen") && r.has("rejected"):
		return `it has two answers: to train on the chosen one, name it "completion"`
	case namesRecords(fields):
		return "the file is one object of records by their names: write them as JSONL, as with " +
			"`jq -c 'to_entries[] | {id: .key} + .value' FILE`"
	default:
		return addTurns
	}
}

// namesRecords reports whether each field of an object holds a record with turns.
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
