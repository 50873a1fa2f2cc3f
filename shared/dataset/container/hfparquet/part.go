package hfparquet

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/parquet-go/parquet-go"
	"github.com/parquet-go/parquet-go/compress"
	"github.com/parquet-go/parquet-go/encoding"
	"github.com/parquet-go/parquet-go/encoding/thrift"
	"github.com/parquet-go/parquet-go/format"

	"github.com/harvest-ml/harvest/shared/dataset"
	"github.com/harvest-ml/harvest/shared/dataset/container"
)

// rowGroupBytes is the size, in bytes, at which a row group is written. The writer keeps one row group in memory.
const rowGroupBytes = 32 << 20

// writer is a container.Writer.
type writer struct{}

// Part writes the rows as row groups. It returns notes: the data of these row groups that End needs for the footer.
func (writer) Part(
	ctx context.Context, w io.Writer, from container.Source, records []dataset.Record, part dataset.Part,
) ([]byte, error) {
	f, err := openFrom(ctx, from)
	if err != nil {
		return nil, err
	}
	p, err := newPartWriter(w, f, part.First)
	if err != nil {
		return nil, err
	}
	rows := f.newRowReader(f.in, maxRowBytes, forRows)
	for _, record := range records {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		row := record.Place.Element - 1
		g, err := f.groupOf(row)
		if err != nil {
			return nil, err
		}
		in := row - f.groups[g].first
		if rows.group != g {
			err = rows.open(g, in)
		} else {
			err = rows.seek(in)
		}
		if err == nil {
			err = rows.read()
		}
		if err == nil {
			err = p.write(rows)
		}
		if err != nil {
			return nil, fmt.Errorf("copying %s: %w", record.Place, err)
		}
	}
	return p.close()
}

// A partWriter writes row groups with the schema and the codecs of a file.
type partWriter struct {
	file   *file
	first  bool
	out    *partOutput
	writer *parquet.GenericWriter[any]
	row    parquet.Row
	held   int64 // size of the values of the unwritten row group
}

func newPartWriter(w io.Writer, f *file, first bool) (p *partWriter, err error) {
	defer recoverFrom("the schema", &err)
	meta := f.meta
	for _, group := range meta.RowGroups {
		meta.NumRows = group.NumRows
	}
	footer, err := thrift.Marshal(&thrift.CompactProtocol{}, &meta)
	if err != nil {
		return nil, fmt.Errorf("reading the schema: %w", err)
	}
	opened, err := parquet.OpenFile(footerOnly(footer), int64(len(footer)+len(magic)+tailBytes),
		parquet.SkipPageIndex(true), parquet.SkipBloomFilters(true))
	if err != nil {
		return nil, fmt.Errorf("reading the schema: %w", err)
	}
	out := &partOutput{out: bufio.NewWriterSize(w, 1<<20), withMagic: first}
	options := []parquet.WriterOption{
		parquet.NewSchema(opened.Schema().Name(), writable{opened.Root()}),
		parquet.WriteBufferSize(0), parquet.DataPageStatistics(false),
	}
	for _, c := range f.columns {
		if !c.isOrdered() {
			options = append(options, parquet.SkipPageBounds(opened.Schema().Columns()[c.first]...))
		}
	}
	return &partWriter{file: f, first: first, out: out, writer: parquet.NewGenericWriter[any](out, options...)}, nil
}

// isOrdered reports whether the smallest and largest values of a column are written. They are not written for images,
// and for types whose order differs from the order of their bytes.
func (c *column) isOrdered() bool {
	_, isFloat16 := c.element.LogicalType.Value.(*format.Float16Type)
	isDecimalText := c.Type == format.ByteArray && isDecimal(c.element)
	return !c.binary && !isFloat16 && !isDecimalText && c.Type != format.Int96
}

// write writes the current row of rows.
func (p *partWriter) write(rows *rowReader) (err error) {
	defer recoverFrom("a row", &err)
	p.row = p.row[:0]
	for i, entries := range rows.rows {
		c := p.file.columns[i]
		for _, entry := range entries {
			value := parquet.NullValue()
			if entry.Def == c.MaxDef {
				value = parquet.Kind(c.Type).Value(entry.Value)
			}
			p.row = append(p.row, value.Level(int(entry.Rep), int(entry.Def), i))
			p.held += int64(len(entry.Value)) + 8
		}
	}
	if _, err := p.writer.WriteRows([]parquet.Row{p.row}); err != nil {
		return err
	}
	if p.held < rowGroupBytes {
		return nil
	}
	p.held = 0
	return p.writer.Flush()
}

// close completes the part, and returns its notes.
func (p *partWriter) close() (notes []byte, err error) {
	defer recoverFrom("the last row group", &err)
	if err := p.writer.Flush(); err != nil {
		return nil, err
	}
	if p.out.written == 0 { // there are no rows, so parquet-go has not written the magic number
		_, err = io.WriteString(p.out, magic)
	} else {
		p.out.endsAt = p.out.written
		err = p.writer.Close()
	}
	if err == nil {
		err = p.out.out.Flush()
	}
	if err != nil {
		return nil, err
	}
	return p.notes()
}

// recoverFrom converts a panic of parquet-go into an error. what names the thing that was written.
func recoverFrom(what string, err *error) {
	if r := recover(); r != nil {
		*err = fmt.Errorf("writing %s of a Parquet file: %v", what, r)
	}
}

// A partOutput writes the row groups of a Parquet file to out, and keeps the bytes after them in memory.
type partOutput struct {
	out       *bufio.Writer
	withMagic bool  // whether the magic number is written to out, too
	written   int64 // number of bytes
	endsAt    int64 // end of the row groups; 0 until all are written
	tail      []byte
}

// Write writes or keeps bytes of parquet-go.
func (o *partOutput) Write(b []byte) (int, error) {
	n := len(b)
	if o.endsAt > 0 {
		o.tail = append(o.tail, b...)
		return n, nil
	}
	if left := int64(len(magic)) - o.written; left > 0 && !o.withMagic {
		b = b[min(left, int64(n)):]
	}
	o.written += int64(n)
	_, err := o.out.Write(b)
	return n, err
}

// footerOnly is a Parquet file that has only a footer.
type footerOnly []byte

// ReadAt reads the magic number, the footer, its length, and the magic number again.
func (f footerOnly) ReadAt(b []byte, offset int64) (int, error) {
	whole := int64(len(magic) + len(f) + tailBytes)
	n := 0
	for ; n < len(b) && offset < whole; n, offset = n+1, offset+1 {
		switch at := offset - int64(len(magic)); {
		case at < 0:
			b[n] = magic[offset]
		case at < int64(len(f)):
			b[n] = f[at]
		case at < int64(len(f))+4:
			b[n] = byte(len(f) >> (8 * (at - int64(len(f)))))
		default:
			b[n] = magic[at-int64(len(f))-4]
		}
	}
	if n < len(b) {
		return n, io.EOF
	}
	return n, nil
}

// A writable is a column of a source for the writer, with the encoding PLAIN. The encoding that parquet-go returns for
// the column can be the encoding of its levels.
type writable struct{ *parquet.Column }

// Encoding returns the encoding of values.
func (w writable) Encoding() encoding.Encoding {
	if w.Leaf() {
		return &parquet.Plain
	}
	return nil
}

// Compression returns the codec of the source.
func (w writable) Compression() compress.Codec { return w.Column.Compression() }

// Fields returns the fields of a group as writable columns.
func (w writable) Fields() []parquet.Field {
	columns := w.Columns()
	fields := make([]parquet.Field, len(columns))
	for i, c := range columns {
		fields[i] = writable{c}
	}
	return fields
}

var errNotes = errors.New("the notes of a part of a Parquet file are damaged")
