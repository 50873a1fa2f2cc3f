package hfparquet

import (
	"bytes"
	"context"
	"errors"
	"fmt"

	"github.com/harvest-ml/harvest/shared/dataset"
	"github.com/harvest-ml/harvest/shared/dataset/container"
	"github.com/harvest-ml/harvest/shared/dataset/container/hfparquet/pages"
)

// Values reads the binary values of rows: a page of each binary column is in memory, and the one row.
func (reader) Values(from container.Source) container.Values {
	return &values{in: &readerAt{from: from}, row: -1}
}

// values is a container.Values.
type values struct {
	in    *readerAt
	file  *file
	rows  *rowReader // of the row group that holds row
	row   int64      // whose values are in rows, from 0; -1 if there are none
	next  int64      // row that rows reads next
	fault error      // of row
}

// Size is the length of a value.
func (v *values) Size(ctx context.Context, record dataset.Record, number int) (int64, *dataset.Fault, error) {
	value, fault, err := v.value(ctx, record, number)
	return int64(len(value)), fault, err
}

// Read returns a copy of a value.
func (v *values) Read(ctx context.Context, record dataset.Record, number int) ([]byte, *dataset.Fault, error) {
	value, fault, err := v.value(ctx, record, number)
	return bytes.Clone(value), fault, err
}

// Close releases what is in memory.
func (v *values) Close() error {
	v.rows, v.file = nil, nil
	return nil
}

// value is a value, valid until that of another row is read.
func (v *values) value(ctx context.Context, record dataset.Record, number int) ([]byte, *dataset.Fault, error) {
	if row := record.Place.Element - 1; v.row != row {
		v.in.ctx = ctx
		err := v.load(row)
		if isSource(err) || ctx.Err() != nil {
			v.rows, v.row = nil, -1
			return nil, nil, errors.Join(err, ctx.Err())
		}
		v.row, v.fault = row, err
	}
	switch {
	case v.fault != nil:
		return nil, &dataset.Fault{Code: dataset.ImageDataBroken, Detail: v.fault.Error()}, nil
	case number < 0 || number >= len(v.rows.values):
		return nil, &dataset.Fault{Code: dataset.ImageDataBroken, Detail: fmt.Sprintf(
			"the row has %d binary values, and this is number %d", len(v.rows.values), number)}, nil
	}
	return v.rows.values[number], nil, nil
}

// load reads the values of a row.
func (v *values) load(row int64) error {
	if v.file == nil {
		file, err := openAt(v.in)
		if err != nil {
			return err
		}
		v.file = file
	}
	g, err := v.file.groupOf(row)
	if err != nil {
		return err
	}
	in := row - v.file.groups[g].first
	if v.rows == nil || v.rows.group != g || v.next > in {
		if v.rows, err = v.file.newRowReader(v.in, g, in, maxRowBytes, v.file.forValues); err != nil {
			v.rows = nil
			return err
		}
	} else if err := v.rows.seek(in); err != nil {
		v.rows = nil
		return err
	}
	v.next = in + 1
	err = v.rows.read()
	if err == nil {
		_, err = v.rows.record(v.file.root)
	}
	var large *pages.RowError
	if err != nil && !errors.As(err, &large) {
		v.rows = nil
	}
	return err
}
