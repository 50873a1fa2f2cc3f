package hfparquet

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"iter"

	"github.com/harvest-ml/harvest/shared/dataset"
	"github.com/harvest-ml/harvest/shared/dataset/container"
	"github.com/harvest-ml/harvest/shared/dataset/container/hfparquet/pages"
)

// reader is a container.Reader.
type reader struct{}

// Scan reads the footer, in one step. Ranges are whole row groups. A row group larger than rangeBytes is divided by
// rows.
func (reader) Scan(
	ctx context.Context, from container.Source, _ dataset.Scan, rangeBytes, _ int64,
) (dataset.Scan, error) {
	if rangeBytes < 1 {
		return dataset.Scan{}, fmt.Errorf("dividing a Parquet file into ranges of %d bytes: give 1 or more", rangeBytes)
	}
	size, err := from.Size(ctx)
	if err != nil {
		return dataset.Scan{}, err
	}
	f, err := open(&readerAt{ctx, from}, size)
	if err == nil {
		err = f.checkPages()
	}
	if err != nil {
		return dataset.Scan{}, asFormat(err)
	}
	return dataset.Scan{Done: true, Layout: dataset.Layout{
		Framing: dataset.Framing{Format: dataset.Parquet}, Size: size, Records: f.meta.NumRows, Ranges: f.spans(rangeBytes),
		Schema: f.describe(),
	}}, nil
}

// asFormat converts an error into a *dataset.FormatError, except if it is an error of the source.
func asFormat(err error) error {
	var known *dataset.FormatError
	if isSource(err) || errors.As(err, &known) {
		return err
	}
	return refuse("the Parquet file is damaged: %v%s", err, downloadAgain)
}

// Records yields the rows of a range. If a row cannot be read, this row and all later rows of its row group have a
// fault.
func (reader) Records(
	ctx context.Context, from container.Source, span dataset.Span, manifest string, limits dataset.Limits,
) iter.Seq2[dataset.Record, error] {
	return func(yield func(dataset.Record, error) bool) {
		f, err := openFrom(ctx, from)
		if err != nil {
			yield(dataset.Record{}, err)
			return
		}
		rows := f.newRowReader(f.in, int64(limits.MaxRecordBytes), f.forRecords(f.in))
		row, end := span.FirstElement-1, span.FirstElement-1+span.Records
		for row < end {
			g, err := f.groupOf(row)
			if err != nil {
				yield(dataset.Record{}, err)
				return
			}
			last := min(end, f.groups[g].first+f.groups[g].rows)
			for record, err := range f.records(ctx, rows, g, row, last, manifest, limits) {
				if !yield(record, err) || err != nil {
					return
				}
			}
			row = last
		}
	}
}

// records yields the rows of a row group from number row to number end, exclusive. These are numbers in the file.
func (f *file) records(
	ctx context.Context, rows *rowReader, g int, row, end int64, manifest string, limits dataset.Limits,
) iter.Seq2[dataset.Record, error] {
	return func(yield func(dataset.Record, error) bool) {
		failed := rows.open(g, row-f.groups[g].first)
		for ; row < end; row++ {
			if err := ctx.Err(); err != nil {
				yield(dataset.Record{}, err)
				return
			}
			record := dataset.Record{Place: dataset.Place{Manifest: manifest, Element: row + 1}}
			if failed == nil {
				failed = rows.readRecord(&record, f.root, limits)
			}
			if isSource(failed) {
				yield(dataset.Record{}, failed)
				return
			}
			if failed != nil {
				record.Fault = &dataset.Fault{Code: dataset.RecordBroken, Detail: explain(failed)}
			}
			if !yield(record, nil) {
				return
			}
		}
	}
}

// readRecord reads the next row into a record. An error means that no later row can be read either.
func (r *rowReader) readRecord(record *dataset.Record, root *node, limits dataset.Limits) error {
	err := r.read()
	var large *pages.RowError
	if errors.As(err, &large) {
		record.Fault = &dataset.Fault{Code: dataset.RecordTooLarge, Detail: explain(err)}
		return nil
	} else if err != nil {
		if err == io.EOF {
			err = io.ErrUnexpectedEOF
		}
		return err
	}
	text, err := r.record(root)
	switch {
	case err != nil:
		return err
	case len(text) > limits.MaxRecordBytes:
		record.Fault = &dataset.Fault{Code: dataset.RecordTooLarge, Detail: fmt.Sprintf(
			"without its images, the record has %d bytes, more than %d; shorten it", len(text), limits.MaxRecordBytes)}
	default:
		record.Raw = bytes.Clone(text)
	}
	return nil
}
