package forms

import (
	"bytes"
	"encoding/json"
	"regexp"
	"slices"

	"github.com/harvest-ml/harvest/shared/dataset/jsontext"
)

// ordered is an object whose keys keep their order.
type ordered []member

type member struct {
	key   string
	value any
}

// MarshalJSON writes the members in their order.
func (o ordered) MarshalJSON() ([]byte, error) {
	var out objectWriter
	for _, m := range o {
		out.add(m.key, m.value)
	}
	return out.close(), nil
}

// oneLine matches line ends in the JSON of a value.
var oneLine = regexp.MustCompile(`[\r\n]+`)

// An objectWriter writes an object member by member.
type objectWriter struct {
	keys []string
	out  bytes.Buffer
}

func (w *objectWriter) has(key string) bool { return slices.Contains(w.keys, key) }

// add writes a member. It does not change a json.RawMessage, apart from its line ends.
func (w *objectWriter) add(key string, value any) {
	separator := "{"
	if len(w.keys) > 0 {
		separator = ", "
	}
	w.out.WriteString(separator)
	w.write(key)
	w.out.WriteString(": ")
	if raw, ok := value.(json.RawMessage); ok {
		w.out.Write(oneLine.ReplaceAll(raw, []byte(" "))) // line ends are between tokens, because a JSON string has none
	} else {
		w.write(value)
	}
	w.keys = append(w.keys, key)
}

// write writes a value of strings, lists and ordered objects. Encoding such a value cannot fail.
func (w *objectWriter) write(value any) {
	w.out.Write(jsontext.Append(w.out.AvailableBuffer(), value))
}

func (w *objectWriter) close() []byte {
	if len(w.keys) == 0 {
		w.out.WriteString("{")
	}
	w.out.WriteString("}")
	return w.out.Bytes()
}
