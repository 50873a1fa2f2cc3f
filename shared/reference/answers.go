package reference

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
)

// An answer is one line of a score file.
type answer struct {
	idx idx
	// text is the answer's bytes between its quotes, if JSON needs no escape for them; else nil.
	text []byte
	// value is the answer as JSON, empty if there is none. It is used if text is nil.
	value json.RawMessage
}

// String is the answer as messages write it, in quotes; a long one is cut.
func (a answer) String() string {
	var text string
	switch {
	case a.text != nil:
		return quote(string(a.text))
	case len(a.value) == 0:
		return "no pred_response"
	case string(a.value) == "null":
		return "null"
	case json.Unmarshal(a.value, &text) == nil:
		return quote(text)
	}
	return quote(string(a.value))
}

// parseAnswer reads a line. Nearly all of tens of millions have the form that the reference
// writes, which is read fast; the others give the same result by encoding/json.
func parseAnswer(line []byte) (answer, error) {
	if a, ok := parsePlain(line); ok {
		return a, nil
	}
	// A map, because a struct's fields would match names in any case.
	var fields map[string]json.RawMessage
	if err := json.Unmarshal(line, &fields); err != nil {
		var syntax *json.SyntaxError
		if errors.As(err, &syntax) {
			return answer{}, fmt.Errorf("no JSON object (%w)", err)
		}
		return answer{}, errors.New("no JSON object")
	}
	id, err := parseIdx(fields["idx"])
	return answer{idx: id, value: fields["pred_response"]}, err
}

// parsePlain reads {"idx": 7, "pred_response": "4"} with or without these blanks, and declines
// anything else.
func parsePlain(line []byte) (a answer, ok bool) {
	line, ok = bytes.CutPrefix(line, []byte(`{"idx":`))
	if !ok {
		return answer{}, false
	}
	line = cutBlank(line)
	digits := 0
	for digits < len(line) && '0' <= line[digits] && line[digits] <= '9' {
		a.idx.number = a.idx.number*10 + int64(line[digits]-'0')
		digits++
	}
	// 18 digits cannot overflow, and JSON has no leading zeros.
	if digits == 0 || digits > 18 || digits > 1 && line[0] == '0' {
		return answer{}, false
	}
	line, ok = bytes.CutPrefix(line[digits:], []byte(`,`))
	if !ok {
		return answer{}, false
	}
	line, ok = bytes.CutPrefix(cutBlank(line), []byte(`"pred_response":`))
	if !ok {
		return answer{}, false
	}
	line, ok = bytes.CutPrefix(cutBlank(line), []byte(`"`))
	if !ok {
		return answer{}, false
	}
	line, ok = bytes.CutSuffix(line, []byte(`"}`))
	if !ok {
		return answer{}, false
	}
	for _, b := range line {
		if b < ' ' || b > '~' || b == '"' || b == '\\' {
			return answer{}, false
		}
	}
	a.text = line
	return a, true
}

func cutBlank(line []byte) []byte {
	if len(line) > 0 && line[0] == ' ' {
		return line[1:]
	}
	return line
}
