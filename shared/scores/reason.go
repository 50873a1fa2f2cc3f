package scores

import (
	"fmt"
	"io"

	"github.com/parquet-go/parquet-go"
)

// reasonRow is one sample of a file of reasons, in the order of the dataset.
type reasonRow struct {
	Code string `parquet:"reason_code,dict"` // why the sample is not in a selection; empty for a selected one
}

func reasonSchema() *parquet.Schema {
	return parquet.NewSchema("reasons", parquet.SchemaOf(reasonRow{}))
}

// WriteReasons writes a whole file of reasons: the code of one for each sample of a dataset, in its
// order, empty for a selected one.
func WriteReasons(w io.Writer, codes []string) error {
	rows := make([]reasonRow, len(codes))
	for i, c := range codes {
		rows[i].Code = c
	}
	file := parquet.NewGenericWriter[reasonRow](w, writerOptions(reasonSchema())...)
	if _, err := file.Write(rows); err != nil {
		return fmt.Errorf("writing reasons: %w", err)
	}
	if err := file.Close(); err != nil {
		return fmt.Errorf("writing reasons: %w", err)
	}
	return nil
}

// ReadReasons reads a whole file of reasons. A file that is cut short, damaged, of another layout,
// or not of reasons at all is an error.
func ReadReasons(r io.ReaderAt, size int64) (codes []string, err error) {
	defer recoverBad("reading reasons", &err)
	p, err := openParquet(r, size)
	if err != nil {
		return nil, err
	}
	if err := checkSchema(p, reasonSchema()); err != nil {
		return nil, err
	}
	return texts.column(&file{File: p, rows: int(p.NumRows())}, "reason_code", "")
}
