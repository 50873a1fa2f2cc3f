package reference

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/harvest-ml/harvest/shared/dataset/jsontext"
)

const (
	readBytes = 1 << 20
	// maxLine is the largest length of a line, in bytes. No answer of a model is so long.
	maxLine = 64 << 20
)

// byteOrderMark is written by some programs at the head of a UTF-8 file.
const byteOrderMark = "\ufeff"

// A scoreLine is a line of a score file. It is valid until the next line is read.
type scoreLine struct {
	number int // from 1
	text   []byte
	marked bool // whether a byte-order mark came before the text
}

// readLines calls take for each line of a file. Its errors name the file and the line.
func readLines(ctx context.Context, name string, take func(scoreLine) error) error {
	file, err := os.Open(name)
	if err != nil {
		return err
	}
	defer file.Close()
	lines := bufio.NewScanner(contextReader{ctx, file})
	lines.Buffer(make([]byte, readBytes), maxLine)
	number := 0
	fault := func(err error) error { return fmt.Errorf("%s: line %d: %w", name, number, err) }
	for lines.Scan() {
		number++
		l := scoreLine{number: number, text: lines.Bytes()}
		for len(l.text) > 0 && l.text[0] == byteOrderMark[0] && bytes.HasPrefix(l.text, []byte(byteOrderMark)) {
			// A mark may also be inside a file, if files were joined.
			l.text, l.marked = l.text[len(byteOrderMark):], true
		}
		if err := take(l); err != nil {
			if jsontext.EndsWithin(err) && !more(lines) {
				err = fmt.Errorf("%w; it is the last line, so the file is cut short: download or write it again", err)
			}
			return fault(err)
		}
	}
	if err := lines.Err(); errors.Is(err, bufio.ErrTooLong) {
		number++
		return fault(fmt.Errorf("the line is longer than %d MB: fix the line, or remove it", maxLine>>20))
	} else if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	return nil
}

// more reports whether a line that is not blank follows.
func more(lines *bufio.Scanner) bool {
	for lines.Scan() {
		if len(bytes.TrimSpace(lines.Bytes())) > 0 {
			return true
		}
	}
	return lines.Err() != nil
}

// A contextReader fails as soon as its context ends.
type contextReader struct {
	ctx context.Context
	in  io.Reader
}

func (r contextReader) Read(p []byte) (int, error) {
	if err := r.ctx.Err(); err != nil {
		return 0, err
	}
	return r.in.Read(p)
}
