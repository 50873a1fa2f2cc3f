package dataset

import "bytes"

// A lineEnd finds the end of one line that arrives in pieces. A line ends at LF. It also ends at a CR after a closed
// object or before a new object, as in files of old Macs. Any other CR is white space in a record, or makes this record
// invalid.
type lineEnd struct {
	last [2]byte // the last two bytes that are not blank
}

// find searches b, the next piece of the line, for the line's end. The first n bytes of b belong to the line. end
// reports whether the line ends after them. If the line's end depends on bytes after b, then end is false and n is less
// than len(b). If b is a single CR, the file ends after it.
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

// trimBlanks returns the length of b without the blanks at its end.
func trimBlanks(b []byte) int {
	n := len(b)
	for n > 0 && isBlank(b[n-1]) {
		n--
	}
	return n
}

// isBlank reports whether c is white space that does not end a line of JSONL.
func isBlank(c byte) bool { return c == ' ' || c == '\t' || c == '\r' }
