package hfparquet

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
	"slices"
	"sort"

	"github.com/parquet-go/parquet-go/encoding/thrift"
	"github.com/parquet-go/parquet-go/format"

	"github.com/harvest-ml/harvest/shared/dataset"
	"github.com/harvest-ml/harvest/shared/dataset/container/hfparquet/pages"
)

const (
	magic          = "PAR1"
	encryptedMagic = "PARE"
	tailBytes      = 8 // length of the footer, and the magic number
	// maxFooterBytes is the size limit of a footer. A decoded footer takes several times as much memory.
	maxFooterBytes = 64 << 20
	// firstReadBytes is the number of bytes, at a file's end, that are read first. Most footers are smaller.
	firstReadBytes = 64 << 10
	// maxIndexBytes is the size limit of one offset index, and of the indexes that are read with one request.
	maxIndexBytes = 16 << 20
	// maxRowsOfByte is the largest number of rows for each byte of a row group. It is needed because a damaged footer may
	// state any number of rows.
	maxRowsOfByte = 64
	// maxPageBytes is the size limit of a page, in bytes. A reader of images keeps one page in memory, compressed and
	// decompressed.
	maxPageBytes = 64 << 20
	// maxRowBytes is the size limit, in bytes, of the binary values of one column in one row.
	maxRowBytes = 256 << 20
)

// A file is the decoded footer of an open file. It is safe for concurrent use.
type file struct {
	in io.ReaderAt
	// meta is the footer with only the first row group. groups has the needed data of all row groups.
	meta format.FileMetaData
	*schema
	groups []group
}

// A group is a row group.
type group struct {
	first, rows int64 // number of the first row in the file, from 0, and the number of rows
	bytes       int64 // size of all its column chunks
	start       int64 // offset of the first column chunk
	chunks      []chunk
}

// A chunk has the values of a column in a row group.
type chunk struct {
	pages.Chunk
	index    extent // position of the offset index; zero if there is none
	unpacked int64  // size of all its pages, decompressed
	values   int64  // number of values, null values included
	nulls    thrift.Null[int64]
}

type extent struct{ offset, length int64 }

// refuse returns the error for a file that cannot be read.
func refuse(text string, args ...any) error {
	return &dataset.FormatError{Detail: fmt.Sprintf(text, args...)}
}

const downloadAgain = "; it may be cut short: download or write it again"

// open reads the footer of a file of size bytes. The error is a *dataset.FormatError if the file cannot be read; other
// errors are those of in.
func open(in io.ReaderAt, size int64) (*file, error) {
	footer, err := readFooter(in, size)
	if err != nil {
		return nil, err
	}
	f := &file{in: in}
	if err := decode(footer, &f.meta); err != nil {
		return nil, refuse("the footer of the Parquet file is damaged (%v)%s", err, downloadAgain)
	}
	if f.meta.EncryptionAlgorithm.Value != nil {
		return nil, refuse("%s", isEncrypted)
	}
	if f.schema, err = newSchema(f.meta.Schema); err != nil {
		return nil, refuse("the footer of the Parquet file is damaged: %v%s", err, downloadAgain)
	}
	if err := f.readGroups(footer, size-tailBytes-int64(len(footer))); err != nil {
		return nil, err
	}
	f.meta.RowGroups = slices.Clone(f.meta.RowGroups[:min(1, len(f.meta.RowGroups))])
	return f, nil
}

const isEncrypted = "the Parquet file is encrypted; write it again without encryption"

// readFooter returns the footer, without its length and the magic number.
func readFooter(in io.ReaderAt, size int64) ([]byte, error) {
	if size < int64(len(magic))+tailBytes {
		return nil, refuse("a file of %d bytes is not a Parquet file%s", size, downloadAgain)
	}
	end, err := readAt(in, max(size-firstReadBytes, 0), min(size, firstReadBytes))
	if err != nil {
		return nil, err
	}
	switch string(end[len(end)-4:]) {
	case magic:
	case encryptedMagic:
		return nil, refuse("%s", isEncrypted)
	default:
		return nil, refuse("the Parquet file does not end in %s%s", magic, downloadAgain)
	}
	length := int64(binary.LittleEndian.Uint32(end[len(end)-tailBytes:]))
	switch {
	case length > size-int64(len(magic))-tailBytes:
		return nil, refuse("the Parquet file has a footer of %d bytes in %d bytes%s", length, size, downloadAgain)
	case length > maxFooterBytes:
		return nil, refuse("the Parquet file has a footer of %d bytes, more than %d; write it again with larger row groups",
			length, int64(maxFooterBytes))
	case length+tailBytes <= int64(len(end)):
		return bytes.Clone(end[int64(len(end))-tailBytes-length : len(end)-tailBytes]), nil
	}
	return readAt(in, size-tailBytes-length, length)
}

// readAt reads length bytes at an offset.
func readAt(in io.ReaderAt, offset, length int64) ([]byte, error) {
	b := make([]byte, length)
	if n, err := in.ReadAt(b, offset); n < len(b) {
		if err == io.EOF {
			err = io.ErrUnexpectedEOF
		}
		return nil, fmt.Errorf("reading %d bytes at byte %d: %w", length, offset, err)
	}
	return b, nil
}

// nullCounts is decoded in addition to format.FileMetaData, which does not show whether a footer has the number of null
// values.
type nullCounts struct {
	Groups []struct {
		Columns []struct {
			MetaData struct {
				Statistics struct {
					Nulls thrift.Null[int64] `thrift:"3,optional"`
				} `thrift:"12,optional"`
			} `thrift:"3,optional"`
		} `thrift:"1,required"`
	} `thrift:"4,required"`
}

// decode decodes the footer. First, it checks the lengths of all lists and texts, because a damaged footer may state
// any length, and memory would be allocated for it.
func decode(footer []byte, meta *format.FileMetaData) (err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("%v", r)
		}
	}()
	if err := thrift.Unmarshal(&thrift.CompactProtocol{}, footer, &struct{}{}); err != nil {
		return err
	}
	return thrift.Unmarshal(&thrift.CompactProtocol{}, footer, meta)
}

// readGroups reads and checks the row groups in the footer. They must end before the offset end.
func (f *file) readGroups(footer []byte, end int64) error {
	var nulls nullCounts
	if err := thrift.Unmarshal(&thrift.CompactProtocol{}, footer, &nulls); err != nil {
		return refuse("the footer of the Parquet file is damaged (%v)%s", err, downloadAgain)
	}
	rows := int64(0)
	for i := range f.meta.RowGroups {
		stored := &f.meta.RowGroups[i]
		g := group{first: rows, rows: stored.NumRows, start: end}
		if stored.NumRows < 0 || len(stored.Columns) != len(f.columns) {
			return refuse("row group %d of the Parquet file has %d rows of %d columns, but its schema has %d%s",
				i, stored.NumRows, len(stored.Columns), len(f.columns), downloadAgain)
		}
		if stored.NumRows == 0 {
			continue
		}
		for j := range stored.Columns {
			c, err := f.chunk(&stored.Columns[j], f.columns[j], stored.NumRows, end)
			if err != nil {
				return err
			}
			c.nulls = nulls.Groups[i].Columns[j].MetaData.Statistics.Nulls
			g.chunks = append(g.chunks, c)
			g.bytes += c.Size
			g.start = min(g.start, c.Start)
		}
		if g.rows > maxRowsOfByte*g.bytes {
			return refuse("row group %d of the Parquet file has %d rows in %d bytes%s", i, g.rows, g.bytes, downloadAgain)
		}
		f.groups = append(f.groups, g)
		rows += g.rows
	}
	if rows != f.meta.NumRows {
		return refuse("the Parquet file has %d rows in its row groups, but %d in its footer%s",
			rows, f.meta.NumRows, downloadAgain)
	}
	return nil
}

// chunk reads and checks a column chunk in the footer.
func (f *file) chunk(stored *format.ColumnChunk, of *column, rows, end int64) (chunk, error) {
	meta := &stored.MetaData
	path := of.Path
	start := meta.DataPageOffset
	if at := meta.DictionaryPageOffset; at > 0 && at < start {
		start = at
	}
	switch {
	case stored.FilePath != "":
		return chunk{}, refuse("column %s is in another file, %q; write the rows to one Parquet file", path,
			stored.FilePath)
	case stored.CryptoMetadata.Value != nil, len(stored.EncryptedColumnMetadata) > 0:
		return chunk{}, refuse("%s", isEncrypted)
	case meta.Type != of.Type:
		return chunk{}, refuse("column %s has type %s, but type %s in the schema%s", path, meta.Type, of.Type, downloadAgain)
	case !pages.Reads(meta.Codec):
		return chunk{}, &dataset.FormatError{Command: pages.Rewrite, Detail: fmt.Sprintf(
			"column %s is compressed with %s, which Harvest does not read; write the file again with zstd", path, meta.Codec)}
	case start < int64(len(magic)), meta.TotalCompressedSize < 0, start > end, meta.TotalCompressedSize > end-start,
		meta.NumValues < 0, of.MaxRep == 0 && meta.NumValues != rows, meta.NumValues < rows:
		return chunk{}, refuse("column %s has %d values in %d bytes at byte %d, in row groups that end at byte %d%s",
			path, meta.NumValues, meta.TotalCompressedSize, start, end, downloadAgain)
	}
	index := extent{stored.OffsetIndexOffset, int64(stored.OffsetIndexLength)}
	if index.offset <= 0 || index.length <= 0 {
		index = extent{}
	}
	return chunk{
		Chunk: pages.Chunk{
			Column: &of.Column, Codec: meta.Codec, Start: start, Size: meta.TotalCompressedSize, Rows: rows,
		},
		index: index, unpacked: meta.TotalUncompressedSize, values: meta.NumValues,
	}, nil
}

// groupOf returns the index of the row group that contains a row.
func (f *file) groupOf(row int64) (int, error) {
	if row < 0 || row >= f.meta.NumRows {
		return 0, fmt.Errorf("row %d of a Parquet file of %d rows", row+1, f.meta.NumRows)
	}
	return sort.Search(len(f.groups), func(i int) bool { return f.groups[i].first > row }) - 1, nil
}

// smallChunk is a size in bytes. A smaller column chunk is read without its offset index, because reading the index
// takes a request, too.
const smallChunk = 256 << 10

// open moves a cursor to a row of a row group. row counts from the first row of the group.
func (f *file) open(cursor *pages.Cursor, in io.ReaderAt, g, column int, row int64) error {
	c := f.groups[g].chunks[column]
	if c.index.length > 0 && c.Size > smallChunk {
		var err error
		if c.Locations, err = locations(in, c); err != nil {
			return err
		}
	}
	if err := cursor.Open(c.Chunk); err != nil {
		return err
	}
	return cursor.SeekToRow(row)
}

// newCursor returns a cursor for columns whose rows have at most rowBytes.
func newCursor(in io.ReaderAt, rowBytes int64) *pages.Cursor {
	return pages.NewCursor(in, pages.Limits{PageBytes: maxPageBytes, RowBytes: rowBytes})
}

// locations reads the offset index of a chunk.
func locations(in io.ReaderAt, c chunk) ([]format.PageLocation, error) {
	if c.index.length > maxIndexBytes {
		return nil, fmt.Errorf("column %s has an offset index of %d bytes, more than %d", c.Path, c.index.length,
			int64(maxIndexBytes))
	}
	return pages.ReadLocations(in, c.index.offset, c.index.length)
}
