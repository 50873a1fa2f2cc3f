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
	// neighbours is the number of rows before a requested row that are read with it, if the reader must go back. Several
	// samples are loaded concurrently, so their rows are not requested exactly in order.
	neighbours = 16
	// heldRows is the largest number of rows in memory.
	heldRows = 512
	// heldBytes is the size limit of the values in memory that were not requested yet. The values of one row come in
	// addition.
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
	next  int64 // number, in the file, of the row that rows reads next, from 0
	held  map[int64]*heldRow
	order []int64 // rows in held, and some that were removed, in the order of reading
	bytes int64   // size of the values in held
}

// A heldRow has the values of a row. Values that were returned are nil.
type heldRow struct {
	values [][]byte
	left   int   // number of values that were not returned yet
	fault  error // the reason if the row has no values
}

// Size returns the length of a value.
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

// Close releases the memory.
func (v *values) Close() error {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.rows, v.file, v.held, v.order, v.bytes = nil, nil, map[int64]*heldRow{}, nil, 0
	return nil
}

// row returns the row of a record, after it has checked that the row has a value with this number.
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
			"the row has %d binary values, but value %d is requested", len(row.values), number)}, nil
	}
	return row, nil, nil
}

// load reads the values of a row, and of its neighbours before it, into memory.
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
			from = row - 1 // the row that cannot be read may be a neighbour
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

// read reads the values of the next row into memory. An error means that no later row can be read either.
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

// hold keeps a row in memory, and drops the oldest rows if there is no room.
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

// drop removes a row from memory.
func (v *values) drop(at int64) {
	if row := v.held[at]; row != nil {
		v.bytes -= row.bytes()
		delete(v.held, at)
	}
}

// bytes returns the size of the values that were not returned yet.
func (r *heldRow) bytes() (sum int64) {
	for _, value := range r.values {
		sum += int64(len(value))
	}
	return sum
}
