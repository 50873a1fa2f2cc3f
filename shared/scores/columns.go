package scores

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/harvest-ml/harvest/shared/scorer"
	"github.com/harvest-ml/harvest/shared/selection"
)

// Columns are the scores of a file as a selection.Pool holds them: one slice for each column, and in
// each one entry for each row, in the order of the file. Names are kept once, and rows refer to them
// by their index, in order of first appearance.
type Columns struct {
	Range, Position []int32
	Status          []Status
	SourceNames     []string
	Source          []uint32
	Content         []string
	// The styles of row i are Style[StyleStart[i]:StyleStart[i+1]], the main one first.
	StyleNames []string
	StyleStart []uint32
	Style      []uint32
	// Capabilities are those read. Ratings[c][i] is the rating of row i for Capabilities[c], or
	// selection.Missing. Expected[c][i] is its expected score in units of 1/scorer.ExpectedUnits: the
	// rating where the file has no expected score, 0 where the rating is missing.
	Capabilities []string
	Ratings      [][]int8
	Expected     [][]uint16
}

// ReadColumns reads what a selection by these capabilities needs of a file, and no other column;
// without any named, all capabilities of the file. A capability that the file lacks is an error,
// else it fails as Read does.
func ReadColumns(r io.ReaderAt, size int64, capabilities ...string) (columns *Columns, err error) {
	defer recoverBad("reading columns of scores", &err)
	f, err := open(r, size)
	if err != nil {
		return nil, err
	}
	if len(capabilities) == 0 {
		capabilities = f.capabilities
	}
	c := &Columns{Capabilities: slices.Clone(capabilities)}
	for _, capability := range capabilities {
		if !slices.Contains(f.capabilities, capability) {
			return nil, fmt.Errorf("no capability %q: the file has %s", capability, strings.Join(f.capabilities, ", "))
		}
		rated, err := ratings.column(f, ratingColumn(capability), selection.Missing)
		if err != nil {
			return nil, err
		}
		expected, err := units.column(f, expectedColumn(capability), noUnits)
		if err != nil {
			return nil, err
		}
		resolveExpected(rated, expected)
		c.Ratings = append(c.Ratings, rated)
		c.Expected = append(c.Expected, expected)
	}
	var errs [6]error
	c.Range, errs[0] = numbers.column(f, "range_index", 0)
	c.Position, errs[1] = numbers.column(f, "position", 0)
	c.Status, errs[2] = statuses.column(f, "status", 0)
	c.Source, errs[3] = namesIn(&c.SourceNames).column(f, "source", 0)
	c.Content, errs[4] = texts.column(f, "content", "")
	c.StyleStart, c.Style, errs[5] = namesIn(&c.StyleNames).lists(f, "styles")
	if err := errors.Join(errs[:]...); err != nil {
		return nil, err
	}
	return c, nil
}

// noUnits marks rows without an expected score while a column is read; no expected score has as many.
const noUnits = scorer.MaxRating*scorer.ExpectedUnits + 1

// resolveExpected gives every row an expected score: see Columns.
func resolveExpected(ratings []int8, expected []uint16) {
	for i, rating := range ratings {
		switch {
		case rating == selection.Missing:
			expected[i] = 0
		case expected[i] == noUnits:
			expected[i] = uint16(min(max(rating, 0), scorer.MaxRating)) * scorer.ExpectedUnits
		}
	}
}

// The types of column that Columns alone are read from.
var (
	numbers = columnType[int32, int32]{takeInt32, func(v int32) (int32, error) { return v, nil }}
	units   = columnType[float32, uint16]{takeFloat, toUnits}
)

// namesIn is a column of names read as indexes into *names, to which new ones are added.
func namesIn(names *[]string) columnType[string, uint32] {
	known := make(map[string]uint32)
	return columnType[string, uint32]{takeText, func(name string) (uint32, error) {
		i, ok := known[name]
		if !ok {
			i = uint32(len(*names))
			known[name] = i
			*names = append(*names, strings.Clone(name))
		}
		return i, nil
	}}
}
