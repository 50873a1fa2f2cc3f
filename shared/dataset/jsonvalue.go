package dataset

import (
	"bytes"
	"encoding/json"
	"unicode/utf8"
)

// A jsonType is the type of a JSON value.
type jsonType int

const (
	jsonNone jsonType = iota // absent or null: people write both for the same thing
	jsonBool
	jsonNumber
	jsonString
	jsonArray
	jsonObject
)

// typeOf is the type of a valid JSON value by its first byte.
func typeOf(value json.RawMessage) jsonType {
	if len(value) == 0 {
		return jsonNone
	}
	switch value[0] {
	case 'n':
		return jsonNone
	case 't', 'f':
		return jsonBool
	case '"':
		return jsonString
	case '[':
		return jsonArray
	case '{':
		return jsonObject
	default:
		return jsonNumber
	}
}

// describe names a value's type for people.
func describe(value json.RawMessage) string {
	switch typeOf(value) {
	case jsonBool:
		return "true or false"
	case jsonNumber:
		return "a number"
	case jsonString:
		return "a string"
	case jsonArray:
		return "a list"
	case jsonObject:
		return "an object"
	default:
		return "null"
	}
}

// The functions below split valid JSON of their type. Parse validates a record once; decoding it
// level by level with encoding/json, which validates and copies at every level, takes nearly three
// times as long.

// text decodes a string.
func text(value json.RawMessage) (s string) {
	if inner := value[1 : len(value)-1]; bytes.IndexByte(inner, '\\') < 0 && utf8.Valid(inner) {
		return string(inner)
	}
	_ = json.Unmarshal(value, &s) // a valid string decodes
	return s
}

// items returns the values of an array; of an object the keys and values in turn.
func items(value json.RawMessage) []json.RawMessage {
	list := make([]json.RawMessage, 0, 8) // four fields or turns are common
	var open [8]byte                      // as deep as records nest
	end := nesting{open: open[:0]}
	for rest := value[1:]; ; {
		rest = bytes.TrimLeft(rest, " \t\r\n,:")
		if rest[0] == ']' || rest[0] == '}' {
			return list
		}
		end.reset()
		n, _, _ := end.find(rest) // brackets match
		list = append(list, rest[:n:n])
		rest = rest[n:]
	}
}

// members are the keys and values of an object, in turn.
type members []json.RawMessage

// get returns the value of a key, nil if there is none. Of equal keys the last one counts, as in
// most readers of JSON.
func (m members) get(name string) json.RawMessage {
	for i := len(m) - 2; i >= 0; i -= 2 {
		key := m[i][1 : len(m[i])-1]
		if string(key) == name || bytes.IndexByte(key, '\\') >= 0 && text(m[i]) == name {
			return m[i+1]
		}
	}
	return nil
}

// either returns the key and value of the first of two names that has one, of name if neither has.
func (m members) either(name, other string) (string, json.RawMessage) {
	if value := m.get(name); typeOf(value) != jsonNone {
		return name, value
	}
	if value := m.get(other); typeOf(value) != jsonNone {
		return other, value
	}
	return name, nil
}
