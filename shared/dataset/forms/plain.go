package forms

import (
	"bytes"

	"github.com/harvest-ml/harvest/shared/dataset/jsontext"
)

// A plainScan reads a record once, from its start to its end.
type plainScan struct {
	raw []byte
	at  int // offset of the next byte; re-slicing raw would take longer, because of write barriers
	// The next fields describe the last string: its start and end, whether it has escapes, whether it is not blank, its
	// number of image marks, and whether it may have other marks.
	start, end       int
	escaped, said    bool
	marks            int
	suspect          bool
	allMarks, places int  // numbers of marks in all turns, and of images
	number, wide     bool // whether a field is a number, and whether a string may have bytes that are not ASCII
	lines            int  // number of LFs between values
	returns          bool // whether there are CRs between values
	// openings are those of the last human turn and the last model turn. Usually the next ones are equal.
	openings *[2]opening
}

// An opening is the text of a turn before its value, such as `{"from": "human", "value":`, and the number of LFs in it.
type opening struct {
	text  []byte
	lines int
}

// maxOpening is the largest length of an opening that is kept.
const maxOpening = 200

// plainFields are the fields of a plain record; a record has each once at most.
var plainFields = [...]string{`"conversations"`, `"id"`, `"image"`, `"data_source"`, `"image_source"`, `"source"`}

// Numbers of plainFields.
const (
	conversationsKey = iota
	idKey
	imageKey
)

func (s *plainScan) record() bool {
	if !s.take('{') {
		return false
	}
	var seen [len(plainFields)]bool
	for first := true; ; first = false {
		if s.take('}') {
			break
		}
		if !first && !s.take(',') {
			return false
		}
		field := s.oneOf(plainFields[:])
		if field < 0 || seen[field] || !s.take(':') || !s.field(field) {
			return false
		}
		seen[field] = true
	}
	return seen[conversationsKey] && (s.allMarks == 0 || s.allMarks == s.places)
}

// field reads the value of one of plainFields.
func (s *plainScan) field(number int) bool {
	switch number {
	case conversationsKey:
		return s.turns()
	case imageKey:
		return s.images()
	case idKey:
		s.skipSpace()
		if n := digits(s.raw[s.at:]); n > 0 {
			s.at += n
			s.number = true
			return true
		}
	}
	return s.string()
}

// images reads the name of an image, a list of names that is not empty, or null.
func (s *plainScan) images() bool {
	const null = "null"
	s.skipSpace()
	if bytes.HasPrefix(s.raw[s.at:], []byte(null)) {
		s.at += len(null)
		return true
	}
	if !s.take('[') {
		return s.image()
	}
	for {
		switch {
		case !s.image():
			return false
		case s.take(']'):
			return true
		case !s.take(','):
			return false
		}
	}
}

func (s *plainScan) image() bool {
	s.places++
	return s.string() && !s.escaped && isPlainName(s.text())
}

// digits returns the length of the JSON integer at the start of b; 0 if there is none, or if it has a sign or leading
// zeros.
func digits(b []byte) int {
	n := 0
	for n < len(b) && '0' <= b[n] && b[n] <= '9' {
		n++
	}
	if n > 1 && b[0] == '0' || n == len(b) || b[n] == '.' || b[n] == 'e' || b[n] == 'E' {
		return 0
	}
	return n
}

// isPlainName reports whether an image's name is certainly a relative path inside the folder. Other valid names give
// false, too.
func isPlainName(name []byte) bool {
	const most = 500
	if len(name) == 0 || len(name) > most {
		return false
	}
	for i, c := range name {
		switch {
		case letters[c], i > 0 && (c == '_' || c == '-'):
		case i > 0 && name[i-1] != '/' && (c == '.' || c == '/'):
		default:
			return false
		}
	}
	return true
}

// letters are the ASCII letters and digits. A text with one of them is not blank.
var letters = func() (is [256]bool) {
	for c := range is {
		is[c] = '0' <= c && c <= '9' || 'A' <= c && c <= 'Z' || 'a' <= c && c <= 'z'
	}
	return is
}()

// hexDigits are the bytes of the number in an escape.
var hexDigits = func() (is [256]bool) {
	for c := range is {
		is[c] = '0' <= c && c <= '9' || 'A' <= c && c <= 'F' || 'a' <= c && c <= 'f'
	}
	return is
}()

// turns reads the list of turns. A human turn and a model turn must alternate; the first is a human turn, and the last
// a model turn.
func (s *plainScan) turns() bool {
	if !s.take('[') {
		return false
	}
	n := 0
	for ; !s.take(']'); n++ {
		if n > 0 && !s.take(',') || !s.turn(n%2 == 0) {
			return false
		}
	}
	return n > 1
}

func (s *plainScan) turn(human bool) bool {
	last := &s.openings[0]
	if human {
		last = &s.openings[1]
	}
	if n := len(last.text); n > 0 && bytes.HasPrefix(s.raw[s.at:], last.text) {
		s.at += n
		s.lines += last.lines
		return s.words() && s.take('}')
	}
	start, lines := s.at, s.lines
	if !s.take('{') {
		return false
	}
	switch s.oneOf(turnFields) {
	case 0:
		if !s.take(':') || !s.role(human) || !s.take(',') || s.oneOf(turnFields) != 1 || !s.take(':') {
			return false
		}
		s.skipSpace()
		if text := s.raw[start:s.at]; len(text) <= maxOpening && !s.returns {
			last.text, last.lines = append(last.text[:0], text...), s.lines-lines
		}
		return s.words() && s.take('}')
	case 1:
		return s.take(':') && s.words() && s.take(',') && s.oneOf(turnFields) == 0 && s.take(':') && s.role(human) &&
			s.take('}')
	}
	return false
}

var (
	turnFields = []string{`"from"`, `"value"`}
	humanRoles = []string{`"human"`, `"user"`}
	modelRoles = []string{`"gpt"`, `"assistant"`}
)

func (s *plainScan) role(human bool) bool {
	return human && s.oneOf(humanRoles) >= 0 || !human && s.oneOf(modelRoles) >= 0
}

// oneOf moves past one of the strings, which have their quotes, and returns its number; -1 if none is there.
func (s *plainScan) oneOf(quoted []string) int {
	s.skipSpace()
	rest := s.raw[s.at:]
	for i, text := range quoted {
		// The third byte distinguishes most strings in less time.
		if len(rest) >= len(text) && rest[2] == text[2] && string(rest[:len(text)]) == text {
			s.at += len(text)
			return i
		}
	}
	return -1
}

// words reads the text of a turn.
func (s *plainScan) words() bool {
	ok := s.string() && s.said && !s.suspect
	s.allMarks += s.marks
	return ok
}

// text returns the last string, without its quotes.
func (s *plainScan) text() []byte { return s.raw[s.start:s.end] }

func (s *plainScan) skipSpace() {
	if s.at < len(s.raw) && s.raw[s.at] <= ' ' {
		s.skipSpaces()
	}
}

// skipSpaces is apart from skipSpace, so that the compiler inlines the usual case, no white space.
//
//go:noinline
func (s *plainScan) skipSpaces() {
	i := s.at
	for i < len(s.raw) && jsontext.IsSpace(s.raw[i]) {
		switch s.raw[i] {
		case '\n':
			s.lines++
		case '\r':
			s.returns = true
		}
		i++
	}
	s.at = i
}

// take moves past a byte, and white space before it, if it is there.
func (s *plainScan) take(c byte) bool {
	s.skipSpace()
	if s.at == len(s.raw) || s.raw[s.at] != c {
		return false
	}
	s.at++
	return true
}
