package scores

import (
	"fmt"
	"io"
	"math"
	"strings"
	"unicode/utf8"
	"unsafe"

	"github.com/parquet-go/parquet-go"

	"github.com/harvest-ml/harvest/shared/scorer"
)

// batchRows is the number of rows of one call of parquet-go. In a call, parquet-go checks the size of its pages every
// 64 rows. batchRows is a multiple of 64, so the bytes of a file do not depend on the division of its records into
// calls of Write.
const batchRows = 512

// A Writer writes one file of scores, with records in the given order. It keeps one encoded row group in memory, so
// that the file of a range can be joined from its shards, one shard at a time.
type Writer struct {
	file         *parquet.GenericWriter[any]
	capabilities int
	batch        []parquet.Row
	values       int // length of the longest row so far; new rows are allocated with this length
	full         int // used rows of batch
	written      int
}

// NewWriter returns a writer of records with ratings for these capabilities, in this order. It returns an error if a
// name is empty, or if two names differ only in case and punctuation.
func NewWriter(w io.Writer, capabilities []string) (*Writer, error) {
	schema, err := schemaOf(capabilities)
	if err != nil {
		return nil, err
	}
	names, err := capabilitiesOption(capabilities)
	if err != nil {
		return nil, err
	}
	return &Writer{
		file:         parquet.NewGenericWriter[any](w, append(writerOptions(schema), names)...),
		capabilities: len(capabilities),
		batch:        make([]parquet.Row, batchRows),
	}, nil
}

// Write adds records. It replaces bytes of texts that are not UTF-8 by U+FFFD, because other tools would refuse the
// whole file. The error names the invalid record; the file cannot be used after an error.
func (w *Writer) Write(records []Record) error {
	for i := range records {
		r := &records[i]
		if err := check(r, w.capabilities); err != nil {
			return fmt.Errorf("writing scores: record %d (%q): %w", w.written, r.ID, err)
		}
		if w.batch[w.full] == nil {
			w.batch[w.full] = make(parquet.Row, 0, w.values)
		}
		w.batch[w.full] = row(w.batch[w.full][:0], r, w.capabilities)
		w.values = max(w.values, len(w.batch[w.full]))
		w.full++
		w.written++
		if w.full == batchRows {
			if err := w.flush(); err != nil {
				return err
			}
		}
	}
	return nil
}

// Close completes the file. It does not close the underlying writer.
func (w *Writer) Close() error {
	if err := w.flush(); err != nil {
		return err
	}
	if err := w.file.Close(); err != nil {
		return fmt.Errorf("writing scores: %w", err)
	}
	return nil
}

func (w *Writer) flush() error {
	if _, err := w.file.WriteRows(w.batch[:w.full]); err != nil {
		return fmt.Errorf("writing scores: %w", err)
	}
	w.full = 0
	return nil
}

// Write writes a whole file of scores: NewWriter, Write, Close.
func Write(w io.Writer, capabilities []string, records []Record) error {
	file, err := NewWriter(w, capabilities)
	if err != nil {
		return fmt.Errorf("writing scores: %w", err)
	}
	if err := file.Write(records); err != nil {
		return err
	}
	return file.Close()
}

// check returns an error if a record has an invalid value, so that a bug of a scorer is found early.
func check(r *Record, capabilities int) error {
	if _, err := r.Status.MarshalText(); err != nil {
		return err
	}
	if min(r.Range, r.Position) < 0 || max(r.Range, r.Position) > math.MaxInt32 {
		return fmt.Errorf("range %d, position %d: not in [0, 2^31)", r.Range, r.Position)
	}
	if n := r.Tokens; n.Answers < 0 || n.Text < n.Answers || n.Text > math.MaxInt32 {
		return fmt.Errorf("%d tokens and %d answer tokens: not in [0, 2^31), or the second is larger", n.Text, n.Answers)
	}
	if r.Turns < 0 || r.Turns > math.MaxInt32 {
		return fmt.Errorf("%d turns: not in [0, 2^31)", r.Turns)
	}
	if r.Distance < 0 || r.Distance > math.MaxInt32 {
		return fmt.Errorf("distance %d: not in [0, 2^31)", r.Distance)
	}
	if r.Status != OK {
		if r.Ratings != nil || r.Expected != nil || r.Mass != nil || r.Margin != nil {
			return fmt.Errorf("a %v sample has no ratings", r.Status)
		}
		if r.Code == "" || r.Reason == "" {
			return fmt.Errorf("a %v sample needs a reason and its code", r.Status)
		}
		return nil
	}
	if len(r.Ratings) != capabilities || len(r.Expected) != capabilities {
		return fmt.Errorf("%d ratings and %d expected scores for %d capabilities",
			len(r.Ratings), len(r.Expected), capabilities)
	}
	for _, score := range r.Expected {
		if score < 0 || score > scorer.MaxRating {
			return fmt.Errorf("expected score %v: not in [0, %d]", score, scorer.MaxRating)
		}
	}
	for _, probabilities := range [][]float32{r.Mass, r.Margin} {
		if probabilities != nil && len(probabilities) != capabilities {
			return fmt.Errorf("%d masses and %d margins for %d capabilities", len(r.Mass), len(r.Margin), capabilities)
		}
		for _, p := range probabilities {
			if p < 0 || p > 1 {
				return fmt.Errorf("mass or margin %v: not in [0, 1]", p)
			}
		}
	}
	return nil
}

// row appends the values of a record to dst, in the order of schemaOf.
func row(dst parquet.Row, r *Record, capabilities int) parquet.Row {
	b := builder{row: dst}
	b.text(r.ID)
	b.number(r.Range)
	b.number(r.Position)
	b.text(r.Source)
	b.text(r.Content)
	b.text(r.Twin)
	b.number(r.Tokens.Text)
	b.number(r.Tokens.Answers)
	b.number(r.Turns)
	b.list(r.Images)
	b.list(r.Sizes)
	b.list(r.Seen)
	b.list(r.Looks)
	b.text(r.Words)
	b.list(r.Questions)
	b.text(r.Template)
	b.text(r.Status.String())
	b.text(string(r.Code))
	b.text(r.Reason)
	b.list(r.Styles)
	b.list(r.OtherStyles)
	for i := range capabilities {
		if r.Ratings == nil || r.Ratings[i] == scorer.Missing {
			b.null()
			continue
		}
		b.optional(parquet.Int32Value(int32(r.Ratings[i])))
	}
	b.floats(r.Expected, capabilities)
	b.floats(r.Mass, capabilities)
	b.floats(r.Margin, capabilities)
	b.number(r.Distance)
	b.text(r.ScorerID)
	b.text(r.Rubric)
	b.list(r.Flags)
	b.text(r.TakenFrom)
	return b.row
}

// A builder appends the values of one row, with the levels that Parquet gives to present, absent and repeated values.
type builder struct {
	row    parquet.Row
	column int
}

func (b *builder) add(v parquet.Value, repetition, definition int) {
	b.row = append(b.row, v.Level(repetition, definition, b.column))
}

func (b *builder) text(s string) {
	b.add(textValue(s), 0, 0)
	b.column++
}

func (b *builder) number(n int) {
	b.add(parquet.Int32Value(int32(n)), 0, 0)
	b.column++
}

func (b *builder) null() {
	b.add(parquet.NullValue(), 0, 0)
	b.column++
}

func (b *builder) optional(v parquet.Value) {
	b.add(v, 0, 1)
	b.column++
}

// floats adds one column for each capability.
func (b *builder) floats(values []float32, capabilities int) {
	for i := range capabilities {
		if values == nil || math.IsNaN(float64(values[i])) {
			b.null()
			continue
		}
		b.optional(parquet.FloatValue(scorer.RoundExpected(float64(values[i]))))
	}
}

func (b *builder) list(items []string) {
	if len(items) == 0 {
		b.null()
		return
	}
	for i, item := range items {
		b.add(textValue(item), min(i, 1), 1)
	}
	b.column++
}

func textValue(s string) parquet.Value {
	if !utf8.ValidString(s) {
		s = strings.ToValidUTF8(s, "\uFFFD")
	}
	return parquet.ByteArrayValue(unsafe.Slice(unsafe.StringData(s), len(s))) // parquet-go only reads the bytes
}
