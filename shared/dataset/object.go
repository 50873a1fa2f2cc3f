package dataset

import (
	"bytes"
	"errors"
	"io"
	"slices"
	"strings"

	"github.com/harvest-ml/harvest/shared/dataset/jsontext"
)

const (
	// keyBytes is the largest length, in bytes, of a key that is compared with known keys.
	keyBytes = 256
	// namedLists is the largest number of keys that a message names.
	namedLists = 8
)

// turnKeys are the keys under which a record has its turns. An object with such a key is a record. It does not contain
// the list of records.
var turnKeys = []string{"conversations", "messages", "conversation", "completion"}

// preferenceKeys are the keys of a preference record, which may have lists of turns under them. An object with both
// keys is a record.
var preferenceKeys = []string{"chosen", "rejected"}

// ownKeys are other keys of records. An object with such a key is a record, too, unless it contains a list of objects.
var ownKeys = []string{"id", "image"}

// splitObject splits a manifest that begins with an object: JSONL, a series of objects, or one object that contains the
// list of records. If the first line is in memory, it shows the format.
func (s *splitter) splitObject() error {
	head, _ := s.in.Peek(s.headBytes) // an error other than a short manifest is returned again by the next read
	whole := len(head) < s.headBytes
	var ending lineEnd
	n, ended := ending.find(head)
	if !ended && !whole {
		return s.splitFirst()
	}
	line, rest := head[:n], bytes.TrimLeft(head[n:], " \t\r\n,"+byteOrderMark)
	alone := whole && len(rest) == 0
	var value jsontext.Nesting
	n, closed, err := value.Find(line)
	object, after := line[:n], bytes.TrimLeft(line[n:], " \t\r,")
	switch {
	case closed && alone && len(after) > 0 && after[0] == '{':
		return s.splitObjects()
	case closed && alone && len(after) == 0 && beginsAsJSON(object), !closed && alone && err == nil,
		closed && bytes.IndexByte(object, '\r') >= 0 && jsontext.SyntaxError(object) == nil: // its lines end in CR
		return s.splitFirst()
	case closed && ignoresLines(head, whole):
		return s.splitObjects()
	case closed, err != nil, value.InText, !beginsAsJSON(head):
		return s.splitLines()
	}
	// The line ends inside an object. Either the object continues on the next line, or a line of JSONL is incomplete.
	if fault := s.tryFirst(head); fault != nil {
		s.note = "; read as an object on several lines: " + fault.Error()
		return s.splitLines()
	}
	return s.splitFirst()
}

// splitFirst splits the manifest from the object at the cursor on. It searches the object for a list of records. If
// nothing follows the object, and it is not a record itself, its list is the manifest.
func (s *splitter) splitFirst() error {
	start := firstObject{Offset: s.offset, Line: s.line}
	found, err := s.walk()
	return s.splitWalked(start, found, err)
}

// splitWalked splits the records after the first object. The object began at start, and walk has returned found and
// err.
func (s *splitter) splitWalked(start firstObject, found object, err error) error {
	switch {
	case err == errPaused:
		start.Object = found
		s.first = &start
		return err
	case err == errBrokenLine:
		s.line = start.Line
		return s.splitAfter(start, Lines, object{})
	case err == io.EOF, err == io.ErrUnexpectedEOF:
		return &FormatError{
			Offset: start.Offset, Line: start.Line,
			Detail: "the object that begins here is never closed: a bracket or a quote is missing, " +
				"or the file has been cut short" + fixThere,
		}
	case err != nil:
		return err
	case s.line != start.Line:
		return s.splitAfter(start, Objects, found)
	}
	next, err := s.skipOnLine()
	switch {
	case err != nil:
		return err
	case next == '{':
		return s.splitAfter(start, Objects, object{})
	case next != 0:
		return s.splitAfter(start, Lines, object{})
	default:
		return s.splitAfter(start, Lines, found)
	}
}

// splitAfter adds the first record, which begins at start and ends at the cursor or at the line's end. Then it splits
// all other records. If there are no others, the list that was found in the object is the manifest.
func (s *splitter) splitAfter(start firstObject, format Format, found object) error {
	s.format, s.firstLine = format, 0
	if format == Lines {
		if err := s.scan(); err != nil {
			return err
		}
	}
	first := record{start: start.Offset, end: s.offset, line: start.Line}
	_, err := s.skipSeparators()
	switch {
	case err != nil && err != io.EOF:
		return err
	case err == io.EOF && !found.IsRecord && len(found.Lists) == 1:
		s.format = Array
		return nil
	case err == io.EOF && !found.IsRecord && len(found.Lists) > 1:
		return found.refusal()
	case err == io.EOF && found.isEmptyList():
		s.format, s.layout.Records, s.layout.Ranges = Array, 0, []Span{}
		return nil
	}
	s.layout.Records, s.layout.Ranges = 0, []Span{}
	s.element = 1
	s.add(first)
	if format == Lines {
		return s.splitMoreLines()
	}
	return s.splitObjects()
}

// An object describes the first object of a manifest.
type object struct {
	IsRecord bool         `json:"is_record,omitempty"` // has one of turnKeys, or both preferenceKeys
	Answers  []string     `json:"answers,omitempty"`   // the keys among preferenceKeys
	Lists    []string     `json:"lists,omitempty"`     // the first keys with lists of objects, in quotes
	IsNamed  bool         `json:"is_named,omitempty"`  // has one of ownKeys
	Empty    int          `json:"empty,omitempty"`     // number of keys with empty lists
	fault    *FormatError // a fault between the object's members; after it, only the object's end was searched
}

// refusal returns the error of an object with several lists of objects.
func (o object) refusal() *FormatError {
	return &FormatError{
		Detail: "the file is one object with several lists of objects, under " + strings.Join(o.Lists, ", ") +
			", so it is not clear which list has the records; write the list of records to a separate file",
		Command: "jq -c '.KEY[]' FILE > OUT",
	}
}

// isEmptyList reports whether the object contains an empty list of records.
func (o object) isEmptyList() bool {
	return !o.IsRecord && !o.IsNamed && o.Empty > 0 && len(o.Lists) == 0 && o.fault == nil
}

// walk moves past the object at the cursor. It splits the first list of objects in this object like an array.
func (s *splitter) walk() (object, error) {
	s.firstLine = s.line
	s.pass([]byte{'{'})
	return s.walkMembers(object{})
}

// walkMembers moves past the members of the object from the cursor on.
func (s *splitter) walkMembers(found object) (object, error) {
	for {
		next, err := s.skipSpace()
		switch {
		case err != nil:
			return found, err
		case next == '}':
			s.pass([]byte{'}'})
			s.lineEnd = lineEnd{last: [2]byte{0, '}'}}
			return found, nil
		case next == '"':
			err = s.walkMember(&found)
		default:
			err = s.unexpected("a key")
		}
		if err = s.walkComma(err); err != nil {
			return s.walkBroken(found, err)
		}
	}
}

// walkOn continues a scan that has paused inside the object's list.
func (s *splitter) walkOn(found object) (object, error) {
	if err := s.walkComma(s.walkElements()); err != nil {
		return s.walkBroken(found, err)
	}
	return s.walkMembers(found)
}

// walkComma moves past the separator after a member, unless err is not nil; then it returns err.
func (s *splitter) walkComma(err error) error {
	if err != nil {
		return err
	}
	next, err := s.skipSpace()
	switch {
	case err != nil:
		return err
	case next == ',':
		s.pass([]byte{','})
	case next != '}':
		return s.unexpected(`"," or "}"`)
	}
	return nil
}

// walkBroken moves past the rest of an object that has a fault in its structure, if its end can be found, so that an
// invalid record does not affect others.
func (s *splitter) walkBroken(found object, err error) (object, error) {
	var fault *FormatError
	switch {
	case !errors.As(err, &fault), s.nesting.Depth > 0, len(found.Lists) > 0 && !found.IsRecord:
		return found, err
	case s.line == s.firstLine:
		return found, errBrokenLine
	}
	found.fault = fault
	return found, s.walkRest('{')
}

// walkRest moves past the rest of the object or array after its opening bracket.
func (s *splitter) walkRest(bracket byte) error {
	s.nesting.Enter(bracket)
	s.kept, s.tooLong = s.kept[:0], false
	return s.scan()
}

// walkMember moves past a key and its value.
func (s *splitter) walkMember(found *object) error {
	s.limit = keyBytes
	rec, err := s.value()
	key := "a long key"
	if rec.raw != nil {
		key = jsontext.Text(rec.raw)
	}
	s.limit = 0
	next := byte(0)
	if err == nil {
		next, err = s.skipSpace()
	}
	if err == nil && next != ':' {
		err = s.unexpected(`":"`)
	}
	if err != nil {
		return err
	}
	s.pass([]byte{':'})
	if slices.Contains(preferenceKeys, key) && !slices.Contains(found.Answers, key) {
		found.Answers = append(found.Answers, key)
	}
	found.IsRecord = found.IsRecord || slices.Contains(turnKeys, key) || len(found.Answers) == len(preferenceKeys)
	found.IsNamed = found.IsNamed || slices.Contains(ownKeys, key)
	switch next, err = s.skipSpace(); {
	case err != nil:
		return err
	case next == '[':
		return s.walkList(key, found)
	}
	_, err = s.value()
	return err
}

// walkList moves past the list under a key. If it is the first list of objects, walkList splits it.
func (s *splitter) walkList(key string, found *object) error {
	s.pass([]byte{'['})
	next, err := s.skipSpace()
	switch {
	case err != nil:
		return err
	case next != '{':
		if next == ']' {
			found.Empty++
		}
		return s.walkRest('[')
	}
	found.Lists = append(found.Lists[:min(len(found.Lists), namedLists)], jsontext.Quote(key, keyBytes))
	if !s.isTrial && (found.IsRecord || len(found.Lists) > 1) {
		return s.walkRest('[')
	}
	return s.walkElements()
}

// walkElements splits the list after its opening bracket.
func (s *splitter) walkElements() error {
	first := s.firstLine
	s.firstLine = 0 // an invalid element is a fault of the list
	err := s.splitElements()
	if err != errPaused {
		s.element = 0
	}
	s.firstLine = first
	return err
}

// skipOnLine moves to the next byte of the line that is neither blank nor a comma, and returns it unread. It returns 0
// at the end of the line.
func (s *scanner) skipOnLine() (byte, error) {
	for {
		b, err := s.window()
		if err == io.EOF {
			return 0, nil
		} else if err != nil {
			return 0, err
		}
		rest := bytes.TrimLeft(b, " \t,")
		blank := b[:len(b)-len(rest)]
		next := byte(0)
		if len(rest) > 0 {
			next = rest[0]
		}
		s.lineEnd.note(blank)
		s.pass(blank)
		switch {
		case len(rest) == 0:
		case next == '\n', next == '\r':
			return 0, nil
		default:
			return next, nil
		}
	}
}
