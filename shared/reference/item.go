package reference

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
)

// An item is an object of the manifest's array. Its values are JSON. A value is empty if the item lacks it. Values are
// valid until the window reads more bytes.
type item struct {
	idx, source []byte
	size        int // in bytes
}

// errShort reports that a value continues after the bytes that were read.
var errShort = errors.New("value continues")

// A walker finds the ends of JSON values by their brackets and quotes. The text between them is checked only if it is
// used.
type walker struct {
	open []byte // the closing brackets of all open brackets, innermost last
}

// item reads the item at the head of the window.
func (v *walker) item(w *window) (item, error) {
	for {
		found, err := v.walk(w.unread)
		if !errors.Is(err, errShort) {
			return found, err
		}
		switch err := w.more(); {
		case errors.Is(err, io.EOF):
			return item{}, errors.New(
				"the item has no end: a bracket or a quote is missing, or the manifest is cut short")
		case err != nil:
			return item{}, err
		}
	}
}

// walk finds the members of the object at the head of b.
func (v *walker) walk(b []byte) (found item, err error) {
	i := spaces(b, 1)
	if i < len(b) && b[i] == '}' {
		found.size = i + 1
		return found, nil
	}
	for {
		if i == len(b) {
			return item{}, errShort
		}
		if b[i] != '"' {
			return item{}, fmt.Errorf("found %q, but expected a name in quotes", b[i])
		}
		end, err := textEnd(b, i)
		if err != nil {
			return item{}, err
		}
		name := b[i:end]
		i = spaces(b, end)
		if i == len(b) {
			return item{}, errShort
		}
		if b[i] != ':' {
			return item{}, fmt.Errorf(`found %q, but expected ":"`, b[i])
		}
		i = spaces(b, i+1)
		end, err = v.valueEnd(b, i)
		if err != nil {
			return item{}, err
		}
		// As in Python, the last of several members with the same name counts.
		switch memberName(name) {
		case "idx":
			found.idx = b[i:end]
		case "image_source":
			found.source = b[i:end]
		}
		i = spaces(b, end)
		switch {
		case i == len(b):
			return item{}, errShort
		case b[i] == '}':
			found.size = i + 1
			return found, nil
		case b[i] != ',':
			return item{}, fmt.Errorf(`found %q, but expected "," or "}"`, b[i])
		}
		i = spaces(b, i+1)
	}
}

// memberName returns a name without its quotes. Only two names are used. For a name that cannot be one of them, the
// result may be empty.
func memberName(quoted []byte) string {
	switch plain := quoted[1 : len(quoted)-1]; {
	case string(plain) == "idx":
		return "idx"
	case string(plain) == "image_source":
		return "image_source"
	case bytes.IndexByte(plain, '\\') < 0:
		return ""
	}
	var name string
	if err := json.Unmarshal(quoted, &name); err != nil {
		return ""
	}
	return name
}

// spaces returns the index of the first byte from i on that is not JSON white space.
func spaces(b []byte, i int) int {
	for i < len(b) && (b[i] == ' ' || b[i] == '\n' || b[i] == '\r' || b[i] == '\t') {
		i++
	}
	return i
}

// textEnd returns the index after the text whose opening quote is b[i].
func textEnd(b []byte, i int) (int, error) {
	first := i + 1
	for i = first; ; i++ {
		n := bytes.IndexByte(b[i:], '"')
		if n < 0 {
			return 0, errShort
		}
		i += n
		backslashes := 0
		for i-backslashes > first && b[i-backslashes-1] == '\\' {
			backslashes++
		}
		if backslashes%2 == 0 {
			return i + 1, nil
		}
	}
}

// structural marks the bytes that matter outside of texts.
var structural = [256]bool{'"': true, '{': true, '}': true, '[': true, ']': true}

// wordEnd marks the bytes that end a number or a word.
var wordEnd = [256]bool{
	' ': true, '\n': true, '\r': true, '\t': true, ',': true, ':': true,
	'"': true, '{': true, '}': true, '[': true, ']': true,
}

// valueEnd returns the index after the value that begins at b[i].
func (v *walker) valueEnd(b []byte, i int) (int, error) {
	if i == len(b) {
		return 0, errShort
	}
	switch b[i] {
	case '"':
		return textEnd(b, i)
	case '{', '[':
		return v.bracketEnd(b, i)
	}
	first := i
	for i < len(b) && !wordEnd[b[i]] {
		i++
	}
	switch i {
	case len(b):
		return 0, errShort
	case first:
		return 0, fmt.Errorf("found %q, but expected a value", b[i])
	}
	return i, nil
}

func (v *walker) bracketEnd(b []byte, i int) (int, error) {
	for v.open = v.open[:0]; i < len(b); i++ {
		if !structural[b[i]] {
			continue
		}
		switch b[i] {
		case '"':
			end, err := textEnd(b, i)
			if err != nil {
				return 0, err
			}
			i = end - 1
		case '{', '[':
			v.open = append(v.open, b[i]+2) // in ASCII the code of '}' and of ']' is two above that of its opening bracket
		default:
			last := len(v.open) - 1
			if v.open[last] != b[i] {
				return 0, fmt.Errorf("found %q, but expected %q: a bracket or a quote is missing",
					b[i], v.open[last])
			}
			if v.open = v.open[:last]; last == 0 {
				return i + 1, nil
			}
		}
	}
	return 0, errShort
}
