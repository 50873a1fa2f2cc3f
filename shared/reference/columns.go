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

// readStyles reads the column of styles. Answers are numbered first, because millions of samples
// have some hundreds of answers.
func readStyles(ctx context.Context, folder string, rows *rows, build *selection.Builder) error {
	s := styleAnswers{build: build, numbers: make(map[string]uint32), lists: make([][]uint32, 1)}
	answers := make([]uint32, rows.len()) // by row; 0 for none
	err := readAnswers(ctx, scoreFile(folder, styleFile), rows, func(row uint32, a answer) error {
		switch {
		case a.text != nil:
			answers[row] = s.number(a.text)
		case len(a.value) > 0 && a.value[0] == '"':
			var text string
			if err := json.Unmarshal(a.value, &text); err != nil {
				return err
			}
			answers[row] = s.number([]byte(text))
		}
		return nil
	})
	if err != nil {
		return err
	}
	total := 0
	for _, answer := range answers {
		total += len(s.lists[answer])
	}
	build.Pool.Style = make([]uint32, 0, total)
	build.Pool.StyleStart = append(make([]uint32, 0, len(answers)+1), 0)
	for _, answer := range answers {
		build.AppendStyles(s.lists[answer])
	}
	return nil
}

// styleAnswers numbers the different answers about styles, from 1.
type styleAnswers struct {
	build   *selection.Builder
	numbers map[string]uint32 // by the answer's text
	lists   [][]uint32        // the styles of each answer, by their numbers in the pool
}

func (s *styleAnswers) number(text []byte) uint32 {
	if number, known := s.numbers[string(text)]; known {
		return number
	}
	number := uint32(len(s.lists))
	s.numbers[string(text)] = number
	names := strings.Split(string(text), ",")
	for i, name := range names {
		names[i] = strings.TrimFunc(name, isSpace)
	}
	s.lists = append(s.lists, s.build.Styles(names))
	return number
}

// isSpace is what Python's str.strip removes.
func isSpace(r rune) bool { return unicode.IsSpace(r) || '\x1c' <= r && r <= '\x1f' }
