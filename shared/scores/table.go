package scores

import (
	"errors"
	"fmt"
	"io"
	"math"
	"slices"

	"github.com/harvest-ml/harvest/shared/scorer"
	"github.com/harvest-ml/harvest/shared/scores/reason"
)

// Read reads a whole file of scores. Empty lists are nil. It returns an error if the file is incomplete, is damaged,
// has another layout, or is not a file of scores.
func Read(r io.ReaderAt, size int64) (table *Table, err error) {
	defer recoverBad("reading scores", &err)
	f, err := open(r, size)
	if err != nil {
		return nil, err
	}
	records := make([]Record, f.rows)
	if err := errors.Join(
		fill(f, records, "id", texts, func(r *Record) *string { return &r.ID }),
		fill(f, records, "range_index", integers, func(r *Record) *int { return &r.Range }),
		fill(f, records, "position", integers, func(r *Record) *int { return &r.Position }),
		fill(f, records, "source", texts, func(r *Record) *string { return &r.Source }),
		fill(f, records, "content", texts, func(r *Record) *string { return &r.Content }),
		fill(f, records, "twin", texts, func(r *Record) *string { return &r.Twin }),
		fill(f, records, "text_tokens", integers, func(r *Record) *int { return &r.Tokens.Text }),
		fill(f, records, "answer_tokens", integers, func(r *Record) *int { return &r.Tokens.Answers }),
		fill(f, records, "turns", integers, func(r *Record) *int { return &r.Turns }),
		fillLists(f, records, "images", func(r *Record) *[]string { return &r.Images }),
		fillLists(f, records, "image_sizes", func(r *Record) *[]string { return &r.Sizes }),
		fillLists(f, records, "images_seen", func(r *Record) *[]string { return &r.Seen }),
		fillLists(f, records, "image_signatures", func(r *Record) *[]string { return &r.Looks }),
		fill(f, records, "text_signature", texts, func(r *Record) *string { return &r.Words }),
		fillLists(f, records, "question_hashes", func(r *Record) *[]string { return &r.Questions }),
		fill(f, records, "template", texts, func(r *Record) *string { return &r.Template }),
		fill(f, records, "status", statuses, func(r *Record) *Status { return &r.Status }),
		fill(f, records, "reason_code", codes, func(r *Record) *reason.Code { return &r.Code }),
		fill(f, records, "reason", texts, func(r *Record) *string { return &r.Reason }),
		fillLists(f, records, "styles", func(r *Record) *[]string { return &r.Styles }),
		fillLists(f, records, "other_styles", func(r *Record) *[]string { return &r.OtherStyles }),
		fill(f, records, "distance", integers, func(r *Record) *int { return &r.Distance }),
		fill(f, records, "scorer", texts, func(r *Record) *string { return &r.ScorerID }),
		fill(f, records, "rubric", texts, func(r *Record) *string { return &r.Rubric }),
		fillLists(f, records, "flags", func(r *Record) *[]string { return &r.Flags }),
		fill(f, records, "taken_from", texts, func(r *Record) *string { return &r.TakenFrom }),
	); err != nil {
		return nil, err
	}

	if err := fillRatings(f, records); err != nil {
		return nil, err
	}
	if err := errors.Join(
		fillFloats(f, records, massColumn, func(r *Record) *[]float32 { return &r.Mass }),
		fillFloats(f, records, marginColumn, func(r *Record) *[]float32 { return &r.Margin }),
	); err != nil {
		return nil, err
	}
	return &Table{Capabilities: f.capabilities, Records: records}, nil
}

// ReadIDs reads only the samples' ids, in the order of the file. Its errors are those of Read.
func ReadIDs(r io.ReaderAt, size int64) (ids []string, err error) {
	defer recoverBad("reading ids of scores", &err)
	f, err := open(r, size)
	if err != nil {
		return nil, err
	}
	return texts.column(f, "id", "")
}

// ReadContents reads only the samples' contents and statuses, in the order of the file. Its errors are those of Read.
func ReadContents(r io.ReaderAt, size int64) (contents []string, status []Status, err error) {
	defer recoverBad("reading contents of scores", &err)
	f, err := open(r, size)
	if err != nil {
		return nil, nil, err
	}
	if contents, err = texts.column(f, "content", ""); err != nil {
		return nil, nil, err
	}
	status, err = statuses.column(f, "status", 0)
	return contents, status, err
}

// An Outcome has the id of a sample, and the reason why it was not scored or cannot be selected.
type Outcome struct {
	ID     string
	Status Status
	Code   reason.Code // empty if the sample can be selected
	Reason string      // the reason as a text
}

// ReadOutcomes reads only the outcomes of the samples, in the order of the file. Its errors are those of Read.
func ReadOutcomes(r io.ReaderAt, size int64) (outcomes []Outcome, err error) {
	defer recoverBad("reading outcomes of scores", &err)
	f, err := open(r, size)
	if err != nil {
		return nil, err
	}
	outcomes = make([]Outcome, f.rows)
	return outcomes, errors.Join(
		fill(f, outcomes, "id", texts, func(o *Outcome) *string { return &o.ID }),
		fill(f, outcomes, "status", statuses, func(o *Outcome) *Status { return &o.Status }),
		fill(f, outcomes, "reason_code", codes, func(o *Outcome) *reason.Code { return &o.Code }),
		fill(f, outcomes, "reason", texts, func(o *Outcome) *string { return &o.Reason }),
	)
}

// ReadSeen reads only the samples' statuses and Seen, in the order of the file. Row i has seen[starts[i]:starts[i+1]].
// Its errors are those of Read.
func ReadSeen(r io.ReaderAt, size int64) (status []Status, starts []uint32, seen []string, err error) {
	defer recoverBad("reading states of images", &err)
	f, err := open(r, size)
	if err != nil {
		return nil, nil, nil, err
	}
	if status, err = statuses.column(f, "status", 0); err != nil {
		return nil, nil, nil, err
	}
	starts, seen, err = texts.lists(f, "images_seen")
	return status, starts, seen, err
}

func fill[R, T, U any](f *file, records []R, name string, k columnType[T, U], field func(*R) *U) error {
	var null U
	values, err := k.column(f, name, null)
	if err != nil {
		return err
	}
	for i, v := range values {
		*field(&records[i]) = v
	}
	return nil
}

// fillRatings reads the columns of ratings and of expected scores into the records that are OK. So an OK record gets
// its ratings even if all of them are missing.
func fillRatings(f *file, records []Record) error {
	n := len(f.capabilities)
	for i := range records {
		if records[i].Status == OK {
			records[i].Ratings = make([]int8, n)
			records[i].Expected = make([]float32, n)
		}
	}
	for c, capability := range f.capabilities {
		rated, err := ratings.column(f, ratingColumn(capability), scorer.Missing)
		if err != nil {
			return err
		}
		expected, err := means.column(f, expectedColumn(capability), float32(math.NaN()))
		if err != nil {
			return err
		}
		for i := range records {
			if records[i].Status == OK {
				records[i].Ratings[c] = rated[i]
				records[i].Expected[c] = expected[i]
			}
		}
	}
	return nil
}

func fillLists(f *file, records []Record, name string, field func(*Record) *[]string) error {
	starts, values, err := texts.lists(f, name)
	if err != nil {
		return err
	}
	for i := range records {
		// The capacity ends with the list, because appending to the list must not write into the list of the next record.
		if from, to := starts[i], starts[i+1]; from < to {
			*field(&records[i]) = values[from:to:to]
		}
	}
	return nil
}

// fillFloats reads a column of each capability into the records that have a value in at least one of the columns.
func fillFloats(
	f *file, records []Record, column func(capability string) string, field func(*Record) *[]float32,
) error {
	for c, capability := range f.capabilities {
		values, err := probabilities.column(f, column(capability), float32(math.NaN()))
		if err != nil {
			return err
		}
		for i, v := range values {
			list := field(&records[i])
			if *list == nil && !math.IsNaN(float64(v)) && records[i].Status == OK {
				*list = slices.Repeat([]float32{float32(math.NaN())}, len(f.capabilities))
			}
			if *list != nil {
				(*list)[c] = v
			}
		}
	}
	return nil
}

// Types of columns that a record needs.
var (
	codes    = columnType[string, reason.Code]{takeText, toCode}
	texts    = columnType[string, string]{takeText, same[string]}
	integers = columnType[int32, int]{takeInt32, func(v int32) (int, error) { return int(v), nil }}
	statuses = columnType[string, Status]{takeText, toStatus}
	ratings  = columnType[int32, int8]{takeInt32, toRating}
	means    = columnType[float32, float32]{takeFloat, toExpected}

	probabilities = columnType[float32, float32]{takeFloat, toProbability}
)

func toStatus(v string) (Status, error) {
	var s Status
	err := s.UnmarshalText([]byte(v))
	return s, err
}

func toExpected(v float32) (float32, error) {
	_, err := toUnits(v)
	return v, err
}

func toCode(text string) (reason.Code, error) { return reason.Code(text), nil }

func toRating(v int32) (int8, error) {
	if v <= scorer.Missing || v > math.MaxInt8 {
		return 0, fmt.Errorf("rating %d is out of range", v)
	}
	return int8(v), nil
}

func toProbability(v float32) (float32, error) {
	if !(v >= 0 && v <= 1) {
		return 0, fmt.Errorf("probability %v is not in [0, 1]", v)
	}
	return v, nil
}

func toUnits(v float32) (uint16, error) {
	units := v * scorer.ExpectedUnits
	if !(units >= 0 && units <= scorer.MaxRating*scorer.ExpectedUnits) || units != float32(uint16(units)) {
		return 0, fmt.Errorf("expected score %v is not a multiple of 1/%d in [0, %d]",
			v, scorer.ExpectedUnits, scorer.MaxRating)
	}
	return uint16(units), nil
}
