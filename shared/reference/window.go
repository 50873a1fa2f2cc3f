package reference

import (
	"errors"
	"fmt"
	"io"
)

const (
	// windowBytes is how much of a manifest is in memory at a time; a longer item makes it grow.
	windowBytes = 4 << 20
	// maxItem ends the growth if a bracket or quote is never closed.
	maxItem = 256 << 20
)

// A window is a piece of a manifest, read forwards.
type window struct {
	in     io.Reader
	buf    []byte
	unread []byte // part of buf
	offset int64  // of the first unread byte in the manifest
}

// more makes unread longer. It returns io.EOF if the manifest has ended.
func (w *window) more() error {
	switch {
	case w.buf == nil:
		w.buf = make([]byte, windowBytes)
	case len(w.unread) > maxItem:
		return fmt.Errorf("longer than %d MB: a bracket or a quote is missing", maxItem>>20)
	case 2*len(w.unread) > len(w.buf):
		grown := make([]byte, 2*len(w.buf))
		copy(grown, w.unread)
		w.buf = grown
	default:
		copy(w.buf, w.unread)
	}
	kept := len(w.unread)
	n, err := io.ReadFull(w.in, w.buf[kept:])
	w.unread = w.buf[:kept+n]
	if n > 0 && errors.Is(err, io.ErrUnexpectedEOF) {
		err = nil // the next call says io.EOF
	}
	return err
}

func (w *window) skip(n int) {
	w.unread = w.unread[n:]
	w.offset += int64(n)
}

// peek moves to the next byte that is not white space, and returns it.
func (w *window) peek() (byte, error) {
	for {
		w.skip(spaces(w.unread, 0))
		if len(w.unread) > 0 {
			return w.unread[0], nil
		}
		if err := w.more(); err != nil {
			return 0, err
		}
	}
}

// begin moves into the array.
func (w *window) begin() error {
	switch err := w.more(); {
	case errors.Is(err, io.EOF):
		return errors.New("it is empty" + expectArray)
	case err != nil:
		return err
	}
	if len(w.unread) >= len(byteOrderMark) && string(w.unread[:len(byteOrderMark)]) == byteOrderMark {
		w.skip(len(byteOrderMark))
	}
	switch first, err := w.peek(); {
	case errors.Is(err, io.EOF):
		return errors.New("it is blank" + expectArray)
	case err != nil:
		return err
	case first != '[':
		return fmt.Errorf("it begins with %q%s", first, expectArray)
	}
	w.skip(1)
	return nil
}

const expectArray = ": give the manifest that was scored, a JSON array of items"

// nextItem moves to the next item, and says whether there is one.
func (w *window) nextItem(first bool) (bool, error) {
	next, err := w.peek()
	if err == nil && next == ']' {
		w.skip(1)
		return false, w.end()
	}
	if err == nil && !first {
		if next != ',' {
			return false, fmt.Errorf(`found %q where "," or "]" is expected`, next)
		}
		w.skip(1)
		next, err = w.peek()
	}
	switch {
	case errors.Is(err, io.EOF):
		return false, errors.New("the manifest ends before the array's closing \"]\": it has been cut short")
	case err != nil:
		return false, err
	case next != '{':
		return false, fmt.Errorf("found %q where an item is expected, an object", next)
	}
	return true, nil
}

func (w *window) end() error {
	switch next, err := w.peek(); {
	case errors.Is(err, io.EOF):
		return nil
	case err != nil:
		return err
	default:
		return fmt.Errorf("found %q behind the array's closing \"]\": remove it", next)
	}
}
