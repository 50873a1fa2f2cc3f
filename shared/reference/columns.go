package reference

import (
	"context"
	"encoding/json"
	"strings"
	"unicode"

	"github.com/harvest-ml/harvest/shared/selection"
)

// readRatings reads a capability's column.
func readRatings(ctx context.Context, folder, capability string, rows *rows) ([]int16, error) {
	column := make([]int16, rows.len())
	for row := range column {
		column[row] = selection.Missing
	}
	err := readAnswers(ctx, scoreFile(folder, capability), rows, func(row uint32, a answer) (err error) {
		if a.text != nil {
			column[row] = integer(a.text)
			return nil
		}
		column[row], err = rating(a.value)
		return err
	})
	return column, err
}

// styles are the samples' styles. They are kept by answer, because millions of samples share some
// hundreds of answers.
type styles struct {
	answer  []uint32          // of each row; 0 is none
	byText  map[string]uint32 // the answer of each text
	lists   [][]uint32        // the styles of each answer, by number
	names   []string          // of each style
	numbers map[string]uint32 // of each name
}

func readStyles(ctx context.Context, folder string, rows *rows) (*styles, error) {
	s := &styles{
		answer:  make([]uint32, rows.len()),
		byText:  make(map[string]uint32),
		lists:   make([][]uint32, 1),
		numbers: make(map[string]uint32),
	}
	err := readAnswers(ctx, scoreFile(folder, styleFile), rows, func(row uint32, a answer) error {
		switch {
		case a.text != nil:
			s.answer[row] = s.number(a.text)
		case len(a.value) > 0 && a.value[0] == '"':
			var text string
			if err := json.Unmarshal(a.value, &text); err != nil {
				return err
			}
			s.answer[row] = s.number([]byte(text))
		}
		return nil
	})
	return s, err
}

// number is the number of an answer.
func (s *styles) number(text []byte) uint32 {
	if number, known := s.byText[string(text)]; known {
		return number
	}
	number := uint32(len(s.lists))
	s.byText[string(text)] = number
	var list []uint32
	named := make(map[uint32]bool)
	for name := range strings.SplitSeq(string(text), ",") {
		name = strings.TrimFunc(name, isSpace)
		style, known := s.numbers[name]
		if !known {
			style = uint32(len(s.names))
			s.numbers[name] = style
			s.names = append(s.names, name)
		}
		if !named[style] {
			named[style] = true
			list = append(list, style)
		}
	}
	s.lists = append(s.lists, list)
	return number
}

// isSpace is what Python's str.strip removes.
func isSpace(r rune) bool { return unicode.IsSpace(r) || '\x1c' <= r && r <= '\x1f' }

// fill writes the columns of styles.
func (s *styles) fill(pool *selection.Pool) {
	total := 0
	for _, answer := range s.answer {
		total += len(s.lists[answer])
	}
	pool.StyleNames = s.names
	pool.Style = make([]uint32, 0, total)
	pool.StyleStart = make([]uint32, len(s.answer)+1)
	for row, answer := range s.answer {
		pool.Style = append(pool.Style, s.lists[answer]...)
		pool.StyleStart[row+1] = uint32(len(pool.Style))
	}
}
