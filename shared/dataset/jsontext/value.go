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
	None Type = iota // absent, null, NaN or infinite: programs write all of these for a missing value
	Bool
	Number
	String
	Array
	Object
)

// TypeOf returns the type of a valid JSON value. It reads only the first bytes.
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

// SyntaxError returns nil if b is one JSON value, otherwise the error. NaN, Infinity and -Infinity, which Python writes
// for a missing number, are read as null.
func SyntaxError(b []byte) *json.SyntaxError {
	if json.Valid(b) {
		return nil
	}
	var syntax *json.SyntaxError
	errors.As(json.Unmarshal(withoutNaN(b), new(json.RawMessage)), &syntax)
	return syntax
}

// EndsWithin reports whether the error of a JSON decoder means that the text ends within a value.
func EndsWithin(err error) bool {
	syntax, ok := errors.AsType[*json.SyntaxError](err)
	return ok && syntax.Error() == "unexpected end of JSON input"
}

var notNumbers = [][]byte{[]byte("NaN"), []byte("Infinity"), []byte("-Infinity")}

// withoutNaN replaces the values NaN, Infinity and -Infinity in b by 0, padded to the same length. It copies b if b may
// contain such values.
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

// Each function below reads a valid JSON value of one type. A record is validated only once, before these functions are
// called. encoding/json validates and copies at every level, which takes nearly three times as long.

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

// plainEscapes are the characters that letters after a backslash stand for. Any other character after a backslash
// stands for itself.
var plainEscapes = [256]rune{'b': '\b', 'f': '\f', 'n': '\n', 'r': '\r', 't': '\t'}

// unescape decodes the escape sequence at the start of b, and returns the character and the length of the sequence.
// Half of a surrogate pair is decoded as U+FFFD.
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

// Items returns the values of an array, or alternately the keys and values of an object.
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
		n, _, _ := end.Find(rest) // the value is valid, so there is no error
		list = append(list, rest[:n:n])
		rest = rest[n:]
	}
}

// Members are alternately the keys and values of an object.
type Members []json.RawMessage

// Get returns the value of a key; nil if the object does not have the key. If a key is repeated, Get returns its last
// value, as most JSON readers do.
func (m Members) Get(name string) json.RawMessage {
	replaced := strings.ContainsRune(name, utf8.RuneError) // in the key, this may be a byte that is not UTF-8
	for i := len(m) - 2; i >= 0; i -= 2 {
		key := m[i][1 : len(m[i])-1]
		if string(key) == name || (replaced || bytes.IndexByte(key, '\\') >= 0) && Text(m[i]) == name {
			return m[i+1]
		}
	}
	return nil
}

// First returns the first of the names that has a value, and this value. If no name has a value, it returns the first
// name and nil.
func (m Members) First(names ...string) (string, json.RawMessage) {
	for _, name := range names {
		if value := m.Get(name); TypeOf(value) != None {
			return name, value
		}
	}
	return names[0], nil
}

// maxHeld is the number of levels that Holds checks. It is limited, because Holds reads the whole value once for each
// level.
const maxHeld = 4

// Holds reports whether one of the values is not empty. Not empty are a text, a number, true, and a list or object that
// contains one of these.
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

// Twice returns the first repeated key of an object, or "" if no key is repeated. It does not check nested objects.
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

// Twice returns the first key that is repeated in an object at any level of a value, or "" if there is no such key. The
// time is proportional to the size of the value times its depth.
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

// Quote returns s in quotes, shortened to limit bytes.
func Quote(s string, limit int) string {
	if len(s) > limit {
		return strconv.Quote(s[:limit]) + "…"
	}
	return strconv.Quote(s)
}

// Append appends the JSON of a value to text, on one line. It does not escape <, > and &, and replaces bytes that are
// not UTF-8 by U+FFFD.
func Append(text []byte, value any) []byte {
	out := bytes.NewBuffer(text)
	encoder := json.NewEncoder(out)
	encoder.SetEscapeHTML(false)
	_ = encoder.Encode(value)
	return bytes.TrimSuffix(out.Bytes(), []byte("\n"))
}

// IsSpace reports whether a byte is JSON white space.
func IsSpace(b byte) bool { return b == ' ' || b == '\n' || b == '\r' || b == '\t' }
