package dataset

import (
	"bytes"
	"errors"
	"io"
	"math"
	"strings"

	"github.com/harvest-ml/harvest/shared/dataset/jsontext"
)

// ignoresLines reports whether the head of a manifest is a series of objects, but not one object a line: an object has
// several lines, or a line has several objects. It is false if an object is invalid. The manifest is then read as
// JSONL, where an invalid line does not affect other lines.
func ignoresLines(head []byte, whole bool) bool {
	closed := func([]byte) bool { return true }
	valid := func(object []byte) bool { return jsontext.SyntaxError(object) == nil }
	// In most manifests, each object has its line. This is found without parsing the objects.
	return sharesLines(head, whole, closed) && sharesLines(head, whole, valid)
}

// sharesLines is ignoresLines with valid as the check of each object.
func sharesLines(head []byte, whole bool, valid func(object []byte) bool) bool {
	free := false
	for {
		head = bytes.TrimLeft(head, " \t\r\n,"+byteOrderMark)
		switch {
		case len(head) == 0:
			return free
		case head[0] != '{':
			return false
		}
		var value jsontext.Nesting
		n, closed, err := value.Find(head)
		switch {
		case err == nil && !closed:
			return free && !whole
		case err != nil || !valid(head[:n]):
			return false
		}
		after := bytes.TrimLeft(head[n:], " \t,")
		free = free || bytes.IndexByte(head[:n], '\n') >= 0 || len(after) > 0 && after[0] == '{'
		head = head[n:]
	}
}

// tryFirst returns the reason why the head cannot be the start of an object over several lines; nil if it can.
func (s *splitter) tryFirst(head []byte) *FormatError {
	trial := splitter{
		scanner:    scanner{cursor: newCursor(bytes.NewReader(head), UTF8, len(head), 0, s.line)},
		rangeBytes: s.rangeBytes,
		isTrial:    true,
		pauseAt:    math.MaxInt64,
	}
	found, err := trial.walk()
	fault := found.fault
	if _, rest := trial.window(); err == nil || fault == nil && (rest == io.EOF || !errors.As(err, &fault)) {
		return nil
	}
	placed := *fault
	placed.Offset = s.offset + s.encoding.size(head[:fault.Offset])
	placed.Detail = strings.TrimSuffix(fault.Detail, fixThere)
	return &placed
}

// beginsAsJSON reports whether text in braces begins like a JSON object.
func beginsAsJSON(object []byte) bool {
	first := bytes.TrimLeft(object[1:], " \t\r\n")
	return len(first) == 0 || first[0] == '"' || first[0] == '}'
}
