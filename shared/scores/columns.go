package scores

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/harvest-ml/harvest/shared/scorer"
	"github.com/harvest-ml/harvest/shared/selection"
	"github.com/harvest-ml/harvest/shared/similarity"
)

// Columns has the scores of a file in columns, like a selection.Pool. Each column has an entry for each row, in the
// order of the file. Each name is stored once, in the order of first appearance. Rows have the index of the name.
type Columns struct {
	Status      []Status
	SourceNames []string
	Source      []uint32
	Tie         []uint64          // selection.TieHash of the content and the seed
	Tokens      []uint32          // numbers of tokens of texts and images
	Answers     []uint32          // tokens of the answers; nil unless requested
	Shape       []selection.Shape // 0 for a row that is not OK
	Distance    []uint32          // see scorer.Result
	// Template has, for each row, the number in Templates, from 1, of the template of its first question. It is 0 for a
	// row without a template, and for a row that is not OK. TemplateNames are the texts of the templates.
	Templates     []similarity.TemplateKey
	TemplateNames []string
	Template      []uint32
	// The styles of row i are Style[StyleStart[i]:StyleStart[i+1]]. The main style is first.
	StyleNames []string
	StyleStart []uint32
	Style      []uint32
	// Capabilities are the capabilities that were read. Ratings[c][i] is the rating of row i for Capabilities[c], or
	// selection.Missing. Expected[c][i] is the row's expected score in units of 1/scorer.ExpectedUnits. If the file has no
	// expected score, it is the rating. If the rating is missing, it is 0.
	Capabilities []string
	Ratings      [][]int8
	Expected     [][]uint16
	// Twin has, for each OK row, the selection.TwinHash of its twin; zero if it has no twin. It is nil unless requested.
	Twin [][16]byte
	// The hashes of the images of row i are Image[ImageStart[i]:ImageStart[i+1]]; nil unless requested.
	ImageStart []uint32
	Image      []string
}

// A ColumnRequest names the columns that ReadColumns reads.
type ColumnRequest struct {
	Capabilities  []string // empty: all capabilities of the file
	Seed          uint64   // for Columns.Tie
	Twins, Images bool
	Answers       bool
	// Visual is the rule for the number of tokens of an image in Columns.Tokens.
	Visual selection.VisualTokens
}

// ReadColumns reads only the columns that a selection needs. It returns an error if the file lacks a capability. Its
// other errors are those of Read.
func ReadColumns(r io.ReaderAt, size int64, request ColumnRequest) (columns *Columns, err error) {
	defer recoverBad("reading columns of scores", &err)
	f, err := open(r, size)
	if err != nil {
		return nil, err
	}
	capabilities := request.Capabilities
	if len(capabilities) == 0 {
		capabilities = f.capabilities
	}
	c := &Columns{Capabilities: slices.Clone(capabilities)}
	for _, capability := range capabilities {
		if !slices.Contains(f.capabilities, capability) {
			return nil, fmt.Errorf("the file has no capability %q; it has %s", capability, strings.Join(f.capabilities, ", "))
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
	var errs [11]error
	var turns, imageStart []uint32
	c.Status, errs[0] = statuses.column(f, "status", 0)
	c.Source, errs[1] = namesIn(&c.SourceNames).column(f, "source", 0)
	c.Tie, errs[2] = tiesOf(request.Seed).column(f, "content", 0)
	c.Tokens, errs[3] = tokens(f, request.Visual)
	c.StyleStart, c.Style, errs[4] = namesIn(&c.StyleNames).lists(f, "styles")
	if request.Twins {
		c.Twin, errs[5] = twins.column(f, "twin", [16]byte{})
	}
	if request.Images {
		c.ImageStart, c.Image, errs[6] = texts.lists(f, "images")
		imageStart = c.ImageStart
	} else {
		imageStart, _, errs[6] = presence.lists(f, "images")
	}
	c.Template, errs[8] = c.templates().column(f, "template", 0)
	turns, errs[7] = counts.column(f, "turns", 0)
	c.Distance, errs[9] = counts.column(f, "distance", 0)
	if request.Answers {
		c.Answers, errs[10] = counts.column(f, "answer_tokens", 0)
	}
	if err := errors.Join(errs[:]...); err != nil {
		return nil, err
	}
	c.finish(imageStart, turns)
	return c, nil
}

// finish sets the shapes of the rows, and clears the values of rows that are not OK.
func (c *Columns) finish(imageStart, turns []uint32) {
	c.Shape = make([]selection.Shape, len(c.Status))
	for i, status := range c.Status {
		if status == OK {
			c.Shape[i] = selection.ShapeOf(int(imageStart[i+1]-imageStart[i]), int(turns[i]))
			continue
		}
		c.Template[i] = 0
		if c.Twin != nil {
			c.Twin[i] = [16]byte{}
		}
	}
}

// ReadRatings reads only the sources, styles and ratings of a file; the other columns are nil. Its errors are those of
// Read.
func ReadRatings(r io.ReaderAt, size int64) (columns *Columns, err error) {
	defer recoverBad("reading ratings of scores", &err)
	f, err := open(r, size)
	if err != nil {
		return nil, err
	}
	c := &Columns{Capabilities: f.capabilities}
	for _, capability := range f.capabilities {
		rated, err := ratings.column(f, ratingColumn(capability), selection.Missing)
		if err != nil {
			return nil, err
		}
		c.Ratings = append(c.Ratings, rated)
	}
	if c.Source, err = namesIn(&c.SourceNames).column(f, "source", 0); err != nil {
		return nil, err
	}
	c.StyleStart, c.Style, err = namesIn(&c.StyleNames).lists(f, "styles")
	return c, err
}

// noUnits marks rows without an expected score while a column is read. It is larger than every expected score.
const noUnits = scorer.MaxRating*scorer.ExpectedUnits + 1

// resolveExpected sets the expected score of every row that has none (see Columns).
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

// Types of columns that only Columns needs.
var (
	counts = columnType[int32, uint32]{takeInt32, toCount}
	units  = columnType[float32, uint16]{takeFloat, toUnits}
	twins  = columnType[string, [16]byte]{takeText, toTwin}
	// presence counts the texts of a column, without reading them.
	presence = columnType[struct{}, struct{}]{takePresence, same[struct{}]}
)

func toCount(v int32) (uint32, error) {
	if v < 0 {
		return 0, fmt.Errorf("%d is not a count", v)
	}
	return uint32(v), nil
}

func toTwin(text string) (twin [16]byte, err error) {
	if text != "" {
		twin = selection.TwinHash(text)
	}
	return twin, nil
}

// tiesOf reads a column of contents as tie hashes under a seed.
func tiesOf(seed uint64) columnType[string, uint64] {
	return columnType[string, uint64]{takeText, func(content string) (uint64, error) {
		return selection.TieHash(content, seed), nil
	}}
}

// templates reads a column of templates as numbers, like Columns.Template.
func (c *Columns) templates() columnType[string, uint32] {
	names := namesIn(&c.TemplateNames)
	return columnType[string, uint32]{takeText, func(template string) (uint32, error) {
		if template == "" {
			return 0, nil
		}
		i, err := names.convert(template)
		if int(i) == len(c.Templates) {
			c.Templates = append(c.Templates, similarity.TemplateKeyOf(template))
		}
		return i + 1, err
	}}
}

// namesIn reads a column of names as indexes into *names. It adds new names to *names.
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
