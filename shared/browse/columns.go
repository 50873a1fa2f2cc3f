package browse

import (
	"context"
	"fmt"
	"io"
	"slices"

	"github.com/harvest-ml/harvest/shared/run"
	"github.com/harvest-ml/harvest/shared/scores"
	"github.com/harvest-ml/harvest/shared/similarity"
	"golang.org/x/sync/errgroup"
)

// reads is the largest number of files of scores that are read concurrently.
const reads = 8

// fieldID is the column of ids. Filters cannot name it.
const fieldID = "id"

// A column has a value for every sample of a run, in the order of the dataset.
type column struct {
	ratings []int8    // for a column of ratings; else nil
	numbers []float64 // for a numeric column; else nil
	ids     []uint64  // hashes of the ids, for the column of ids; else nil
	// In a column of names, the name of sample i is names[codes[i]]. In a column of lists of names, the names of sample i
	// are names[c] for each c in codes[starts[i]:starts[i+1]].
	names  scores.Names
	codes  []uint32
	starts []uint32
}

// bytes returns the approximate memory of the column in bytes.
func (c *column) bytes() int {
	return len(c.ratings) + 8*(len(c.numbers)+len(c.ids)) + 4*(len(c.codes)+len(c.starts)) + 50*len(c.names)
}

// number returns a numeric column, from the cache if it is there. from is the ScoresFrom of a selection.
func (r *Reader) number(ctx context.Context, plan *run.Plan, from, name string) ([]float64, error) {
	key := fmt.Sprintf("%s %s %s %s", plan.Run, fieldNumber, from, name)
	c, err := r.columns.Get(ctx, key, func(ctx context.Context) (*column, error) {
		values, err := r.subsets.Column(ctx, plan, from, name)
		return &column{numbers: values}, err
	})
	if err != nil {
		return nil, err
	}
	return c.numbers, nil
}

// Columns returns the numeric columns that filters of a run may name, in ascending order: fields of its records and,
// with a selection, columns of its scores_from file.
func (r *Reader) Columns(ctx context.Context, plan *run.Plan, selection string) ([]string, error) {
	from, err := r.numbersOf(ctx, plan, selection)
	if err != nil {
		return nil, err
	}
	c, err := r.columns.Get(ctx, plan.Run+" columns "+from, func(ctx context.Context) (*column, error) {
		names, err := r.subsets.ColumnNames(ctx, plan, from)
		return &column{names: names}, err
	})
	if err != nil {
		return nil, err
	}
	return c.names, nil
}

// numbersOf returns the name of the file of numbers of a selection; empty if the selection has no such file.
func (r *Reader) numbersOf(ctx context.Context, plan *run.Plan, selection string) (string, error) {
	if selection == "" {
		return "", nil
	}
	sel, err := r.subsets.Find(ctx, plan.Run, selection)
	if err != nil {
		return "", err
	}
	return sel.Parameters.Request.ScoresFrom, nil
}

// column returns a column of a run, from the cache if it is there. capability is the capability of a column of ratings.
func (r *Reader) column(ctx context.Context, plan *run.Plan, field, capability string) (*column, error) {
	key := plan.Run + " " + field + " " + capability
	return r.columns.Get(ctx, key, func(ctx context.Context) (*column, error) {
		whole := &joined{numbers: map[string]uint32{}}
		for first := 0; first < len(plan.Ranges); first += reads {
			var parts [reads]*column
			group, ctx := errgroup.WithContext(ctx)
			n := min(reads, len(plan.Ranges)-first)
			for i := range n {
				group.Go(func() (err error) {
					parts[i], err = r.part(ctx, plan, first+i, field, capability)
					return err
				})
			}
			if err := group.Wait(); err != nil {
				return nil, err
			}
			for _, part := range parts[:n] {
				whole.append(part)
			}
		}
		return &whole.column, nil
	})
}

// part reads a column of one range.
func (r *Reader) part(
	ctx context.Context, plan *run.Plan, number int, field, capability string,
) (*column, error) {
	c := &column{}
	err := r.runs.ReadScoreParts(ctx, plan, number, func(at io.ReaderAt, size int64) (rows int, err error) {
		switch field {
		case fieldRating:
			c.ratings, err = scores.ReadRating(at, size, capability)
			return len(c.ratings), err
		case fieldStyle:
			c.starts, c.codes, err = scores.ReadStyles(at, size, &c.names)
			return len(c.starts) - 1, err
		case fieldID:
			ids, err := scores.ReadIDs(at, size)
			c.ids = make([]uint64, len(ids))
			for i, id := range ids {
				c.ids[i] = similarity.HashOf(id)
			}
			return len(ids), err
		case fieldSource:
			c.codes, err = scores.ReadSources(at, size, &c.names)
		case fieldStatus:
			c.codes, err = scores.ReadStatuses(at, size, &c.names)
		default:
			c.codes, err = scores.ReadCodes(at, size, &c.names)
		}
		return len(c.codes), err
	})
	return c, err
}

// A joined column is built from the columns of the ranges.
type joined struct {
	column
	numbers map[string]uint32 // numbers of the names in the joined column
}

// append adds the samples of the next range.
func (c *joined) append(part *column) {
	c.ratings, c.ids = append(c.ratings, part.ratings...), append(c.ids, part.ids...)
	renamed := make([]uint32, len(part.names)) // maps the numbers of names in the part to numbers in the joined column
	for i, name := range part.names {
		at, known := c.numbers[name]
		if !known {
			at = uint32(len(c.names))
			c.names, c.numbers[name] = append(c.names, name), at
		}
		renamed[i] = at
	}
	before := uint32(len(c.codes))
	for _, code := range part.codes {
		c.codes = append(c.codes, renamed[code])
	}
	if part.starts == nil {
		return
	}
	if c.starts == nil {
		c.starts = []uint32{0}
	}
	for _, end := range part.starts[1:] {
		c.starts = append(c.starts, before+end)
	}
}

// named returns a test that holds for the samples that have this name. If has is false, it holds for the other samples.
func (c *column) named(name string, has bool) func(i int) bool {
	at := slices.Index(c.names, name)
	if at < 0 {
		return func(int) bool { return !has }
	}
	code := uint32(at)
	if c.starts == nil {
		return func(i int) bool { return (c.codes[i] == code) == has }
	}
	return func(i int) bool {
		return slices.Contains(c.codes[c.starts[i]:c.starts[i+1]], code) == has
	}
}
