package scores

import (
	"fmt"
	"io"
	"math"
	"slices"

	"github.com/parquet-go/parquet-go"
	"github.com/parquet-go/parquet-go/encoding"
)

// Numbers has columns of numbers, with a number for each sample in the order of the dataset. The columns are the
// numeric fields of a range's records, or the columns of a file of numbers.
type Numbers struct {
	Names []string // in ascending order
	// Values has a column for each name, with a number for each sample; NaN for none.
	Values [][]float64
	// More reports whether the records have further numeric fields, which are not kept.
	More bool
	// About is a text that is stored with the columns.
	About string
}

// moreKey is in the metadata of a file if Numbers.More is true. aboutKey is in the metadata if there is a text About.
const (
	moreKey  = "harvest.more"
	aboutKey = "harvest.about"
)

// WriteNumbers writes a whole file of numbers. It writes nothing if there is no column.
func WriteNumbers(w io.Writer, n *Numbers) error {
	if len(n.Names) == 0 {
		return nil
	}
	columns := parquet.Group{}
	for _, name := range n.Names {
		columns[name] = parquet.Optional(parquet.Encoded(parquet.Leaf(parquet.DoubleType), &parquet.RLEDictionary))
	}
	options := writerOptions(parquet.NewSchema("numbers", columns))
	if n.More {
		options = append(options, parquet.KeyValueMetadata(moreKey, "true"))
	}
	if n.About != "" {
		options = append(options, parquet.KeyValueMetadata(aboutKey, n.About))
	}
	file := parquet.NewGenericWriter[any](w, options...)
	batch := make([]parquet.Row, 0, batchRows)
	rows := len(n.Values[0])
	for i := range rows {
		row := make(parquet.Row, len(n.Names))
		for c, values := range n.Values {
			if v := values[i]; !math.IsNaN(v) {
				row[c] = parquet.DoubleValue(v).Level(0, 1, c)
			} else {
				row[c] = parquet.NullValue().Level(0, 0, c)
			}
		}
		if batch = append(batch, row); len(batch) < batchRows && i < rows-1 {
			continue
		}
		if _, err := file.WriteRows(batch); err != nil {
			return fmt.Errorf("writing numbers: %w", err)
		}
		batch = batch[:0]
	}
	if err := file.Close(); err != nil {
		return fmt.Errorf("writing numbers: %w", err)
	}
	return nil
}

// ReadNumbers reads only the named columns. The result has the names of all columns, in the order of the file, and nil
// values for a column that was not requested. Its errors are those of Read.
func ReadNumbers(r io.ReaderAt, size int64, names ...string) (n *Numbers, err error) {
	defer recoverBad("reading numbers", &err)
	if size == 0 {
		return &Numbers{}, nil
	}
	opened, err := openParquet(r, size)
	if err != nil {
		return nil, err
	}
	f := &file{File: opened, rows: int(opened.NumRows())}
	_, more := opened.Lookup(moreKey)
	about, _ := opened.Lookup(aboutKey)
	n = &Numbers{More: more, About: about}
	for _, field := range opened.Schema().Fields() {
		if !field.Leaf() || !field.Optional() || field.Type().Kind() != parquet.Double {
			return nil, fmt.Errorf("column %s is not a column of numbers", describe(field))
		}
		var values []float64
		if slices.Contains(names, field.Name()) {
			if values, err = doubles.column(f, field.Name(), math.NaN()); err != nil {
				return nil, err
			}
		}
		n.Names, n.Values = append(n.Names, field.Name()), append(n.Values, values)
	}
	return n, nil
}

var doubles = columnType[float64, float64]{func(v encoding.Values) []float64 { return v.Double() }, same[float64]}
