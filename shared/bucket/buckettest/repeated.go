package buckettest

import "io"

// A Repeated is a file of any size that is not stored: a head, the same block many times, and a tail.
type Repeated struct {
	Head, Block, Tail []byte
	Times             int64
}

// Bytes returns the size of the file.
func (r Repeated) Bytes() int64 {
	return int64(len(r.Head)) + r.Times*int64(len(r.Block)) + int64(len(r.Tail))
}

// ReadAt reads from the head, the blocks, or the tail.
func (r Repeated) ReadAt(b []byte, offset int64) (int, error) {
	n := 0
	for n < len(b) {
		at := offset + int64(n) - int64(len(r.Head))
		body := r.Times * int64(len(r.Block))
		var piece []byte
		switch {
		case at < 0:
			piece = r.Head[at+int64(len(r.Head)):]
		case at < body:
			piece = r.Block[at%int64(len(r.Block)):]
		case at-body < int64(len(r.Tail)):
			piece = r.Tail[at-body:]
		default:
			return n, io.EOF
		}
		n += copy(b[n:], piece)
	}
	return n, nil
}
