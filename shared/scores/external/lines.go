package external

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"

	"github.com/harvest-ml/harvest/shared/dataset/jsontext"
)

// parseLines reads JSON lines.
func parseLines(data []byte) (*Table, error) {
	t := new(Table)
	number, read, end := 0, 0, len(bytes.TrimSpace(data))
	for line := range bytes.Lines(data) {
		number++
		read += len(line)
		if len(bytes.TrimSpace(line)) == 0 {
			continue
		}
		var row map[string]json.RawMessage
		if err := json.Unmarshal(line, &row); err != nil {
			return nil, lineFault(number, err, end-read)
		}
		id, err := idOf(row[IDColumn])
		if err != nil {
			return nil, fault("line %d: %v", number, err)
		}
		fields := jsontext.Members(jsontext.Items(bytes.TrimSpace(line)))
		if twice := fields.Twice(); twice != "" {
			return nil, fault("line %d: the field %s is given twice; give it once", number, shown(twice))
		}
		t.IDs = append(t.IDs, id)
		for i := 0; i < len(fields); i += 2 {
			switch name, value := jsontext.Text(fields[i]), fields[i+1]; {
			case name == IDColumn:
			case jsontext.TypeOf(value) == jsontext.Number:
				v, err := strconv.ParseFloat(string(value), 64)
				if err != nil {
					return nil, fault("line %d: the field %s: the number %s is too large", number, shown(name), value)
				}
				t.set(t.column(name), v)
			case jsontext.TypeOf(value) != jsontext.None:
				t.other(name, "line %d has %s, which is not a number", number, shownValue(value))
			}
		}
	}
	t.fillAll()
	order := slices.Sorted(slices.Values(t.Names)) // the fields of a line have no fixed order
	order = slices.DeleteFunc(order, func(name string) bool { return t.Others[name] != "" })
	sorted := make([][]float64, len(order))
	for i, name := range order {
		sorted[i] = t.Values[slices.Index(t.Names, name)]
	}
	t.Names, t.Values = order, sorted
	return t, nil
}

// lineFault returns the error for a line that is not a JSON object. rest is the number of bytes after the line.
func lineFault(number int, err error, rest int) error {
	switch {
	case !jsontext.EndsWithin(err):
		return fault("line %d: %v", number, err)
	case number > 1 && rest <= 0:
		return fault("line %d: the last line ends within an object, so the file is cut short; download or write it again",
			number)
	default:
		return fault("line %d: the line ends within an object; write each object on one line. If no more lines follow, the "+
			"file is cut short: download or write it again", number)
	}
}

// idOf reads an id in JSON: a text, or the digits of a whole number.
func idOf(raw json.RawMessage) (string, error) {
	var text string
	if json.Unmarshal(raw, &text) == nil && len(raw) > 0 && raw[0] == '"' {
		return text, nil
	}
	if _, err := strconv.ParseInt(string(raw), 10, 64); err == nil {
		return string(raw), nil
	}
	return "", fmt.Errorf("give the field %q, a text or a whole number", IDColumn)
}
