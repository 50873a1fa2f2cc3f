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
	None Type = iota // absent, null, or not a number: people and programs write all for the same thing
	Bool
	Number
	String
	Array
	Object
)

// TypeOf is the type of a valid JSON value by its first byte.
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

// SyntaxError is the error why b is not one JSON value, nil if it is one. Python writes NaN, Infinity and -Infinity
// where a number is missing; they are read as null.
func SyntaxError(b []byte) *json.SyntaxError {
	if json.Valid(b) {
		return nil
	}
	var syntax *json.SyntaxError
	errors.As(json.Unmarshal(withoutNaN(b), new(json.RawMessage)), &syntax)
	return syntax
}

var notNumbers = [][]byte{[]byte("NaN"), []byte("Infinity"), []byte("-Infinity")}

// withoutNaN is b with zeros of equal length in place of the values NaN, Infinity and -Infinity. It copies b if it
// holds any.
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

// String names the type for people.
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

// Describe names a value's type for people.
func Describe(value json.RawMessage) string { return TypeOf(value).String() }

// The functions below split valid JSON of their type. Parse validates a record once; decoding it
// level by level with encoding/json, which validates and copies at every level, takes nearly three
// times as long.

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

// validText has U+FFFD in place of each byte that is not UTF-8.
func validText(s string) string {
	if utf8.ValidString(s) {
		return s
	}
	return string([]rune(s))
}

// plainEscapes are the characters that stand for others after a backslash; those not here stand for themselves.
var plainEscapes = [256]rune{'b': '\b', 'f': '\f', 'n': '\n', 'r': '\r', 't': '\t'}

// unescape decodes the escape that b begins with. Half of a surrogate pair is U+FFFD.
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

// Items returns the values of an array; of an object the keys and values in turn.
func Items(value json.RawMessage) []json.RawMessage {
	list := make([]json.RawMessage, 0, 8) // four fields or turns are common
	var open [8]byte                      // as deep as records nest
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

// Members are the keys and values of an object, in turn.
type Members []json.RawMessage

// Get returns the value of a key, nil if there is none. Of equal keys the last one counts, as in
// most readers of JSON.
func (m Members) Get(name string) json.RawMessage {
	for i := len(m) - 2; i >= 0; i -= 2 {
		key := m[i][1 : len(m[i])-1]
		if string(key) == name || bytes.IndexByte(key, '\\') >= 0 && Text(m[i]) == name {
			return m[i+1]
		}
	}
	return nil
}

// First returns the key and value of the first of the names that has one, of the first name if none has.
func (m Members) First(names ...string) (string, json.RawMessage) {
	for _, name := range names {
		if value := m.Get(name); TypeOf(value) != None {
			return name, value
		}
	}
	return names[0], nil
}

// maxHeld is how many levels of a value Holds looks into: each level reads the value once more.
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

// Twice is the first key that an object has more than once; empty if it has each once. It does not look into nested
// objects.
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

// Twice is the first key that occurs more than once in one object, at any level of a value; empty if there is none. Its
// time grows with the size of the value times its depth.
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

// Keys are the keys of an object, in order.
func (m Members) Keys() []string {
	var list []string
	for i := 0; i < len(m); i += 2 {
		list = append(list, Text(m[i]))
	}
	return list
}

// Values are the values of an object, in order.
func (m Members) Values() []json.RawMessage {
	var list []json.RawMessage
	for i := 1; i < len(m); i += 2 {
		list = append(list, m[i])
	}
	return list
}

// Quote is s in quotes, cut after limit bytes.
func Quote(s string, limit int) string {
	if len(s) > limit {
		return strconv.Quote(s[:limit]) + "…"
	}
	return strconv.Quote(s)
}

// Append appends a value that has a form in JSON, in one line, with <, > and & as they are. What is not UTF-8 becomes
// U+FFFD.
func Append(text []byte, value any) []byte {
	out := bytes.NewBuffer(text)
	encoder := json.NewEncoder(out)
	encoder.SetEscapeHTML(false)
	_ = encoder.Encode(value)
	return bytes.TrimSuffix(out.Bytes(), []byte("\n"))
}

// IsSpace reports whether a byte is white space of JSON.
func IsSpace(b byte) bool { return b == ' ' || b == '\n' || b == '\r' || b == '\t' }
