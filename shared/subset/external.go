package subset

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/harvest-ml/harvest/shared/bucket"
	"github.com/harvest-ml/harvest/shared/run"
	"github.com/harvest-ml/harvest/shared/scores/external"
	"github.com/harvest-ml/harvest/shared/selection"
	"github.com/harvest-ml/harvest/shared/spelling"
)

// pin replaces the name of a request's file of numbers by a hash of its content, because the object in the input bucket
// may change later. If the file is invalid, the error is a *run.RefusedError.
func (s *Selector) pin(
	ctx context.Context, plan *run.Plan, request selection.Request,
) (selection.Request, error) {
	name := request.ScoresFrom
	if name == "" || strings.HasPrefix(name, selection.ExternalPrefix) {
		return request, nil
	}
	object := run.DatasetsPrefix + plan.Dataset + "/" + name
	data, err := bucket.ReadWhole(ctx, s.texts.Input, object, external.MaxBytes)
	if err == nil {
		request.ScoresFrom, err = StoreExternal(ctx, s.work, data)
	}
	_, large := errors.AsType[*bucket.TooLargeError](err)
	_, content := errors.AsType[*external.Error](err)
	switch {
	case errors.Is(err, bucket.ErrNotExist):
		err = &run.RefusedError{Reason: fmt.Sprintf("scores_from: %s is not in the input bucket; upload it, and retry",
			object)}
	case large || content:
		err = &run.RefusedError{Reason: fmt.Sprintf("scores_from: %s: %v", object, err)}
	}
	return request, err
}

// Sweep does the same as Reader.Sweep, but the request's file of numbers may be in the input bucket.
func (s *Selector) Sweep(
	ctx context.Context, runID string, request SweepRequest, allowed run.Allowance,
) (*Sweep, error) {
	plan, err := s.runs.UsablePlan(ctx, runID)
	if err != nil {
		return nil, err
	}
	if request.Request, err = s.pin(ctx, plan, request.Request); err != nil {
		return nil, err
	}
	return s.Reader.Sweep(ctx, runID, request, s.sets, allowed)
}

// withColumns adds the columns that a request names to a pool. They come from the request's file of numbers or, if it
// has no such column, from the fields of the records.
func (r *Reader) withColumns(
	ctx context.Context, plan *run.Plan, spec selection.Request, scored *Pool,
) (*Pool, error) {
	names := spec.ColumnNames()
	if len(names) == 0 {
		return nil, &run.RefusedError{
			Reason: "scores_from: no condition and no order uses a column of this file; name one in where, tie_break or by, " +
				"or remove scores_from",
		}
	}
	key := fmt.Sprintf("%s %s %q", poolKey(plan, spec), spec.ScoresFrom, names)
	size := scored.bytes() + 8*len(names)*scored.Pool.Len()
	return r.pools.get(ctx, key, size, func(ctx context.Context) (*Pool, error) {
		columns, numbers, err := r.columns(ctx, plan, spec)
		if err != nil {
			return nil, err
		}
		pool := *scored.Pool
		pool.Columns = columns
		catalog, err := selection.NewCatalog(&pool)
		return &Pool{Catalog: catalog, Samples: scored.Samples, Reach: scored.Reach, Numbers: numbers}, err
	})
}

// A NumbersMatch reports how a file of numbers matches the samples of a run.
type NumbersMatch struct {
	IDs     int    `json:"ids"`               // number of ids in the file
	Unknown int    `json:"unknown"`           // number of ids that are not samples of the run
	Example string `json:"example,omitempty"` // one of the unknown ids
	// Without has, for each column that the request names, the number of samples without a number in it.
	Without map[string]int `json:"without,omitempty"`
}

// columns returns the columns that a request names, with the numbers of a run's samples, from the request's file and
// from the records. It also reports how the file matches the samples.
func (r *Reader) columns(
	ctx context.Context, plan *run.Plan, spec selection.Request,
) ([]selection.Column, *NumbersMatch, error) {
	return r.namedColumns(ctx, plan, spec, spec.ColumnNames(), func(name string) string {
		switch {
		case slices.ContainsFunc(spec.Where, func(c selection.Condition) bool { return c.Column == name }):
			return "where"
		case strings.TrimPrefix(spec.TieBreak, "-") == name:
			return "tie_break"
		default:
			return "by"
		}
	})
}

// namedColumns returns columns by name. fieldOf returns the field of the request that names a column.
func (r *Reader) namedColumns(
	ctx context.Context, plan *run.Plan, spec selection.Request, names []string, fieldOf func(name string) string,
) ([]selection.Column, *NumbersMatch, error) {
	columns := emptyColumns(names, plan.Samples)
	rest := slices.Clone(columns) // columns that are not in the file
	file := &externalColumns{}
	if spec.ScoresFrom != "" {
		var err error
		if file, err = r.externalColumns(ctx, plan, spec.ScoresFrom, names); err != nil {
			return nil, nil, err
		}
		rest = slices.DeleteFunc(rest, func(c selection.Column) bool { return file.values[c.Name] != nil })
		for i, c := range columns {
			if values := file.values[c.Name]; values != nil {
				columns[i].Values = values
			}
		}
	}
	match := file.match()
	if len(rest) == 0 {
		return columns, match, nil
	}
	fields, err := r.fillFields(ctx, plan, rest)
	if err != nil {
		return nil, nil, err
	}
	for _, c := range rest {
		if !slices.ContainsFunc(c.Values, func(v float64) bool { return !math.IsNaN(v) }) {
			return nil, nil, unknownColumn(fieldOf(c.Name), c.Name, slices.Concat(file.Names, fields), file.Others[c.Name])
		}
	}
	return columns, match, nil
}

// unknownColumn returns an error for a column in which no sample has a number. field is the request's field that names
// the column. If the file has a column with this name, text is a value in the column that is not a number.
func unknownColumn(field, name string, known []string, text string) error {
	if text != "" {
		return &run.RefusedError{Reason: fmt.Sprintf("%s: column %q of the file of numbers cannot be used: %s", field, name,
			text)}
	}
	if len(known) == 0 {
		advice := "give a file of numbers with scores_from"
		if field == fieldFilter {
			advice = "a selection that was made with scores_from has the columns of its file"
		}
		return &run.RefusedError{Reason: fmt.Sprintf("%s: no record has a number in the field %q or in any other field; %s",
			field, name, advice)}
	}
	return &run.RefusedError{
		Reason: spelling.Names(&selection.UnknownNameError{Field: field, Name: name, Known: known}).Error(),
	}
}

// Unfulfilled returns a text with the conditions that a sample does not fulfil.
func Unfulfilled(where []selection.Condition) string {
	words := make([]string, len(where))
	for i, c := range where {
		words[i] = c.String()
	}
	if len(words) == 1 {
		return "it does not fulfil " + words[0]
	}
	return "it does not fulfil all of " + strings.Join(words, ", ")
}
