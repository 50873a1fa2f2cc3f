package hfparquet

import (
	"errors"
	"io"

	"github.com/harvest-ml/harvest/shared/dataset/container/hfparquet/pages"
)

// A rowReader reads the rows of one row group at a time, from all columns. It is not safe for concurrent use.
type rowReader struct {
	assembly
	file    *file
	in      io.ReaderAt
	group   int
	skip    func(g, column int) (skipped, error)
	cursors []*pages.Cursor // by column
}

// newRowReader returns a reader of the columns for which skip returns isRead. It calls skip for each row group and
// column. Call open before reading. A row may have at most textBytes in a column, or maxRowBytes in a binary column.
func (f *file) newRowReader(in io.ReaderAt, textBytes int64, skip func(g, column int) (skipped, error)) *rowReader {
	r := &rowReader{assembly: *newAssembly(f.schema), file: f, in: in, group: -1, skip: skip}
	for _, c := range f.columns {
		most := textBytes
		if c.binary {
			most = maxRowBytes
		}
		r.cursors = append(r.cursors, newCursor(in, most))
	}
	return r
}

// open moves to a row of a row group; row counts from its first row. After an error the group is -1.
func (r *rowReader) open(g int, row int64) (err error) {
	r.group = -1
	for i := range r.cursors {
		if r.skipped[i], err = r.skip(g, i); err != nil {
			return err
		}
		if r.rows[i] = r.rows[i][:0]; r.skipped[i] != isRead {
			continue
		}
		if err := r.file.open(r.cursors[i], r.in, g, i, row); err != nil {
			return err
		}
	}
	r.group = g
	return nil
}

// seek moves to a row of the group that is not before the next row.
func (r *rowReader) seek(row int64) error {
	for i, cursor := range r.cursors {
		if r.skipped[i] != isRead {
			continue
		}
		if err := cursor.SeekToRow(row); err != nil {
			return err
		}
	}
	return nil
}

// read reads the entries of the next row. They are valid until the next call. A *pages.RowError concerns only this row:
// the next row can be read.
func (r *rowReader) read() error {
	var large *pages.RowError
	for i, cursor := range r.cursors {
		if r.skipped[i] != isRead {
			continue
		}
		entries, err := cursor.Row(r.rows[i][:0])
		if err != nil && !errors.As(err, &large) {
			return err
		}
		r.rows[i] = entries
	}
	if large != nil {
		return large
	}
	return nil
}

// forRecords returns a skip function for making the JSON of records. Binary columns are skipped if the footer and a
// neighbouring column show which of their values are null.
func (f *file) forRecords(in io.ReaderAt) func(g, column int) (skipped, error) {
	return func(g, column int) (skipped, error) {
		of, c := f.columns[column], f.groups[g].chunks[column]
		switch {
		case !of.binary || of.companion < 0:
			return isRead, nil
		case !of.optional:
			return allPresent, nil
		case !c.nulls.Valid:
			return isRead, nil
		case c.nulls.V == c.values:
			return allNull, nil
		case c.nulls.V == 0:
			return allPresent, nil
		}
		absent, err := f.absent(in, g, of)
		if err == nil && absent == c.nulls.V {
			return allPresent, nil
		}
		return isRead, err
	}
}

// absent returns the number of entries of a column whose struct is null. It reads the column's companion.
func (f *file) absent(in io.ReaderAt, g int, of *column) (int64, error) {
	cursor := newCursor(in, maxRowBytes)
	if err := f.open(cursor, in, g, of.companion, 0); err != nil {
		return 0, err
	}
	var err error
	var entries []pages.Entry
	absent := int64(0)
	for range f.groups[g].rows {
		if entries, err = cursor.Row(entries[:0]); err != nil {
			return 0, err
		}
		for _, entry := range entries {
			if entry.Def < of.def-1 { // of is an optional field of the struct
				absent++
			}
		}
	}
	return absent, nil
}

// forValues is a skip function for reading only the binary columns.
func (f *file) forValues(_, column int) (skipped, error) {
	if f.columns[column].binary {
		return isRead, nil
	}
	return notNeeded, nil
}

// forRows is a skip function for reading all columns.
func forRows(_, _ int) (skipped, error) { return isRead, nil }
