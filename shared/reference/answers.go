package reference

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
)

const (
	readBytes = 1 << 20
	// maxLine is far above what a model can answer.
	maxLine = 64 << 20
)

// An answer is one line of a score file.
type answer struct {
	idx int64
	// text is the answer's bytes between its quotes, if JSON needs no escape for them; else nil.
	text []byte
	// value is the answer as JSON, empty if there is none. It is used if text is nil.
	value json.RawMessage
}

// parseAnswer reads a line. Nearly all of tens of millions have the form that the reference
// writes, which is read fast; the others give the same result by encoding/json.
func parseAnswer(line []byte) (answer, error) {
	if a, ok := parsePlain(line); ok {
		return a, nil
	}
	// A map, because a struct's fields would match names in any case.
	var fields map[string]json.RawMessage
	if err := json.Unmarshal(line, &fields); err != nil {
		var syntax *json.SyntaxError
		if errors.As(err, &syntax) {
			return answer{}, fmt.Errorf("no JSON object (%w)", err)
		}
		return answer{}, errors.New("no JSON object")
	}
	idx, err := parseIdx(fields["idx"])
	return answer{idx: idx, value: fields["pred_response"]}, err
}

// parseIdx reads the idx of a line or item.
func parseIdx(value []byte) (int64, error) {
	switch idx, err := strconv.ParseInt(string(value), 10, 64); {
	case len(value) == 0:
		return 0, errors.New("no idx")
	case err != nil:
		return 0, fmt.Errorf("idx %s is not a whole number of 64 bits", value)
	default:
		return idx, nil
	}
}

// parsePlain reads {"idx": 7, "pred_response": "4"} with or without these blanks, and declines
// anything else.
func parsePlain(line []byte) (a answer, ok bool) {
	line, ok = bytes.CutPrefix(line, []byte(`{"idx":`))
	if !ok {
		return answer{}, false
	}
	line = cutBlank(line)
	digits := 0
	for digits < len(line) && '0' <= line[digits] && line[digits] <= '9' {
		a.idx = a.idx*10 + int64(line[digits]-'0')
		digits++
	}
	// 18 digits cannot overflow, and JSON has no leading zeros.
	if digits == 0 || digits > 18 || digits > 1 && line[0] == '0' {
		return answer{}, false
	}
	line, ok = bytes.CutPrefix(line[digits:], []byte(`,`))
	if !ok {
		return answer{}, false
	}
	line, ok = bytes.CutPrefix(cutBlank(line), []byte(`"pred_response":`))
	if !ok {
		return answer{}, false
	}
	line, ok = bytes.CutPrefix(cutBlank(line), []byte(`"`))
	if !ok {
		return answer{}, false
	}
	line, ok = bytes.CutSuffix(line, []byte(`"}`))
	if !ok {
		return answer{}, false
	}
	for _, b := range line {
		if b < ' ' || b > '~' || b == '"' || b == '\\' {
			return answer{}, false
		}
	}
	a.text = line
	return a, true
}

func cutBlank(line []byte) []byte {
	if len(line) > 0 && line[0] == ' ' {
		return line[1:]
	}
	return line
}

// readAnswers calls take for each line of a score file whose idx has a row, in the file's order.
func readAnswers(ctx context.Context, name string, rows *rows, take func(row uint32, a answer) error) error {
	file, err := os.Open(name)
	if err != nil {
		return err
	}
	defer file.Close()
	var (
		lines  = bufio.NewScanner(contextReader{ctx, file})
		number = 0
		row    = uint32(0)
		seen   = make([]bool, rows.len())
		fault  = func(err error) error { return fmt.Errorf("%s: line %d: %w", name, number, err) }
	)
	lines.Buffer(make([]byte, readBytes), maxLine)
	for lines.Scan() {
		number++
		line := lines.Bytes()
		if len(bytes.TrimSpace(line)) == 0 {
			continue
		}
		a, err := parseAnswer(line)
		if err != nil {
			return fault(fmt.Errorf("%w: fix the line, or remove it, and the sample's answer is missing", err))
		}
		var ok bool
		row, ok = rows.find(a.idx, row)
		switch {
		case !ok:
			return fault(fmt.Errorf(
				"idx %d is not in the manifest: give the manifest that was scored, or remove the line", a.idx))
		case seen[row]:
			return fault(fmt.Errorf("idx %d has a line before this one: keep one of them", a.idx))
		}
		seen[row] = true
		if err := take(row, a); err != nil {
			return fault(err)
		}
		row++
	}
	if err := lines.Err(); errors.Is(err, bufio.ErrTooLong) {
		number++
		return fault(fmt.Errorf("longer than %d MB: fix the line, or remove it", maxLine>>20))
	} else if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	return nil
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
