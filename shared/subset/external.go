package subset

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"math"
	"regexp"
	"slices"
	"strings"

	"github.com/harvest-ml/harvest/shared/bucket"
	"github.com/harvest-ml/harvest/shared/run"
	"github.com/harvest-ml/harvest/shared/scores/external"
	"github.com/harvest-ml/harvest/shared/selection"
	"github.com/harvest-ml/harvest/shared/spelling"
)

// StoreExternal stores a file of numbers in the work bucket, once for equal content, and returns the ScoresFrom that
// names it. If the content is invalid, the error is that of external.Parse.
func StoreExternal(ctx context.Context, work bucket.Bucket, data []byte) (string, error) {
	sum := sha256.Sum256(data)
	hash := hex.EncodeToString(sum[:])
	if kept, err := bucket.Exists(ctx, work, externalName(hash)); kept || err != nil { // it was parsed when it was stored
		return selection.ExternalPrefix + hash, err
	}
	if _, err := external.Parse(data); err != nil {
		return "", err
	}
	_, err := bucket.CreateBytes(ctx, work, externalName(hash), data)
	return selection.ExternalPrefix + hash, err
}

// pin replaces the name of a request's file of numbers by a hash of its content, because the object in the input bucket
// may change later. A *run.RefusedError is a fault of the file.
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
		err = &run.RefusedError{Reason: fmt.Sprintf("scores_from: %s is not in the input bucket; upload it, then ask again",
			object)}
	case large || content:
		err = &run.RefusedError{Reason: fmt.Sprintf("scores_from: %s: %v", object, err)}
	}
	return request, err
}

// Sweep is Reader.Sweep, but the request's file of numbers may be in the input bucket.
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

// withColumns adds to a pool the columns that a request names, from its file of numbers or else from the fields of the
// records.
func (r *Reader) withColumns(
	ctx context.Context, plan *run.Plan, spec selection.Request, scored *Pool,
) (*Pool, error) {
	names := spec.ColumnNames()
	if len(names) == 0 {
		return nil, &run.RefusedError{
			Reason: "scores_from: no condition and no order uses its columns; name one in where, tie_break or by, or " +
				"leave scores_from out",
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

// A NumbersMatch says how a file of numbers and the samples of a run match.
type NumbersMatch struct {
	IDs     int    `json:"ids"`               // of the file
	Unknown int    `json:"unknown"`           // ids that are not samples of the run
	Example string `json:"example,omitempty"` // one of the unknown ids
	// Without is, for each column that the request names, how many samples have no number in it.
	Without map[string]int `json:"without,omitempty"`
}

// columns are the columns that a request names, for a run's samples: from its file, and from the records. It also
// returns how the file matches the samples.
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

// namedColumns are columns by name. fieldOf gives the field of the request that names a column.
func (r *Reader) namedColumns(
	ctx context.Context, plan *run.Plan, spec selection.Request, names []string, fieldOf func(name string) string,
) ([]selection.Column, *NumbersMatch, error) {
	columns := emptyColumns(names, plan.Samples)
	var known []string
	var others map[string]string  // columns of the file without numbers
	rest := slices.Clone(columns) // not in the file
	var match *NumbersMatch
	if spec.ScoresFrom != "" {
		table, err := r.externalTable(ctx, strings.TrimPrefix(spec.ScoresFrom, selection.ExternalPrefix))
		if err != nil {
			return nil, nil, err
		}
		known, others = table.Names, table.Others
		rest = slices.DeleteFunc(rest, func(c selection.Column) bool { return slices.Contains(known, c.Name) })
		if match, err = r.fillExternal(ctx, plan, table, columns); err != nil {
			return nil, nil, err
		}
	}
	if len(rest) == 0 {
		return columns, match, nil
	}
	fields, err := r.fillFields(ctx, plan, rest)
	if err != nil {
		return nil, nil, err
	}
	for _, c := range rest {
		if !slices.ContainsFunc(c.Values, func(v float64) bool { return !math.IsNaN(v) }) {
			return nil, nil, unknownColumn(fieldOf(c.Name), c.Name, slices.Concat(known, fields), others[c.Name])
		}
	}
	return columns, match, nil
}

// unknownColumn refuses a column in which no sample has a number. field is the request's field that names it. If the
// file has a column of that name, text is a value in it that is not a number.
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
		return &run.RefusedError{Reason: fmt.Sprintf("%s: no record has a number in a field %q, nor in any other; %s",
			field, name, advice)}
	}
	return &run.RefusedError{
		Reason: spelling.Names(&selection.UnknownNameError{Field: field, Name: name, Known: known}).Error(),
	}
}

// hashPattern is the pattern of a SHA-256 in hexadecimal digits.
var hashPattern = regexp.MustCompile(`^[0-9a-f]{64}$`)

// externalTable reads a file of numbers that StoreExternal stored.
func (r *Reader) externalTable(ctx context.Context, hash string) (*external.Table, error) {
	unknown := &run.RefusedError{Reason: fmt.Sprintf("scores_from: %s%s is not known here; give the file again",
		selection.ExternalPrefix, hash)}
	if !hashPattern.MatchString(hash) {
		return nil, unknown
	}
	data, err := bucket.ReadAll(ctx, r.work, externalName(hash))
	if errors.Is(err, bucket.ErrNotExist) {
		return nil, unknown
	} else if err != nil {
		return nil, err
	}
	if sum := sha256.Sum256(data); hex.EncodeToString(sum[:]) != hash {
		return nil, bucket.LostAlone(r.work, externalName(hash), "give the file of scores_from again",
			fmt.Errorf("reading %s: %w: its content has another hash than its name", externalName(hash), bucket.ErrDamaged))
	}
	table, err := external.Parse(data)
	if _, content := errors.AsType[*external.Error](err); content { // another version of Harvest accepted it
		return nil, &run.RefusedError{Reason: fmt.Sprintf("scores_from: %s%s: %v", selection.ExternalPrefix, hash, err)}
	}
	return table, err
}

// fillExternal fills the columns that a file has, and returns how the file matches the samples.
func (r *Reader) fillExternal(
	ctx context.Context, plan *run.Plan, table *external.Table, columns []selection.Column,
) (*NumbersMatch, error) {
	lookup, err := r.samplesOf(plan).lookup(ctx, table.IDs)
	if err != nil {
		return nil, err
	}
	match := &NumbersMatch{IDs: len(table.IDs), Without: map[string]int{}}
	for row, id := range table.IDs {
		positions := lookup.Positions(id)
		if len(positions) == 0 {
			match.Unknown, match.Example = match.Unknown+1, cmp.Or(match.Example, id)
		}
		for _, position := range positions {
			for _, c := range columns {
				if at := slices.Index(table.Names, c.Name); at >= 0 {
					c.Values[position] = table.Values[at][row]
				}
			}
		}
	}
	if match.Unknown == match.IDs {
		return nil, &run.RefusedError{Reason: fmt.Sprintf("scores_from: none of its %d ids is a sample of run %s, "+
			"such as %q; give the file of this dataset", len(table.IDs), plan.Run, table.IDs[0])}
	}
	for _, c := range columns {
		if !slices.Contains(table.Names, c.Name) {
			continue
		}
		without := 0
		for _, value := range c.Values {
			if math.IsNaN(value) {
				without++
			}
		}
		if without > 0 {
			match.Without[c.Name] = without
		}
	}
	return match, nil
}

// Unfulfilled says which conditions a sample does not fulfil.
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
