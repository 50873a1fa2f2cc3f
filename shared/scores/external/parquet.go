package external

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math"

	"github.com/harvest-ml/harvest/shared/scores"
	"github.com/parquet-go/parquet-go"
	"github.com/parquet-go/parquet-go/format"
)

// batchRows is the number of rows that are read at a time.
const batchRows = 1024

// parseParquet reads the ids and the numbers of a Parquet file. Nested columns are skipped.
func parseParquet(data []byte) (t *Table, err error) {
	defer func() { // the library panics on some damaged files
		if cause := recover(); cause != nil {
			t, err = nil, damaged(cause)
		}
	}()
	if err := scores.CheckFooter(bytes.NewReader(data), int64(len(data))); err != nil {
		return nil, damaged(err)
	}
	file, err := parquet.OpenFile(bytes.NewReader(data), int64(len(data)))
	if err != nil {
		return nil, damaged(err)
	}
	t = new(Table)
	ids, columns := -1, map[int]int{} // maps columns of the file to columns of the table
	var names []string
	for at, path := range file.Schema().Columns() {
		leaf, _ := file.Schema().Lookup(path...)
		if len(path) == 1 {
			names = append(names, path[0])
		}
		switch kind := leaf.Node.Type().Kind(); {
		case len(path) > 1:
			t.other(path[0], "it contains columns")
		case leaf.Node.Repeated():
			t.other(path[0], "it contains lists")
		case path[0] == IDColumn:
			ids = at
		case isDecimal(leaf.Node):
			t.other(path[0], "it has decimals, which Harvest does not read; write them as doubles")
		case kind == parquet.Int32 || kind == parquet.Int64 || kind == parquet.Float || kind == parquet.Double:
			columns[at] = t.column(path[0])
		default:
			t.other(path[0], "its type is %s, which is not a number", kind)
		}
	}
	if err := checkNames(names); err != nil {
		return nil, err
	} else if ids < 0 {
		return nil, fault("the column %q has lists; give one id in each row", IDColumn)
	}
	for _, group := range file.RowGroups() {
		if err := t.addRows(group, ids, columns); err != nil {
			return nil, fault("reading it as Parquet: %v", err)
		}
	}
	t.fillAll()
	return t, nil
}

// damaged returns the error for a file whose parts cannot be read.
func damaged(cause any) error {
	return fault("the Parquet file is cut short or damaged (%v); download or write it again", cause)
}

// isDecimal reports whether a column has decimals: whole numbers or bytes that are divided by a power of ten.
func isDecimal(node parquet.Node) bool {
	logical := node.Type().LogicalType()
	if logical == nil {
		return false
	}
	_, decimal := logical.Value.(*format.DecimalType)
	return decimal
}

// addRows reads a row group.
func (t *Table) addRows(group parquet.RowGroup, ids int, columns map[int]int) error {
	rows := group.Rows()
	defer rows.Close()
	batch := make([]parquet.Row, batchRows)
	for {
		n, err := rows.ReadRows(batch)
		for _, row := range batch[:n] {
			t.IDs = append(t.IDs, "")
			for _, v := range row {
				if v.Column() == ids {
					if v.IsNull() {
						return fmt.Errorf("row %d has no id", len(t.IDs))
					}
					t.IDs[len(t.IDs)-1] = v.String()
				} else if column, wanted := columns[v.Column()]; wanted {
					t.set(column, numberOf(v))
				}
			}
		}
		if errors.Is(err, io.EOF) {
			return nil
		} else if err != nil {
			return err
		}
	}
}

func numberOf(v parquet.Value) float64 {
	if v.IsNull() {
		return math.NaN()
	}
	switch v.Kind() {
	case parquet.Int32:
		return float64(v.Int32())
	case parquet.Int64:
		return float64(v.Int64())
	case parquet.Float:
		return float64(v.Float())
	default:
		return v.Double()
	}
}
