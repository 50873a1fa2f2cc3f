package dataset

import (
	"bytes"
	"errors"
	"io"
	"math"
	"strings"

	"github.com/harvest-ml/harvest/shared/dataset/jsontext"
)

// standAnyhow reports whether the head of a manifest is objects one after the other, of which one is over several lines
// or follows another one on its line. So a line of JSONL that is broken makes it false: such a line costs only itself.
func standAnyhow(head []byte, whole bool) bool {
	anyhow := false
	for {
		head = bytes.TrimLeft(head, " \t\r\n,"+byteOrderMark)
		switch {
		case len(head) == 0:
			return anyhow
		case head[0] != '{':
			return false
		}
		var value jsontext.Nesting
		n, closed, err := value.Find(head)
		switch {
		case err == nil && !closed:
			return anyhow && !whole
		case err != nil || jsontext.SyntaxError(head[:n]) != nil:
			return false
		}
		after := bytes.TrimLeft(head[n:], " \t,")
		anyhow = anyhow || bytes.IndexByte(head[:n], '\n') >= 0 || len(after) > 0 && after[0] == '{'
		head = head[n:]
	}
}

// tryFirst reports what keeps the head from being the begin of an object over several lines.
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

// beginsAsJSON distinguishes a JSON object from other text in braces.
func beginsAsJSON(object []byte) bool {
	first := bytes.TrimLeft(object[1:], " \t\r\n")
	return len(first) == 0 || first[0] == '"' || first[0] == '}'
}
