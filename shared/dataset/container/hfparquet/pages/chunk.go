package pages

import (
	"fmt"
	"io"

	"github.com/parquet-go/parquet-go/encoding/thrift"
	"github.com/parquet-go/parquet-go/format"
)

// A Column is what is read the same way in all row groups.
type Column struct {
	// Path names the column in messages: its names in the schema, with dots.
	Path string
	Type format.Type
	// Width is the length of a value of a FixedLenByteArray in bytes.
	Width int
	// MaxRep and MaxDef are the levels of a value that is there: how many lists it is in, and how many of the groups
	// and fields around it need not be there.
	MaxRep, MaxDef byte
}

// width is the length of a value in bytes, as Value has it; 0 for a ByteArray.
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

// A Chunk is where the values of a column of one row group are.
type Chunk struct {
	*Column
	Codec format.CompressionCodec
	Start int64 // offset of the first page in the file
	Size  int64 // of all pages with their headers, in bytes
	Rows  int64
	// Locations are the locations of the chunk's offset index; nil if it has none.
	Locations []format.PageLocation
}

// Limits bound what a reader holds of a column.
type Limits struct {
	// PageBytes is the largest page in bytes, compressed and decompressed.
	PageBytes int64
	// RowBytes is the most that the values of one row have together, in bytes.
	RowBytes int64
}

// maxRowValues is the most values of one row in a column, and maxDictionary the most values of a dictionary: they take
// memory in a reader even if they are empty.
const (
	maxRowValues  = 1 << 20
	maxDictionary = 1 << 24
)

// maxValues is the most values of a page, whose levels take two bytes each.
func (l Limits) maxValues() int64 { return l.PageBytes / 4 }

// A PageError is the error of a page that is above the limit.
type PageError struct {
	Column       string // its path
	Bytes, Limit int64
}

// Error names the column, and what makes its pages smaller.
func (e *PageError) Error() string {
	return fmt.Sprintf("column %s has a page of %d bytes, more than %d; write the file again with smaller pages",
		e.Column, e.Bytes, e.Limit)
}

// A RowError says that a row has too many bytes in one column, or more than maxRowValues values. Only that row cannot
// be read.
type RowError struct {
	Column     string // its path
	Row, Limit int64  // Row is its number in the row group, from 0
}

// Error names the column.
func (e *RowError) Error() string {
	return fmt.Sprintf("column %s has more than %d bytes, or %d values, in the row", e.Column, e.Limit, maxRowValues)
}

// Rewrite is a command that writes a file again with pages that are read; FILE stands for the file's name. Without
// content-defined chunking, pyarrow closes a page after 1,024 values whatever their size.
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

// check refuses locations that are outside the chunk or overlap.
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

// Probe reports a page that is above the limit, as far as the locations say it, or the headers of the first pages.
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
