package forms

import (
	"bytes"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/harvest-ml/harvest/shared/dataset/jsontext"
)

// Types counts the types of values in the fields of a dataset's records and of their turns. The zero value has no
// counts.
type Types struct {
	fields map[string]*[jsontext.Object + 1]int64
}

// Add counts the fields of a record. It ignores an invalid record, and fields without a value.
func (t *Types) Add(raw []byte) {
	value := bytes.TrimSpace(raw)
	if len(value) == 0 || jsontext.SyntaxError(value) != nil || jsontext.TypeOf(value) != jsontext.Object {
		return
	}
	fields := jsontext.Members(jsontext.Items(value))
	t.add("", fields)
	for _, key := range turnLists {
		list := fields.Get(key)
		if jsontext.TypeOf(list) != jsontext.Array {
			continue
		}
		for _, turn := range jsontext.Items(list) {
			if jsontext.TypeOf(turn) == jsontext.Object {
				t.add(key+"[].", jsontext.Items(turn))
			}
		}
	}
}

func (t *Types) add(prefix string, fields jsontext.Members) {
	for i := 0; i < len(fields); i += 2 {
		kind := jsontext.TypeOf(fields[i+1])
		if kind == jsontext.None {
			continue
		}
		if t.fields == nil {
			t.fields = map[string]*[jsontext.Object + 1]int64{}
		}
		name := prefix + jsontext.Text(fields[i])
		counts := t.fields[name]
		if counts == nil {
			counts = new([jsontext.Object + 1]int64)
			t.fields[name] = counts
		}
		counts[kind]++
	}
}

// Mixed returns a text for each field whose values have several types, with the number of values of each type, sorted
// by the names of the fields.
func (t *Types) Mixed() []string {
	var list []string
	for _, name := range slices.Sorted(maps.Keys(t.fields)) {
		var types []string
		for kind, n := range t.fields[name] {
			if n > 0 {
				types = append(types, fmt.Sprintf("%s (%d)", jsontext.Type(kind), n))
			}
		}
		if len(types) > 1 {
			list = append(list, name+" is "+strings.Join(types, " and "))
		}
	}
	return list
}
