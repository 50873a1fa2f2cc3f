package scores

import (
	"fmt"
	"io"
	"math"
	"strings"

	"github.com/parquet-go/parquet-go"
)

// A reasonRow is the row of one sample in a file of reasons. Rows are in the order of the dataset.
type reasonRow struct {
	Code string `parquet:"reason_code,dict"` // reason why the sample is not in a selection; empty for a selected sample
}

func reasonSchema() *parquet.Schema {
	return parquet.NewSchema("reasons", parquet.SchemaOf(reasonRow{}))
}

// WriteReasons writes a whole file of reasons. code(i) is the code for sample i of the n samples of a dataset; empty
// for a selected sample.
func WriteReasons(w io.Writer, n int, code func(i int) string) error {
	file := parquet.NewGenericWriter[reasonRow](w, writerOptions(reasonSchema())...)
	return writeRows(file, "reasons", n, func(i int) reasonRow { return reasonRow{code(i)} })
}

// writeRows writes n rows as a whole file, in batches, so that memory does not grow with the number of rows.
func writeRows[T any](file *parquet.GenericWriter[T], what string, n int, row func(i int) T) error {
	batch := make([]T, 0, batchRows)
	for i := range n {
		if batch = append(batch, row(i)); len(batch) < batchRows && i < n-1 {
			continue
		}
		if _, err := file.Write(batch); err != nil {
			return fmt.Errorf("writing %s: %w", what, err)
		}
		batch = batch[:0]
	}
	if err := file.Close(); err != nil {
		return fmt.Errorf("writing %s: %w", what, err)
	}
	return nil
}

// Reasons has the codes of a file of reasons, in one byte for each sample.
type Reasons struct {
	codes []string // the different codes
	of    []uint8  // for each sample, the index of its code
}

// Len returns the number of samples.
func (r *Reasons) Len() int { return len(r.of) }

// At returns the reason why sample i is not in the selection; empty for a selected sample.
func (r *Reasons) At(i int) string { return r.codes[r.of[i]] }

// ReadReasons reads a whole file of reasons. It returns an error if the file is incomplete, is damaged, has another
// layout, or is not a file of reasons.
func ReadReasons(r io.ReaderAt, size int64) (reasons *Reasons, err error) {
	defer recoverBad("reading reasons", &err)
	p, err := openParquet(r, size)
	if err != nil {
		return nil, err
	}
	if err := checkSchema(p, reasonSchema()); err != nil {
		return nil, err
	}
	reasons = new(Reasons)
	known := map[string]uint8{}
	column := columnType[string, uint8]{takeText, func(code string) (uint8, error) {
		i, ok := known[code]
		if !ok {
			if len(known) > math.MaxUint8 {
				return 0, fmt.Errorf("there are more than %d different codes", math.MaxUint8+1)
			}
			i = uint8(len(known))
			known[code] = i
			reasons.codes = append(reasons.codes, strings.Clone(code))
		}
		return i, nil
	}}
	reasons.of, err = column.column(&file{File: p, rows: int(p.NumRows())}, "reason_code", 0)
	if err != nil {
		return nil, err
	}
	return reasons, nil
}
