package reference

import (
	"errors"
	"fmt"
	"io"
)

const (
	// windowBytes is the size, in bytes, of the part of a manifest in memory. The part grows for a longer item.
	windowBytes = 4 << 20
	// maxItem is the limit of this growth, for a bracket or quote that is never closed.
	maxItem = 256 << 20
)

// A window is a part of a manifest in memory. It moves forwards.
type window struct {
	in     io.Reader
	buf    []byte
	unread []byte // part of buf
	offset int64  // offset of the first unread byte in the manifest
}

// more adds bytes to unread. It returns io.EOF at the end of the manifest.
func (w *window) more() error {
	switch {
	case w.buf == nil:
		w.buf = make([]byte, windowBytes)
	case len(w.unread) > maxItem:
		return fmt.Errorf("the item is longer than %d MB: a bracket or a quote is missing", maxItem>>20)
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
		err = nil // the next call returns io.EOF
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

// begin moves past the opening bracket of the array.
func (w *window) begin() error {
	switch err := w.more(); {
	case errors.Is(err, io.EOF):
		return errors.New("the manifest is empty" + expectArray)
	case err != nil:
		return err
	}
	if len(w.unread) >= len(byteOrderMark) && string(w.unread[:len(byteOrderMark)]) == byteOrderMark {
		w.skip(len(byteOrderMark))
	}
	switch first, err := w.peek(); {
	case errors.Is(err, io.EOF):
		return errors.New("the manifest has only white space" + expectArray)
	case err != nil:
		return err
	case first != '[':
		return fmt.Errorf("the manifest begins with %q%s", first, expectArray)
	}
	w.skip(1)
	return nil
}

const expectArray = ": give the manifest that was scored, a JSON array of items"

// nextItem moves to the next item. It returns false if there is no further item.
func (w *window) nextItem(first bool) (bool, error) {
	next, err := w.peek()
	if err == nil && next == ']' {
		w.skip(1)
		return false, w.end()
	}
	if err == nil && !first {
		if next != ',' {
			return false, fmt.Errorf(`found %q, but expected "," or "]"`, next)
		}
		w.skip(1)
		next, err = w.peek()
	}
	switch {
	case errors.Is(err, io.EOF):
		return false, errors.New("the manifest ends before the array's closing \"]\": it is cut short")
	case err != nil:
		return false, err
	case next != '{':
		return false, fmt.Errorf("found %q, but an item must be a JSON object", next)
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
		return fmt.Errorf("found %q after the array's closing \"]\": remove it", next)
	}
}
