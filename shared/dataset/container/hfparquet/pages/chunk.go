package pages

import (
	"fmt"
	"io"

	"github.com/parquet-go/parquet-go/encoding/thrift"
	"github.com/parquet-go/parquet-go/format"
)

// A Column has the properties of a column that are equal in all row groups.
type Column struct {
	// Path is the name of the column in messages: its names in the schema, joined by dots.
	Path string
	Type format.Type
	// Width is the length in bytes of a value, if Type is FixedLenByteArray.
	Width int
	// MaxRep and MaxDef are the levels of a value that is not null: the number of lists around it, and the number of
	// optional or repeated groups and fields, itself included.
	MaxRep, MaxDef byte
}

// width returns the length of a decoded value in bytes; 0 for a ByteArray.
func (c *Column) width() int {
	switch c.Type {
	case format.Boolean:
		return 1
	case format.Int32, format.Float:
		return 4
	case format.Int64, format.Double:
		return 8
	case format.Int96:
		return 12
	case format.FixedLenByteArray:
		return c.Width
	default:
		return 0
	}
}

// A Chunk is the position of the values of a column in one row group.
type Chunk struct {
	*Column
	Codec format.CompressionCodec
	Start int64 // offset of the first page in the file
	Size  int64 // size of all pages with their headers, in bytes
	Rows  int64
	// Locations are the page locations of the chunk's offset index; nil if it has none.
	Locations []format.PageLocation
}

// Limits are the limits for the memory of a reader of a column.
type Limits struct {
	// PageBytes is the size limit of a page in bytes, compressed and decompressed.
	PageBytes int64
	// RowBytes is the size limit of all values of one row in the column, in bytes.
	RowBytes int64
}

// maxRowValues is the largest number of values of one row in a column, and maxDictionary the largest number of values
// in a dictionary. Values take memory even if they are empty.
const (
	maxRowValues  = 1 << 20
	maxDictionary = 1 << 24
)

// maxValues returns the largest number of values in a page. The levels of a value take two bytes.
func (l Limits) maxValues() int64 { return l.PageBytes / 4 }

// A PageError reports a page that is larger than the limit.
type PageError struct {
	Column       string // path of the column
	Bytes, Limit int64
}

// Error names the column and the fix.
func (e *PageError) Error() string {
	return fmt.Sprintf("column %s has a page of %d bytes, more than %d; write the file again with smaller pages",
		e.Column, e.Bytes, e.Limit)
}

// A RowError reports a row with too many bytes in one column, or with more than maxRowValues values. Other rows can be
// read.
type RowError struct {
	Column     string // path of the column
	Row, Limit int64  // Row is the row's number in the row group, from 0
}

// Error names the column.
func (e *RowError) Error() string {
	return fmt.Sprintf("column %s has more than %d bytes, or %d values, in the row", e.Column, e.Limit, maxRowValues)
}

// Rewrite is a command that writes a file again, with pages that can be read. It contains FILE for the file's name.
// Without write_batch_size and content-defined chunking, pyarrow ends a page after 1,024 values of any size.
const Rewrite = `python3 -c "import sys, pyarrow.parquet as p; f = p.ParquetFile(sys.argv[1]); ` +
	`w = p.ParquetWriter(sys.argv[2], f.schema_arrow, write_page_index=True, write_batch_size=8, compression='zstd'); ` +
	`[w.write_batch(b) for b in f.iter_batches(100)]; w.close()" FILE rewritten.parquet`

// ReadLocations reads an offset index of length bytes at offset.
func ReadLocations(in io.ReaderAt, offset, length int64) ([]format.PageLocation, error) {
	text := make([]byte, length)
	if n, err := in.ReadAt(text, offset); n < len(text) {
		return nil, fmt.Errorf("reading an offset index at byte %d: %w", offset, err)
	}
	if err := thrift.Unmarshal(&thrift.CompactProtocol{}, text, &struct{}{}); err != nil {
		return nil, fmt.Errorf("the offset index at byte %d: %w", offset, err)
	}
	var index format.OffsetIndex
	if err := thrift.Unmarshal(&thrift.CompactProtocol{}, text, &index); err != nil {
		return nil, fmt.Errorf("the offset index at byte %d: %w", offset, err)
	}
	return index.PageLocations, nil
}

// check returns an error if locations are outside of the chunk or overlap.
func (c *Chunk) check() error {
	end, row := c.Start, int64(-1)
	for i, l := range c.Locations {
		if l.Offset < end || l.CompressedPageSize <= 0 || l.Offset+int64(l.CompressedPageSize) > c.Start+c.Size ||
			l.FirstRowIndex <= row || l.FirstRowIndex >= c.Rows || i == 0 && l.FirstRowIndex != 0 {
			return fmt.Errorf("column %s: the offset index contradicts the footer at page %d", c.Path, i)
		}
		end, row = l.Offset+int64(l.CompressedPageSize), l.FirstRowIndex
	}
	return nil
}

// Probe returns an error if a page is larger than the limit. It uses the locations or, if there are none, the headers
// of the first pages. So it may miss a large page.
func Probe(in io.ReaderAt, chunk Chunk, limits Limits) error {
	r := reader{in: in, limits: limits}
	if err := r.open(chunk); err != nil {
		return err
	}
	for _, l := range chunk.Locations {
		if size := int64(l.CompressedPageSize); size > limits.PageBytes {
			return &PageError{Column: chunk.Path, Bytes: size, Limit: limits.PageBytes}
		}
	}
	if len(chunk.Locations) > 0 {
		return nil
	}
	// A dictionary may be before the first page.
	for at, n := chunk.Start, 0; n < 2 && at < r.end(); n++ {
		h, size, err := r.header(at)
		if err != nil {
			return err
		}
		at += size + int64(h.Compressed)
	}
	return nil
}
