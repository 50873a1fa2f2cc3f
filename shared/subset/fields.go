package subset

import (
	"context"
	"fmt"
	"maps"
	"math"
	"slices"
	"sync"

	"github.com/harvest-ml/harvest/shared/bucket"
	"github.com/harvest-ml/harvest/shared/run"
	"github.com/harvest-ml/harvest/shared/scores/external"
	"github.com/harvest-ml/harvest/shared/selection"
	"golang.org/x/sync/errgroup"
)

// ColumnNames returns the names of the numeric columns of a run, in ascending order: fields of its records and, if from
// is not empty, columns of the file that it names. from is a selection's ScoresFrom. Fields of ranges that an earlier
// version cut are missing.
func (r *Reader) ColumnNames(ctx context.Context, plan *run.Plan, from string) ([]string, error) {
	names, err := r.fillFields(ctx, plan, nil)
	if err != nil || from == "" {
		return names, err
	}
	file, err := r.externalColumns(ctx, plan, from, nil)
	if err != nil {
		return nil, err
	}
	all := slices.Concat(names, file.Names)
	slices.Sort(all)
	return slices.Compact(all), nil
}

// fieldFilter is the field that errors name for an unknown column in a list of samples.
const fieldFilter = "filter"

// Column returns a numeric column for a list of samples: a number or NaN for each sample, in the order of the dataset.
// from is the same as for ColumnNames. If the column is unknown, the error is a *run.RefusedError with the known
// columns.
func (r *Reader) Column(ctx context.Context, plan *run.Plan, from, name string) ([]float64, error) {
	spec := selection.Request{ScoresFrom: from}
	columns, _, err := r.namedColumns(ctx, plan, spec, []string{name}, func(string) string { return fieldFilter })
	if err != nil {
		return nil, err
	}
	return columns[0].Values, nil
}

// fillFields fills columns from the fields of records, and returns the names of all numeric fields. It reads the
// records of a range only if a field is not in the range's object of numbers.
func (r *Reader) fillFields(ctx context.Context, plan *run.Plan, columns []selection.Column) ([]string, error) {
	names := make([]string, len(columns))
	for i, c := range columns {
		names[i] = c.Name
	}
	var mu sync.Mutex
	known := map[string]bool{}
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(lookups)
	for number := range plan.Ranges {
		group.Go(func() error {
			found, err := r.fillRange(ctx, plan, number, names, columns)
			mu.Lock()
			defer mu.Unlock()
			for _, name := range found {
				known[name] = true
			}
			return err
		})
	}
	if err := group.Wait(); err != nil {
		return nil, err
	}
	return slices.Sorted(maps.Keys(known)), nil
}

// fillRange does the same as fillFields for one range.
func (r *Reader) fillRange(
	ctx context.Context, plan *run.Plan, number int, names []string, columns []selection.Column,
) ([]string, error) {
	numbers, err := r.runs.ReadNumbers(ctx, plan, number, names...)
	if err != nil {
		return nil, err
	}
	complete := numbers != nil
	first, samples := int(plan.Ranges[number].FirstIndex), int(plan.RangeSamples(number))
	for _, c := range columns {
		if numbers == nil {
			break
		}
		at := slices.Index(numbers.Names, c.Name)
		if at < 0 {
			complete = complete && !numbers.More
			continue
		}
		values := numbers.Values[at]
		if len(values) != samples {
			return nil, r.runs.Lost(plan.Run, fmt.Errorf("numbers of range %d of run %s: %w: %d of %d samples",
				number, plan.Run, bucket.ErrDamaged, len(values), samples))
		}
		copy(c.Values[first:first+samples], values)
	}
	if complete || len(columns) == 0 {
		if numbers == nil {
			return nil, nil
		}
		return numbers.Names, nil
	}
	return r.fillRecords(ctx, plan, number, columns)
}

// maxFields is the largest number of names that fillRecords returns.
const maxFields = 100

// fillRecords fills columns from the records of a range, and returns names of their numeric fields.
func (r *Reader) fillRecords(
	ctx context.Context, plan *run.Plan, number int, columns []selection.Column,
) ([]string, error) {
	report, err := r.runs.RangeReport(ctx, plan.Run, number)
	if err != nil {
		return nil, r.runs.Lost(plan.Run, err)
	}
	known := map[string]bool{}
	index := int(plan.Ranges[number].FirstIndex)
	for record, err := range r.runs.RangeRecords(ctx, plan.Run, report) {
		if err != nil {
			return nil, err
		}
		for name, value := range external.Numbers(record.Raw) {
			if len(known) < maxFields {
				known[name] = true
			}
			for _, c := range columns {
				if c.Name == name {
					c.Values[index] = value
				}
			}
		}
		index++
	}
	return slices.Sorted(maps.Keys(known)), nil
}

// emptyColumns returns columns in which no sample has a number yet.
func emptyColumns(names []string, samples int64) []selection.Column {
	columns := make([]selection.Column, len(names))
	for i, name := range names {
		columns[i] = selection.Column{Name: name, Values: make([]float64, samples)}
		for s := range columns[i].Values {
			columns[i].Values[s] = math.NaN()
		}
	}
	return columns
}
