package recipe

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"

	"github.com/harvest-ml/harvest/shared/dataset/jsontext"
)

// metaEntry converts an entry of a meta file of InternVL.
func metaEntry(fields jsontext.Members) (Entry, error) {
	e := Entry{File: textOf(fields, "annotation"), Images: textOf(fields, "root")}
	if e.File == "" {
		return Entry{}, fmt.Errorf("annotation: it is missing; set it to the file of the records")
	}
	if value := fields.Get("repeat_time"); jsontext.TypeOf(value) == jsontext.Number {
		repeat, err := strconv.ParseFloat(string(value), 64)
		if err != nil || repeat <= 0 {
			return Entry{}, fmt.Errorf("repeat_time: %s; write a number above 0", value)
		}
		if repeat != 1 {
			e.Repeat = repeat
		}
	}
	return e, nil
}

// metaFields returns the fields of an entry that change in the recipe of a subset, with their new values. A subset does
// not repeat records.
func metaFields(p Part) map[string]any {
	return map[string]any{"annotation": p.File, "repeat_time": 1, "length": p.Records}
}

// writeObject returns an object that has an entry for each part, by the part's name. values returns the fields that
// differ from those of the original entry.
func writeObject(parts []Part, values func(Part) map[string]any) ([]byte, error) {
	var out bytes.Buffer
	out.WriteString("{")
	for i, part := range parts {
		if i > 0 {
			out.WriteString(",")
		}
		if err := writeMember(&out, "\n  ", part.Name, json.RawMessage("{")); err != nil {
			return nil, err
		}
		set := values(part)
		separator := ""
		write := func(key string, value any) error {
			err := writeMember(&out, separator+"\n    ", key, value)
			separator = ","
			return err
		}
		for j := 0; j < len(part.fields); j += 2 {
			key := jsontext.Text(part.fields[j])
			var value any = part.fields[j+1]
			if other, ok := set[key]; ok {
				value = other
				delete(set, key)
			}
			if err := write(key, value); err != nil {
				return nil, err
			}
		}
		for _, key := range slices.Sorted(maps.Keys(set)) {
			if err := write(key, set[key]); err != nil {
				return nil, err
			}
		}
		out.WriteString("\n  }")
	}
	out.WriteString("\n}\n")
	return out.Bytes(), nil
}

// writeMember writes a key and a value; a json.RawMessage is written unchanged.
func writeMember(out *bytes.Buffer, before, key string, value any) error {
	name, err := json.Marshal(key)
	if err != nil {
		return err
	}
	raw, ok := value.(json.RawMessage)
	if !ok {
		if raw, err = json.Marshal(value); err != nil {
			return err
		}
	}
	out.WriteString(before)
	out.Write(name)
	out.WriteString(": ")
	out.Write(raw)
	return nil
}
