package subset

import (
	"context"
	"math"
	"slices"

	"github.com/harvest-ml/harvest/shared/run"
	"github.com/harvest-ml/harvest/shared/scores/external"
	"github.com/harvest-ml/harvest/shared/selection"
)

// A ColumnPair compares the numbers of A and B in a column. The column is from A's file of numbers or, if A has no
// file, from B's file. If neither side has a file, the column is a field of the records.
type ColumnPair struct {
	Name string        `json:"name"`
	A    ColumnFigures `json:"a"`
	B    ColumnFigures `json:"b"`
	// Least and Most are the lowest and the highest number of both sides.
	Least float64 `json:"least"`
	Most  float64 `json:"most"`
}

// ColumnFigures are the figures of one side, over its samples with a finite number.
type ColumnFigures struct {
	Samples  int     `json:"samples"`
	Coverage float64 `json:"coverage"` // share of the side's samples that have a number, 0 to 1
	// Mean and Median are nil if no sample has a number.
	Mean   *float64 `json:"mean"`
	Median *float64 `json:"median"`
}

// columnsAtOnce is the number of columns of a run that are in memory at the same time.
const columnsAtOnce = 4

// comparedColumns compares all columns in which a sample of either side has a number.
func (r *Reader) comparedColumns(
	ctx context.Context, plan *run.Plan, a, b *sampleNumbers,
) (pairs []ColumnPair, err error) {
	seen := map[string]bool{external.IDColumn: true} // the ids of samples are not compared, even if they are numbers
	for _, from := range []string{a.from(), b.from(), ""} {
		names, err := r.columnsFrom(ctx, plan, from)
		if err != nil {
			return nil, err
		}
		names = slices.DeleteFunc(slices.Clone(names), func(name string) bool { return seen[name] })
		for part := range slices.Chunk(names, columnsAtOnce) {
			spec := selection.Request{ScoresFrom: from}
			columns, _, err := r.namedColumns(ctx, plan, spec, part, func(string) string { return "columns" })
			if err != nil {
				return nil, err
			}
			for _, c := range columns {
				seen[c.Name] = true
				if pair, has := newColumnPair(c, a, b); has {
					pairs = append(pairs, pair)
				}
			}
		}
	}
	return pairs, nil
}

// from returns the file of numbers that a selection names; empty for other samples.
func (n *sampleNumbers) from() string {
	if n.sel == nil {
		return ""
	}
	return n.sel.Parameters.Request.ScoresFrom
}

// columnsFrom returns the columns of a file of numbers; without a file, the numeric fields of the records.
func (r *Reader) columnsFrom(ctx context.Context, plan *run.Plan, from string) ([]string, error) {
	if from == "" {
		return r.ColumnNames(ctx, plan, "")
	}
	file, err := r.externalColumns(ctx, plan, from, nil)
	if err != nil {
		return nil, err
	}
	return file.Names, nil
}

// newColumnPair compares a column. has reports whether a sample has a number.
func newColumnPair(c selection.Column, a, b *sampleNumbers) (pair ColumnPair, has bool) {
	pair = ColumnPair{Name: c.Name, Least: math.Inf(1), Most: math.Inf(-1)}
	for side, figures := range map[*sampleNumbers]*ColumnFigures{a: &pair.A, b: &pair.B} {
		numbers := make([]float64, 0, len(side.order))
		for _, s := range side.order {
			if v := c.Values[s]; !math.IsNaN(v) && !math.IsInf(v, 0) {
				numbers = append(numbers, v)
			}
		}
		if len(numbers) == 0 {
			continue
		}
		slices.Sort(numbers)
		pair.Least, pair.Most = min(pair.Least, numbers[0]), max(pair.Most, numbers[len(numbers)-1])
		*figures = newColumnFigures(numbers, len(side.order))
	}
	return pair, pair.A.Samples+pair.B.Samples > 0
}

// newColumnFigures returns the figures of one or more numbers in ascending order. samples is the number of samples of
// the side.
func newColumnFigures(numbers []float64, samples int) ColumnFigures {
	n := len(numbers)
	sum, mean := 0.0, 0.0
	for _, v := range numbers {
		sum += v
		mean += v / float64(n)
	}
	if !math.IsInf(sum, 0) { // the sum of large numbers may overflow
		mean = sum / float64(n)
	}
	median := numbers[(n-1)/2]/2 + numbers[n/2]/2
	return ColumnFigures{Samples: n, Coverage: float64(n) / float64(samples), Mean: &mean, Median: &median}
}
