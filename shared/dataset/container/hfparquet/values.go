package hfparquet

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"sync"

	"github.com/harvest-ml/harvest/shared/dataset"
	"github.com/harvest-ml/harvest/shared/dataset/container"
	"github.com/harvest-ml/harvest/shared/dataset/container/hfparquet/pages"
)

const (
	// neighbours is how many rows before a requested row are read with it, if the reader has to go back to it. Samples are
	// loaded several at a time, and so not exactly in the order of their rows.
	neighbours = 16
	// heldRows is how many rows are held at most.
	heldRows = 512
	// heldBytes bounds the values that are held until they are requested, in addition to those of one row.
	heldBytes = 32 << 20
)

// Values reads the binary values of rows. It keeps in memory one page of each binary column, and values of neighbouring
// rows that were not requested yet.
func (reader) Values(from container.Source) container.Values {
	return &values{in: &readerAt{from: from}, held: map[int64]*heldRow{}}
}

// values is a container.Values that is safe for concurrent use.
type values struct {
	mu    sync.Mutex
	in    *readerAt
	file  *file
	rows  *rowReader
	next  int64 // row that rows reads next: its number in the file, from 0
	held  map[int64]*heldRow
	order []int64 // rows in held, and some that were removed from it, in the order in which they were read
	bytes int64   // of the values in held
}

// A heldRow has the values of a row; values that were handed out are nil.
type heldRow struct {
	values [][]byte
	left   int   // of values
	fault  error // why there are none
}

// Size is the length of a value.
func (v *values) Size(ctx context.Context, record dataset.Record, number int) (int64, *dataset.Fault, error) {
	v.mu.Lock()
	defer v.mu.Unlock()
	row, fault, err := v.row(ctx, record, number)
	if fault != nil || err != nil {
		return 0, fault, err
	}
	return int64(len(row.values[number])), nil, nil
}

// Read returns a value.
func (v *values) Read(ctx context.Context, record dataset.Record, number int) ([]byte, *dataset.Fault, error) {
	v.mu.Lock()
	defer v.mu.Unlock()
	row, fault, err := v.row(ctx, record, number)
	if fault != nil || err != nil {
		return nil, fault, err
	}
	value := row.values[number]
	row.values[number] = nil
	v.bytes -= int64(len(value))
	if row.left--; row.left == 0 {
		delete(v.held, record.Place.Element-1)
	}
	return value, nil, nil
}

// Close releases what is in memory.
func (v *values) Close() error {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.rows, v.file, v.held, v.order, v.bytes = nil, nil, map[int64]*heldRow{}, nil, 0
	return nil
}

// row is the row of a record, which has the value of a number.
func (v *values) row(ctx context.Context, record dataset.Record, number int) (*heldRow, *dataset.Fault, error) {
	at := record.Place.Element - 1
	if row := v.held[at]; row == nil || row.fault == nil && number >= 0 && number < len(row.values) &&
		row.values[number] == nil {
		v.in.ctx = ctx
		err := v.load(at)
		if isSource(err) || ctx.Err() != nil {
			return nil, nil, errors.Join(err, ctx.Err())
		}
		if err != nil {
			v.hold(at, &heldRow{fault: err})
		}
	}
	row := v.held[at]
	switch {
	case row.fault != nil:
		return nil, &dataset.Fault{Code: dataset.ImageDataBroken, Detail: explain(row.fault)}, nil
	case number < 0 || number >= len(row.values):
		return nil, &dataset.Fault{Code: dataset.ImageDataBroken, Detail: fmt.Sprintf(
			"the row has %d binary values, and none with the number %d", len(row.values), number)}, nil
	}
	return row, nil, nil
}

// load holds the values of a row, and of its neighbours before it.
func (v *values) load(row int64) (err error) {
	if v.file == nil {
		if v.file, err = openAt(v.in); err != nil {
			return err
		}
		v.rows = v.file.newRowReader(v.in, maxRowBytes, v.file.forValues)
	}
	from := row
	switch {
	case v.rows.group < 0, row >= v.next+neighbours:
	case row >= v.next:
		from = v.next
	default:
		from = max(0, row-neighbours)
	}
	for ; from <= row; from++ {
		if err = v.seek(from); err == nil {
			err = v.read()
		}
		if err != nil {
			v.rows.group = -1
		}
		if err != nil && !isSource(err) && from < row {
			from = row - 1 // what is broken may be a neighbour
		} else if err != nil {
			return err
		}
	}
	return nil
}

// seek moves to a row.
func (v *values) seek(row int64) error {
	g, err := v.file.groupOf(row)
	if err != nil {
		return err
	}
	first := v.file.groups[g].first
	switch {
	case v.rows.group != g || row < v.next:
		err = v.rows.open(g, row-first)
	case row > v.next:
		err = v.rows.seek(row - first)
	}
	v.next = row
	return err
}

// read holds the values of the next row. An error is not that of this row only.
func (v *values) read() error {
	err := v.rows.read()
	if err == nil {
		_, err = v.rows.record(v.file.root)
	}
	row := &heldRow{fault: err}
	var large *pages.RowError
	switch {
	case err == nil:
		for _, value := range v.rows.values {
			row.values = append(row.values, bytes.Clone(value))
		}
		row.left = len(row.values)
	case !errors.As(err, &large):
		return err
	}
	v.hold(v.next, row)
	v.next++
	return nil
}

// hold holds a row, and drops the oldest ones if there is no room for all.
func (v *values) hold(at int64, row *heldRow) {
	v.drop(at)
	v.held[at] = row
	v.order = append(v.order, at)
	v.bytes += row.bytes()
	for len(v.order) > 1 && (v.bytes > heldBytes || len(v.order) > heldRows) {
		v.drop(v.order[0])
		v.order = v.order[1:]
	}
}

// drop releases a row if it is held.
func (v *values) drop(at int64) {
	if row := v.held[at]; row != nil {
		v.bytes -= row.bytes()
		delete(v.held, at)
	}
}

// bytes are the bytes of the values that were not read.
func (r *heldRow) bytes() (sum int64) {
	for _, value := range r.values {
		sum += int64(len(value))
	}
	return sum
}
