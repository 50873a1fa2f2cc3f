package dataset

import "bytes"

// A lineEnd finds the end of one line that comes in pieces. A line ends at LF. It also ends at a CR that is between
// objects, as in files of old Macs: after one that is closed or before one that opens. Any other CR is white space in a
// record, or what makes that one record invalid.
type lineEnd struct {
	last [2]byte // the last two bytes that are not blank
}

// find looks for the line's end in b, its next piece: n bytes of b belong to the line, which ends there or continues. n
// is below len(b) too where the line continues and what follows the last byte decides; a piece of one CR ends the file.
func (l *lineEnd) find(b []byte) (n int, end bool) {
	n = bytes.IndexByte(b, '\n')
	if end = n >= 0; !end {
		n = len(b)
	}
	from := 0
	for {
		i := bytes.IndexByte(b[from:n], '\r')
		if i < 0 {
			break
		}
		i += from
		l.note(b[from:i])
		switch {
		case end && i+1 == n: // CRLF
			return n, true
		case i+1 == len(b) && i > 0:
			return i, false
		case i+1 < n && (l.closed() || b[i+1] == '{'):
			return i, true
		}
		from = i + 1
	}
	l.note(b[from:n])
	return n, end
}

// closed reports whether the line so far ends in an object and at most a comma.
func (l *lineEnd) closed() bool { return l.last[1] == '}' || l.last == [2]byte{'}', ','} }

func (l *lineEnd) note(b []byte) {
	end := trimBlanks(b)
	if end == 0 {
		return
	}
	before := l.last[1]
	if rest := trimBlanks(b[:end-1]); rest > 0 {
		before = b[rest-1]
	}
	l.last = [2]byte{before, b[end-1]}
}

// trimBlanks is the length of b without the blanks at its end.
func trimBlanks(b []byte) int {
	n := len(b)
	for n > 0 && isBlank(b[n-1]) {
		n--
	}
	return n
}

// isBlank reports white space that ends no line of JSONL.
func isBlank(c byte) bool { return c == ' ' || c == '\t' || c == '\r' }
