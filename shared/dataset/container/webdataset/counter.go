package webdataset

import (
	"bufio"
	"io"
)

// A counter counts the bytes that are read. It keeps an error of reading, to distinguish it from faults of the content.
type counter struct {
	in  *bufio.Reader
	n   int64
	err error
}

func (c *counter) Read(p []byte) (int, error) {
	n, err := c.in.Read(p)
	c.n += int64(n)
	return n, c.keep(err)
}

// peek returns the next n bytes without reading them. It returns fewer with io.EOF.
func (c *counter) peek(n int) ([]byte, error) {
	next, err := c.in.Peek(n)
	return next, c.keep(err)
}

// skip moves past n bytes that peek returned.
func (c *counter) skip(n int) {
	n, _ = c.in.Discard(n) // they are in the buffer
	c.n += int64(n)
}

func (c *counter) keep(err error) error {
	if err != nil && err != io.EOF {
		c.err = err
	}
	return err
}

// readInto appends all of r to b.
func readInto(b []byte, r io.Reader) ([]byte, error) {
	for {
		if len(b) == cap(b) {
			b = append(b, 0)[:len(b)]
		}
		n, err := r.Read(b[len(b):cap(b)])
		b = b[:len(b)+n]
		if err == io.EOF {
			return b, nil
		} else if err != nil {
			return b, err
		}
	}
}
