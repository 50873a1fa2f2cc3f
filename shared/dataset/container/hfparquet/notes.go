package hfparquet

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
	"math"

	"github.com/parquet-go/parquet-go/encoding/thrift"
	"github.com/parquet-go/parquet-go/format"
)

// createdBy is the field created_by of the files that Harvest writes.
const createdBy = "harvest (https://github.com/harvest-ml/harvest)"

// A note has the data of a part for the footer of the joined file: its row groups, with offsets as if the part were a
// complete file. Notes are concatenated. Before each note is a varint with its length.
type note struct {
	// Bytes is the size of the row groups.
	Bytes  int64                            `thrift:"1,required"`
	Groups thrift.Slice[format.RowGroup]    `thrift:"2,required"`
	Orders thrift.Slice[format.ColumnOrder] `thrift:"3,required"`
	// Columns and Offsets are the indexes of all chunks of the first row group, then of the second, and so on.
	Columns thrift.Slice[format.ColumnIndex] `thrift:"4,required"`
	Offsets thrift.Slice[format.OffsetIndex] `thrift:"5,required"`
	// Schema and Metadata come from the source, and are only in the note of the first part.
	Schema   thrift.Slice[format.SchemaElement] `thrift:"6,required"`
	Metadata thrift.Slice[format.KeyValue]      `thrift:"7,required"`
}

// notes encodes the row groups of the finished part, for the footer of the joined file.
func (p *partWriter) notes() ([]byte, error) {
	n := note{
		Groups: thrift.Slice[format.RowGroup]{}, Orders: thrift.Slice[format.ColumnOrder]{},
		Columns: thrift.Slice[format.ColumnIndex]{}, Offsets: thrift.Slice[format.OffsetIndex]{},
		Schema: thrift.Slice[format.SchemaElement]{}, Metadata: thrift.Slice[format.KeyValue]{},
	}
	if p.out.endsAt > 0 {
		if err := n.read(p.out.tail, p.out.endsAt, p.file.schema); err != nil {
			return nil, err
		}
	}
	if p.first {
		n.Schema, n.Metadata = p.file.meta.Schema, append(n.Metadata, p.file.meta.KeyValueMetadata...)
	}
	text, err := thrift.Marshal(&thrift.CompactProtocol{}, &n)
	if err != nil {
		return nil, err
	}
	return append(binary.AppendUvarint(nil, uint64(len(text))), text...), nil
}

// read reads the footer and the indexes of a part, which was written as a complete Parquet file. tail is the end of
// that file, from offset start.
func (n *note) read(tail []byte, start int64, s *schema) error {
	length := int(binary.LittleEndian.Uint32(tail[len(tail)-tailBytes:]))
	var meta format.FileMetaData
	protocol := &thrift.CompactProtocol{}
	if err := thrift.Unmarshal(protocol, tail[len(tail)-tailBytes-length:len(tail)-tailBytes], &meta); err != nil {
		return err
	}
	n.Bytes, n.Groups, n.Orders = start-int64(len(magic)), meta.RowGroups, meta.ColumnOrders
	n.Columns = make([]format.ColumnIndex, 0, len(n.Groups)*len(s.columns))
	n.Offsets = make([]format.OffsetIndex, 0, len(n.Groups)*len(s.columns))
	for i, c := range n.eachChunk() {
		var columns format.ColumnIndex
		var offsets format.OffsetIndex
		if err := thrift.Unmarshal(protocol, tail[c.ColumnIndexOffset-start:][:c.ColumnIndexLength], &columns); err != nil {
			return err
		}
		if err := thrift.Unmarshal(protocol, tail[c.OffsetIndexOffset-start:][:c.OffsetIndexLength], &offsets); err != nil {
			return err
		}
		n.Columns, n.Offsets = append(n.Columns, columns), append(n.Offsets, offsets)
		if !s.columns[i%len(s.columns)].isOrdered() {
			c.MetaData.Statistics = format.Statistics{NullCount: c.MetaData.Statistics.NullCount}
		}
	}
	return nil
}

// End writes the indexes and the footer of a file whose parts have these notes.
func (writer) End(w io.Writer, notes io.Reader) error {
	joined, err := join(notes)
	if err != nil {
		return err
	}
	out := bufio.NewWriterSize(w, 1<<20)
	if err := joined.write(out); err != nil {
		return fmt.Errorf("writing the footer of a Parquet file: %w", err)
	}
	return out.Flush()
}

// maxNoteBytes is the size limit of a note, in bytes.
const maxNoteBytes = 1 << 30

// join reads notes, and shifts their offsets to the positions of the parts in the joined file. Bytes of the result is
// the offset after the last part.
func join(notes io.Reader) (*note, error) {
	joined := &note{Bytes: int64(len(magic))}
	in := bufio.NewReader(notes)
	for first := true; ; first = false {
		length, err := binary.ReadUvarint(in)
		if err == io.EOF && !first {
			return joined, nil
		}
		if err != nil || length > maxNoteBytes {
			return nil, errNotes
		}
		var text bytes.Buffer // grows with the bytes that are read, because the stated length may be wrong
		if n, err := io.CopyN(&text, in, int64(length)); err != nil {
			return nil, fmt.Errorf("%w: a note of %d bytes has %d", errNotes, length, n)
		}
		var n note
		if err := thrift.Unmarshal(&thrift.CompactProtocol{}, text.Bytes(), &n); err != nil {
			return nil, fmt.Errorf("%w: %w", errNotes, err)
		}
		if first {
			joined.Schema, joined.Metadata = n.Schema, n.Metadata
		}
		if len(joined.Orders) == 0 {
			joined.Orders = n.Orders
		}
		n.shift(joined.Bytes - int64(len(magic)))
		joined.Groups = append(joined.Groups, n.Groups...)
		joined.Columns = append(joined.Columns, n.Columns...)
		joined.Offsets = append(joined.Offsets, n.Offsets...)
		joined.Bytes += n.Bytes
	}
}

// shift adds by to all offsets.
func (n *note) shift(by int64) {
	move := func(offset *int64) {
		if *offset > 0 {
			*offset += by
		}
	}
	for g := range n.Groups {
		move(&n.Groups[g].FileOffset)
		for i := range n.Groups[g].Columns {
			c := &n.Groups[g].Columns[i]
			move(&c.FileOffset)
			move(&c.MetaData.DataPageOffset)
			move(&c.MetaData.DictionaryPageOffset)
		}
	}
	for i := range n.Offsets {
		for j := range n.Offsets[i].PageLocations {
			move(&n.Offsets[i].PageLocations[j].Offset)
		}
	}
}

// write writes the indexes and the footer, after the parts.
func (n *note) write(w io.Writer) error {
	at := n.Bytes
	var text []byte
	put := func(v any) (offset int64, length int32, err error) {
		if text, err = thrift.Marshal(&thrift.CompactProtocol{}, v); err != nil {
			return 0, 0, err
		}
		_, err = w.Write(text)
		offset = at
		at += int64(len(text))
		return offset, int32(len(text)), err
	}
	if len(n.Groups) > math.MaxInt16 {
		return fmt.Errorf("a Parquet file can have %d row groups, not %d; raise RANGE_BYTES, so that there are fewer ranges",
			math.MaxInt16, len(n.Groups))
	}
	columns := n.eachChunk()
	for i, c := range columns {
		var err error
		if c.ColumnIndexOffset, c.ColumnIndexLength, err = put(&n.Columns[i]); err != nil {
			return err
		}
	}
	for i, c := range columns {
		var err error
		if c.OffsetIndexOffset, c.OffsetIndexLength, err = put(&n.Offsets[i]); err != nil {
			return err
		}
	}
	meta := format.FileMetaData{
		Version: 2, Schema: n.Schema, RowGroups: n.Groups, KeyValueMetadata: n.Metadata, CreatedBy: createdBy,
		ColumnOrders: n.Orders,
	}
	for g := range n.Groups {
		n.Groups[g].Ordinal = int16(g)
		meta.NumRows += n.Groups[g].NumRows
	}
	_, length, err := put(&meta)
	if err != nil {
		return err
	}
	_, err = w.Write(append(binary.LittleEndian.AppendUint32(nil, uint32(length)), magic...))
	return err
}

// eachChunk returns the column chunks in the order of their indexes.
func (n *note) eachChunk() []*format.ColumnChunk {
	var chunks []*format.ColumnChunk
	for g := range n.Groups {
		for i := range n.Groups[g].Columns {
			chunks = append(chunks, &n.Groups[g].Columns[i])
		}
	}
	return chunks
}
