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

// externalColumns are columns of a file of numbers in the order of a run's samples, by name; NaN where a sample has no
// number.
type externalColumns struct {
	externalAbout
	values map[string][]float64
}

// externalAbout is what is known of a file of numbers in addition to its columns.
type externalAbout struct {
	Names  []string          `json:"names"`            // of the columns of numbers, in the order of the file
	Others map[string]string `json:"others,omitempty"` // as external.Table.Others
	// IDs, Unknown and Example are as in NumbersMatch; IDs is 0 if the file was not compared with a run.
	IDs     int    `json:"ids"`
	Unknown int    `json:"unknown"`
	Example string `json:"example,omitempty"`
}

// match says how the file and the samples match, in the columns that were read; nil if they were not compared.
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

// externalColumns reads those of some names that a file of numbers has. from is a ScoresFrom by hash. They are read
// from what the run keeps of the file, which takes a hundredth of the time, or else from the file itself.
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

// keptColumns reads columns from what a run keeps of a file of numbers; nil if it keeps none, or if that is damaged:
// the file itself has the same numbers.
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

// keepNumbers keeps what the file of numbers of a request holds of a run's samples, all of its columns, once for all
// selections with that file. No selection may be computed by another caller meanwhile.
func (s *Selector) keepNumbers(ctx context.Context, plan *run.Plan, request selection.Request) error {
	if request.ScoresFrom == "" || len(request.ColumnNames()) == 0 {
		return nil // the latter is refused
	}
	return s.KeepNumbers(ctx, s.work, plan, request.ScoresFrom)
}

// KeepNumbers keeps, in the work bucket, which is the reader's, what a file of numbers that StoreExternal stored holds
// of a run's samples, unless it is kept. from is what names the file.
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

// placeNumbers puts columns of a table in the order of a run's samples. The table is no longer of use then, because it
// gives up each column that is placed.
func (r *Reader) placeNumbers(
	ctx context.Context, plan *run.Plan, table *external.Table, names []string,
) (*externalColumns, error) {
	lookup, err := r.samplesOf(plan).lookup(ctx, table.IDs)
	if err != nil {
		return nil, err
	}
	about := externalAbout{Names: table.Names, Others: table.Others, IDs: len(table.IDs)}
	rows := make([]int, plan.Samples) // of each sample, from 1
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
