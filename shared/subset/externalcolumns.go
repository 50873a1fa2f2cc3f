package subset

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
	"strings"

	"github.com/harvest-ml/harvest/shared/bucket"
	"github.com/harvest-ml/harvest/shared/run"
	"github.com/harvest-ml/harvest/shared/scores"
	"github.com/harvest-ml/harvest/shared/scores/external"
	"github.com/harvest-ml/harvest/shared/selection"
)

// An externalColumns has columns of a file of numbers, by name. Each has a number for each sample of a run, or NaN if
// the sample has no number.
type externalColumns struct {
	externalAbout
	values map[string][]float64
}

// An externalAbout has the facts about a file of numbers, except the numbers.
type externalAbout struct {
	Names  []string          `json:"names"`            // names of the columns of numbers, in the order of the file
	Others map[string]string `json:"others,omitempty"` // see external.Table.Others
	// IDs, Unknown and Example have the same meaning as in NumbersMatch. IDs is 0 if the file was not compared with a run.
	IDs     int    `json:"ids"`
	Unknown int    `json:"unknown"`
	Example string `json:"example,omitempty"`
}

// match reports how the file and the samples match, in the columns that were read. It returns nil if they were not
// compared.
func (c *externalColumns) match() *NumbersMatch {
	if c.IDs == 0 {
		return nil
	}
	match := &NumbersMatch{IDs: c.IDs, Unknown: c.Unknown, Example: c.Example, Without: map[string]int{}}
	for name, values := range c.values {
		without := 0
		for _, v := range values {
			if math.IsNaN(v) {
				without++
			}
		}
		if without > 0 {
			match.Without[name] = without
		}
	}
	return match
}

// externalColumns reads the named columns that a file of numbers has. from is a ScoresFrom by hash. If the run keeps
// the columns of the file, they are read from there, in a hundredth of the time. Otherwise they are read from the file.
func (r *Reader) externalColumns(
	ctx context.Context, plan *run.Plan, from string, names []string,
) (*externalColumns, error) {
	hash := strings.TrimPrefix(from, selection.ExternalPrefix)
	if hashPattern.MatchString(hash) {
		if kept, err := r.keptColumns(ctx, plan, hash, names); kept != nil || err != nil {
			return kept, err
		}
	}
	table, err := r.externalTable(ctx, hash)
	if err != nil {
		return nil, err
	}
	if len(names) == 0 {
		return &externalColumns{externalAbout: externalAbout{Names: table.Names, Others: table.Others}}, nil
	}
	return r.placeNumbers(ctx, plan, table, names)
}

// keptColumns reads the columns of a file of numbers that a run keeps. It returns nil if the run does not keep them, or
// if they are damaged, because the file itself has the same numbers.
func (r *Reader) keptColumns(
	ctx context.Context, plan *run.Plan, hash string, names []string,
) (*externalColumns, error) {
	numbers, err := run.ReadNumbersOf(ctx, r.work, runExternalName(plan.Run, hash), names...)
	if errors.Is(err, bucket.ErrDamaged) {
		return nil, nil
	} else if numbers == nil || err != nil {
		return nil, err
	}
	c := &externalColumns{values: map[string][]float64{}}
	if json.Unmarshal([]byte(numbers.About), &c.externalAbout) != nil || len(c.Names) != len(numbers.Names) || c.IDs == 0 {
		return nil, nil
	}
	for i, values := range numbers.Values {
		if values == nil {
			continue
		}
		if int64(len(values)) != plan.Samples {
			return nil, nil
		}
		c.values[numbers.Names[i]] = values
	}
	return c, nil
}

// keepNumbers stores all columns of a request's file of numbers for the samples of a run, once for all selections with
// this file. While it runs, no other caller may compute a selection.
func (s *Selector) keepNumbers(ctx context.Context, plan *run.Plan, request selection.Request) error {
	if request.ScoresFrom == "" || len(request.ColumnNames()) == 0 {
		return nil // a file whose columns are not used is refused later
	}
	return s.KeepNumbers(ctx, s.work, plan, request.ScoresFrom)
}

// KeepNumbers stores the columns of a file of numbers for the samples of a run in the work bucket, unless they are
// stored. from names the file, as StoreExternal returned it. work must be the reader's bucket.
func (r *Reader) KeepNumbers(ctx context.Context, work bucket.Bucket, plan *run.Plan, from string) error {
	hash := strings.TrimPrefix(from, selection.ExternalPrefix)
	if hashPattern.MatchString(hash) {
		if kept, err := bucket.Exists(ctx, work, runExternalName(plan.Run, hash)); kept || err != nil {
			return err
		}
	}
	table, err := r.externalTable(ctx, hash)
	if err != nil {
		return err
	}
	placed, err := r.placeNumbers(ctx, plan, table, table.Names)
	if err != nil {
		return err
	}
	about, err := json.Marshal(placed.externalAbout)
	if err != nil {
		return fmt.Errorf("keeping numbers: %w", err)
	}
	numbers := &scores.Numbers{Names: slices.Sorted(slices.Values(placed.Names)), About: string(about)}
	for _, name := range numbers.Names {
		numbers.Values = append(numbers.Values, placed.values[name])
	}
	_, err = bucket.CreateOnce(ctx, work, runExternalName(plan.Run, hash), func(w io.Writer) error {
		return scores.WriteNumbers(w, numbers)
	})
	return err
}

// placeNumbers puts columns of a table into the order of a run's samples. It removes these columns from the table, to
// save memory.
func (r *Reader) placeNumbers(
	ctx context.Context, plan *run.Plan, table *external.Table, names []string,
) (*externalColumns, error) {
	lookup, err := r.samplesOf(plan).lookup(ctx, table.IDs)
	if err != nil {
		return nil, err
	}
	about := externalAbout{Names: table.Names, Others: table.Others, IDs: len(table.IDs)}
	rows := make([]int, plan.Samples) // row of each sample, from 1; 0 if there is none
	for row, id := range table.IDs {
		positions := lookup.Positions(id)
		if len(positions) == 0 {
			about.Unknown, about.Example = about.Unknown+1, cmp.Or(about.Example, id)
		}
		for _, position := range positions {
			rows[position] = row + 1
		}
	}
	if about.Unknown == about.IDs {
		return nil, &run.RefusedError{Reason: fmt.Sprintf("scores_from: none of its %d ids is a sample of run %s, "+
			"such as %q; give the file of this dataset", about.IDs, plan.Run, table.IDs[0])}
	}
	placed := &externalColumns{about, map[string][]float64{}}
	for at, name := range table.Names {
		if !slices.Contains(names, name) {
			continue
		}
		values := make([]float64, plan.Samples)
		for sample, row := range rows {
			if values[sample] = math.NaN(); row > 0 {
				values[sample] = table.Values[at][row-1]
			}
		}
		placed.values[name], table.Values[at] = values, nil
	}
	return placed, nil
}
