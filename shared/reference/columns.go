package reference

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"unicode"

	"github.com/harvest-ml/harvest/shared/rubric"
	"github.com/harvest-ml/harvest/shared/selection"
)

// readColumn reads the answers of a score file into values, which has an entry for each row. parse converts an answer
// to a value, and may return a finding. A row without a line keeps its value.
func readColumn[V comparable](
	ctx context.Context, file *scoreFile, rows *rows, values []V, parse func(answer) (V, Kind, error),
) error {
	var (
		seen  = make([]bool, rows.len())
		rest  = rows.len()
		guess = uint32(0)
	)
	err := readLines(ctx, file.name, func(l scoreLine) error {
		if l.marked {
			file.note(Finding{Kind: ByteOrderMark, Line: l.number})
		}
		if len(bytes.TrimSpace(l.text)) == 0 {
			return nil
		}
		a, err := parseAnswer(l.text)
		if err != nil {
			return fmt.Errorf("%w: fix the line, or remove it; then the sample has no answer", err)
		}
		row, known := rows.find(a.idx, guess)
		if !known {
			return rows.unknown(a.idx)
		}
		guess = row + 1
		value, kind, err := parse(a)
		switch {
		case err != nil:
			return err
		case !seen[row]:
			seen[row], values[row] = true, value
			rest--
		case value == values[row]:
			kind = RepeatedLine
		default:
			return contradiction(ctx, file.name, rows, row, a)
		}
		if kind != "" {
			file.note(Finding{Kind: kind, Line: l.number, Idx: a.idx.String(), Answer: a.String()})
		}
		return nil
	})
	switch {
	case err != nil:
		return err
	case rest == len(seen):
		file.note(Finding{Kind: EmptyFile})
	case rest > 0:
		file.note(Finding{Kind: NoLine, Idx: rows.at(slices.Index(seen, false)).String()})
		file.findings[len(file.findings)-1].Count = rest
	}
	return nil
}

// contradiction returns the error for two lines with different answers for one row. It reads the file again to find the
// first line, so that the line numbers of all rows need not be stored.
func contradiction(ctx context.Context, name string, rows *rows, row uint32, second answer) error {
	found := errors.New("found")
	var refusal error
	err := readLines(ctx, name, func(l scoreLine) error {
		if len(bytes.TrimSpace(l.text)) == 0 {
			return nil
		}
		first, err := parseAnswer(l.text)
		if err != nil {
			return err
		}
		if at, _ := rows.find(first.idx, row); at != row {
			return nil
		}
		refusal = fmt.Errorf("idx %s has the answer %s here, but %s in line %d: remove one of the two lines",
			second.idx, second, first, l.number)
		return found
	})
	if errors.Is(err, found) {
		return refusal
	}
	return fmt.Errorf("searching for the line that contradicts this one: %w", err)
}

// readRatings reads the ratings of a capability.
func readRatings(ctx context.Context, file *scoreFile, rows *rows) ([]int8, error) {
	column := make([]int8, rows.len())
	for row := range column {
		column[row] = selection.Missing
	}
	return column, readColumn(ctx, file, rows, column, func(a answer) (value int8, kind Kind, err error) {
		if a.text != nil {
			value = integer(a.text)
		} else if value, err = rating(a.value); err != nil {
			return value, "", err
		}
		switch {
		case value == selection.Missing:
			kind = NotANumber
		case value < 0 || value > selection.MaxRating:
			kind = OutsideScale
		}
		return value, kind, nil
	})
}

// readStyles reads the styles. First, it numbers the answers, because millions of samples have only a few hundred
// different answers.
func readStyles(ctx context.Context, file *scoreFile, rows *rows, build *selection.Builder) error {
	s := styleAnswers{
		build: build, byText: make(map[string]uint32), byStyles: make(map[string]uint32), lists: make([][]uint32, 1),
		unknown: make([]bool, 1),
	}
	answers := make([]uint32, rows.len()) // number of each row's answer; 0 without an answer
	err := readColumn(ctx, file, rows, answers, func(a answer) (uint32, Kind, error) {
		switch {
		case a.text != nil:
			number := s.number(a.text)
			return number, s.kind(number), nil
		case len(a.value) > 0 && a.value[0] == '"':
			var text string
			if err := json.Unmarshal(a.value, &text); err != nil {
				return 0, "", err
			}
			number := s.number([]byte(text))
			return number, s.kind(number), nil
		}
		return 0, NoStyle, nil
	})
	if err != nil {
		return err
	}
	if !s.standard { // the styles are from another rubric
		file.findings = slices.DeleteFunc(file.findings, func(f Finding) bool { return f.Kind == UnknownStyle })
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

// styleAnswers numbers the different answers about styles, from 1. Answers with the same styles in the same order have
// the same number.
type styleAnswers struct {
	build    *selection.Builder
	byText   map[string]uint32
	byStyles map[string]uint32
	lists    [][]uint32 // the styles of each answer, by their numbers in the pool
	unknown  []bool     // whether the answer has a style that the default rubric lacks
	standard bool       // whether any answer has a style of the default rubric, in upper or lower case
}

func (s *styleAnswers) kind(number uint32) Kind {
	if s.unknown[number] {
		return UnknownStyle
	}
	return ""
}

func (s *styleAnswers) number(text []byte) uint32 {
	if number, known := s.byText[string(text)]; known {
		return number
	}
	names := strings.Split(string(text), ",")
	for i, name := range names {
		names[i] = strings.TrimFunc(name, isSpace)
	}
	styles := s.build.Styles(names)
	key := fmt.Sprint(styles)
	number, known := s.byStyles[key]
	if !known {
		number = uint32(len(s.lists))
		s.byStyles[key] = number
		s.lists = append(s.lists, styles)
		unknown := false
		for _, name := range names {
			unknown = unknown || !slices.Contains(rubric.Default().Styles, name)
			s.standard = s.standard || slices.ContainsFunc(rubric.Default().Styles, func(style string) bool {
				return strings.EqualFold(style, name)
			})
		}
		s.unknown = append(s.unknown, unknown)
	}
	s.byText[string(text)] = number
	return number
}

// isSpace reports whether Python's str.strip removes a character.
func isSpace(r rune) bool { return unicode.IsSpace(r) || '\x1c' <= r && r <= '\x1f' }
