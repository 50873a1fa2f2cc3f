package jsontext

import (
	"bytes"
	"encoding/json"
	"errors"
	"strconv"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// A Type is the type of a JSON value.
type Type int

// The types of JSON values.
const (
	None Type = iota // absent, null, NaN or infinite; programs write each of them for a missing value
	Bool
	Number
	String
	Array
	Object
)

// TypeOf returns the type of a valid JSON value. It needs only the first bytes.
func TypeOf(value json.RawMessage) Type {
	if len(value) == 0 {
		return None
	}
	switch value[0] {
	case 'n', 'N', 'I':
		return None
	case 't', 'f':
		return Bool
	case '"':
		return String
	case '[':
		return Array
	case '{':
		return Object
	case '-':
		if value[1] == 'I' {
			return None
		}
		return Number
	default:
		return Number
	}
}

// SyntaxError returns the error if b is not one JSON value, else nil. NaN, Infinity and -Infinity, which Python writes
// for a missing number, are read as null.
func SyntaxError(b []byte) *json.SyntaxError {
	if json.Valid(b) {
		return nil
	}
	var syntax *json.SyntaxError
	errors.As(json.Unmarshal(withoutNaN(b), new(json.RawMessage)), &syntax)
	return syntax
}

var notNumbers = [][]byte{[]byte("NaN"), []byte("Infinity"), []byte("-Infinity")}

// withoutNaN returns b with 0, padded to equal length, in place of the values NaN, Infinity and -Infinity. It copies b
// if b may contain such values.
func withoutNaN(b []byte) []byte {
	if !bytes.Contains(b, notNumbers[0]) && !bytes.Contains(b, notNumbers[1]) {
		return b
	}
	b = bytes.Clone(b)
	var v Nesting
	for i := 0; i < len(b); {
		if b[i] == '"' {
			v.InText = true
			i = v.skipText(b, i+1)
			continue
		}
		n := 1
		for _, word := range notNumbers {
			end := i + len(word)
			if bytes.HasPrefix(b[i:], word) && (i == 0 || b[i-1] == ':' || scalarEnd[b[i-1]]) &&
				(end == len(b) || scalarEnd[b[end]]) {
				n = len(word)
				copy(b[i:end], "0        ")
			}
		}
		i += n
	}
	return b
}

// String returns the name of the type, for messages.
func (t Type) String() string {
	switch t {
	case Bool:
		return "true or false"
	case Number:
		return "a number"
	case String:
		return "a string"
	case Array:
		return "a list"
	case Object:
		return "an object"
	default:
		return "null"
	}
}

// Describe returns the name of a value's type, for messages.
func Describe(value json.RawMessage) string { return TypeOf(value).String() }

// The functions below split valid JSON values of their type. Parse validates a record once. Decoding it level by level
// with encoding/json, which validates and copies at every level, takes nearly three times as long.

// Text decodes a string.
func Text(value json.RawMessage) string {
	inner := value[1 : len(value)-1]
	at := bytes.IndexByte(inner, '\\')
	if at < 0 {
		return validText(string(inner))
	}
	var b strings.Builder
	b.Grow(len(inner))
	for ; at >= 0; at = bytes.IndexByte(inner, '\\') {
		b.Write(inner[:at])
		r, size := unescape(inner[at:])
		b.WriteRune(r)
		inner = inner[at+size:]
	}
	b.Write(inner)
	return validText(b.String())
}

// validText replaces each byte that is not UTF-8 by U+FFFD.
func validText(s string) string {
	if utf8.ValidString(s) {
		return s
	}
	return string([]rune(s))
}

// plainEscapes are the characters that a letter after a backslash encodes; a character that is missing here encodes
// itself.
var plainEscapes = [256]rune{'b': '\b', 'f': '\f', 'n': '\n', 'r': '\r', 't': '\t'}

// unescape decodes the escape sequence at the start of b. Half of a surrogate pair is decoded as U+FFFD.
func unescape(b []byte) (r rune, size int) {
	if b[1] != 'u' {
		if r = plainEscapes[b[1]]; r == 0 {
			r = rune(b[1])
		}
		return r, 2
	}
	const escape = len(`\u0000`)
	r = hexRune(b[2:escape])
	if !utf16.IsSurrogate(r) {
		return r, escape
	}
	if rest := b[escape:]; len(rest) >= escape && rest[0] == '\\' && rest[1] == 'u' {
		if r = utf16.DecodeRune(r, hexRune(rest[2:escape])); r != utf8.RuneError {
			return r, 2 * escape
		}
	}
	return utf8.RuneError, escape
}

func hexRune(digits []byte) (r rune) {
	for _, c := range digits {
		switch {
		case c >= 'a':
			c -= 'a' - 10
		case c >= 'A':
			c -= 'A' - 10
		default:
			c -= '0'
		}
		r = r<<4 | rune(c)
	}
	return r
}

// Items returns the values of an array, or the keys and values of an object in turn.
func Items(value json.RawMessage) []json.RawMessage {
	list := make([]json.RawMessage, 0, 8) // room for four fields, which is a common number
	var open [8]byte                      // deep enough for most records
	end := Nesting{open: open[:0]}
	for rest := value[1:]; ; {
		for IsSpace(rest[0]) || rest[0] == ',' || rest[0] == ':' {
			rest = rest[1:]
		}
		if rest[0] == ']' || rest[0] == '}' {
			return list
		}
		end.Reset()
		n, _, _ := end.Find(rest) // brackets match
		list = append(list, rest[:n:n])
		rest = rest[n:]
	}
}

// Members are the keys and values of an object in turn.
type Members []json.RawMessage

// Get returns the value of a key; nil if there is none. Of equal keys the last one counts, as in most JSON readers.
func (m Members) Get(name string) json.RawMessage {
	for i := len(m) - 2; i >= 0; i -= 2 {
		key := m[i][1 : len(m[i])-1]
		if string(key) == name || bytes.IndexByte(key, '\\') >= 0 && Text(m[i]) == name {
			return m[i+1]
		}
	}
	return nil
}

// First returns the first of the names with a value, and its value. If no name has a value, it returns the first name
// and nil.
func (m Members) First(names ...string) (string, json.RawMessage) {
	for _, name := range names {
		if value := m.Get(name); TypeOf(value) != None {
			return name, value
		}
	}
	return names[0], nil
}

// maxHeld is the number of levels of a value that Holds checks: each level reads the value once more.
const maxHeld = 4

// Holds reports whether one of the values is not empty: text, a number, true, or a list or object that holds one of
// these.
func Holds(values ...json.RawMessage) bool { return holdsWithin(maxHeld, values) }

func holdsWithin(levels int, values []json.RawMessage) bool {
	for _, value := range values {
		switch TypeOf(value) {
		case None:
		case Bool:
			if value[0] == 't' {
				return true
			}
		case String:
			if len(value) > len(`""`) {
				return true
			}
		case Array:
			if levels == 0 || holdsWithin(levels-1, Items(value)) {
				return true
			}
		case Object:
			if levels == 0 || holdsWithin(levels-1, Members(Items(value)).Values()) {
				return true
			}
		default:
			return true
		}
	}
	return false
}

// Twice returns the first repeated key of an object; empty if there is none. It does not check nested objects.
func (m Members) Twice() string {
	seen := make(map[string]bool, len(m)/2)
	for i := 0; i < len(m); i += 2 {
		key := Text(m[i])
		if seen[key] {
			return key
		}
		seen[key] = true
	}
	return ""
}

// Twice returns the first key that is repeated in one object, at any level of a value; empty if there is none. Its time
// grows with the size of the value times its depth.
func Twice(value json.RawMessage) string {
	inner := []json.RawMessage(nil)
	switch TypeOf(value) {
	case Array:
		inner = Items(value)
	case Object:
		members := Members(Items(value))
		if key := members.Twice(); key != "" {
			return key
		}
		inner = members.Values()
	default:
	}
	for _, one := range inner {
		if key := Twice(one); key != "" {
			return key
		}
	}
	return ""
}

// Keys returns the keys of an object, in order.
func (m Members) Keys() []string {
	var list []string
	for i := 0; i < len(m); i += 2 {
		list = append(list, Text(m[i]))
	}
	return list
}

// Values returns the values of an object, in order.
func (m Members) Values() []json.RawMessage {
	var list []json.RawMessage
	for i := 1; i < len(m); i += 2 {
		list = append(list, m[i])
	}
	return list
}

// Quote returns s in quotes, cut after limit bytes.
func Quote(s string, limit int) string {
	if len(s) > limit {
		return strconv.Quote(s[:limit]) + "…"
	}
	return strconv.Quote(s)
}

// Append appends the JSON of a value to text, on one line and without escapes for <, > and &. Bytes that are not UTF-8
// become U+FFFD.
func Append(text []byte, value any) []byte {
	out := bytes.NewBuffer(text)
	encoder := json.NewEncoder(out)
	encoder.SetEscapeHTML(false)
	_ = encoder.Encode(value)
	return bytes.TrimSuffix(out.Bytes(), []byte("\n"))
}

// IsSpace reports whether a byte is JSON white space.
func IsSpace(b byte) bool { return b == ' ' || b == '\n' || b == '\r' || b == '\t' }
