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
	// text has the bytes between the quotes of the answer, if they contain no escape. Otherwise it is nil.
	text []byte
	// value is the answer as JSON; empty if the line has no answer. It is used only if text is nil.
	value json.RawMessage
}

// String returns the answer in quotes, for messages. It shortens a long answer.
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

// parseAnswer parses a line. Nearly all lines of a large dataset have the form that the reference writes. parsePlain
// parses this form fast. encoding/json parses all other lines, with the same result.
func parseAnswer(line []byte) (answer, error) {
	if a, ok := parsePlain(line); ok {
		return a, nil
	}
	// A map is used, because encoding/json ignores the case of the names of struct fields.
	var fields map[string]json.RawMessage
	if err := json.Unmarshal(line, &fields); err != nil {
		var syntax *json.SyntaxError
		if errors.As(err, &syntax) {
			return answer{}, fmt.Errorf("not a JSON object (%w)", err)
		}
		return answer{}, errors.New("not a JSON object")
	}
	id, err := parseIdx(fields["idx"])
	return answer{idx: id, value: fields["pred_response"]}, err
}

// parsePlain parses {"idx": 7, "pred_response": "4"}, with exactly these blanks or without blanks. The idx may be a
// number or a text. ok is false for any other text.
func parsePlain(line []byte) (a answer, ok bool) {
	line, ok = bytes.CutPrefix(line, []byte(`{"idx":`))
	if !ok {
		return answer{}, false
	}
	line = cutBlank(line)
	size := 0
	if len(line) > 0 && line[0] == '"' {
		size = a.idx.cutText(line)
	} else {
		for size < len(line) && '0' <= line[size] && line[size] <= '9' {
			a.idx.number = a.idx.number*10 + int64(line[size]-'0')
			size++
		}
		// 18 digits cannot overflow. JSON does not allow leading zeros.
		if size > 18 || size > 1 && line[0] == '0' {
			return answer{}, false
		}
	}
	if size == 0 {
		return answer{}, false
	}
	line, ok = bytes.CutPrefix(line[size:], []byte(`,`))
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
	a.text = line
	return a, needsNoEscape(line)
}

// cutText parses an idx that is a text in quotes at the head of a line. It returns the number of bytes of the idx in
// the line, or 0 if the text has another form.
func (id *idx) cutText(line []byte) int {
	end := bytes.IndexByte(line[1:], '"') + 1
	if end < 1 || end-1 > maxIdx || !needsNoEscape(line[1:end]) {
		return 0
	}
	id.text, id.isText = string(line[1:end]), true
	return end + 1
}

// needsNoEscape reports whether JSON needs no escape for the text of a string.
func needsNoEscape(text []byte) bool {
	for _, b := range text {
		if b < ' ' || b > '~' || b == '"' || b == '\\' {
			return false
		}
	}
	return true
}

func cutBlank(line []byte) []byte {
	if len(line) > 0 && line[0] == ' ' {
		return line[1:]
	}
	return line
}
