package pages

import (
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"sort"

	"github.com/parquet-go/parquet-go/encoding/thrift"
	"github.com/parquet-go/parquet-go/format"
)

const (
	// readBytes is the smallest number of bytes of one request, if a chunk is read in order.
	readBytes = 1 << 20
	// maxHeaderBytes is the size limit of a page's header. It is large, because old writers put whole values into the
	// statistics there.
	maxHeaderBytes = 16 << 20
)

// A header has the needed fields of a page's header. Decoding a format.PageHeader would also allocate its statistics.
type header struct {
	Type         format.PageType          `thrift:"1,required"`
	Uncompressed int32                    `thrift:"2,required"`
	Compressed   int32                    `thrift:"3,required"`
	CRC          int32                    `thrift:"4,optional"`
	V1           thrift.Null[headerV1]    `thrift:"5,optional"`
	Dictionary   thrift.Null[headerOfAll] `thrift:"7,optional"`
	V2           thrift.Null[headerV2]    `thrift:"8,optional"`
}

type headerOfAll struct {
	Values   int32           `thrift:"1,required"`
	Encoding format.Encoding `thrift:"2,required"`
}

type headerV1 struct {
	Values      int32           `thrift:"1,required"`
	Encoding    format.Encoding `thrift:"2,required"`
	Definitions format.Encoding `thrift:"3,required"`
	Repetitions format.Encoding `thrift:"4,required"`
}

type headerV2 struct {
	Values           int32             `thrift:"1,required"`
	Nulls            int32             `thrift:"2,required"`
	Rows             int32             `thrift:"3,required"`
	Encoding         format.Encoding   `thrift:"4,required"`
	DefinitionsBytes int32             `thrift:"5,required"`
	RepetitionsBytes int32             `thrift:"6,required"`
	IsCompressed     thrift.Null[bool] `thrift:"7,optional"`
}

// A reader reads the pages of a chunk in order.
type reader struct {
	in     io.ReaderAt
	chunk  Chunk
	limits Limits

	at       int64  // offset of the next page
	row      int64  // number, in the chunk, of the next page's first row; -1 if it is not known
	window   []byte // bytes of the file from windowAt on
	windowAt int64

	dictionary   *values
	buffer       []byte // decompressed bytes of a page; the next page reuses it
	decompressor decompressor
}

// open moves to the first page of a chunk.
func (r *reader) open(chunk Chunk) error {
	if err := chunk.check(); err != nil {
		return err
	}
	r.chunk, r.at, r.row, r.dictionary = chunk, chunk.Start, 0, nil
	r.window = r.window[:0]
	return nil
}

// end returns the offset after the chunk.
func (r *reader) end() int64 { return r.chunk.Start + r.chunk.Size }

// bytes returns n bytes of the file at an offset, or fewer at the end of the chunk. They are valid until the next call.
func (r *reader) bytes(at int64, n int) ([]byte, error) {
	n = int(min(int64(n), r.end()-at))
	if at < r.windowAt || at+int64(n) > r.windowAt+int64(len(r.window)) {
		size := int(min(max(int64(n), r.ahead(at)), r.end()-at))
		window := grow(r.window, size)
		kept := 0
		if at >= r.windowAt && at < r.windowAt+int64(len(r.window)) {
			kept = copy(window, r.window[at-r.windowAt:])
		}
		r.window, r.windowAt = window, at
		if got, err := r.in.ReadAt(window[kept:], at+int64(kept)); got < size-kept {
			r.window = r.window[:0]
			if err == nil || err == io.EOF {
				err = io.ErrUnexpectedEOF
			}
			return nil, fmt.Errorf("reading column %s at byte %d: %w", r.chunk.Path, at, err)
		}
	}
	return r.window[at-r.windowAt:][:n], nil
}

// ahead returns the number of bytes to read at an offset. If the size of a page is known, it is only this page, so that
// skipped pages are not read.
func (r *reader) ahead(at int64) int64 {
	locations := r.chunk.Locations
	i := sort.Search(len(locations), func(i int) bool { return locations[i].Offset > at })
	switch {
	case len(locations) == 0:
		return readBytes
	case i == 0: // the dictionary
		return locations[0].Offset - at
	}
	// Small pages are read together.
	end := at
	for ; i <= len(locations) && end-at < readBytes; i++ {
		next := locations[i-1].Offset + int64(locations[i-1].CompressedPageSize)
		if end > at && next-at > readBytes {
			break
		}
		end = next
	}
	return end - at
}

// header returns the header of the page at an offset, and the header's length.
func (r *reader) header(at int64) (h header, size int64, err error) {
	for n := 1 << 10; ; n *= 4 {
		text, err := r.bytes(at, n)
		if err != nil {
			return header{}, 0, err
		}
		h = header{}
		protocol := thrift.CompactProtocol{}
		in := protocol.NewReaderFromBytes(text)
		if err = thrift.NewDecoder(in).Decode(&h); err == nil {
			return h, int64(in.BytesRead()), r.checkHeader(h, at+int64(in.BytesRead()))
		}
		if len(text) < n || n >= maxHeaderBytes {
			return header{}, 0, fmt.Errorf("column %s: the header of the page at byte %d: %w", r.chunk.Path, at, err)
		}
	}
}

// checkHeader returns an error if a page's header has invalid values. body is the offset of the page after the header.
func (r *reader) checkHeader(h header, body int64) error {
	for _, n := range []int32{
		h.Uncompressed, h.Compressed, h.V1.V.Values, h.Dictionary.V.Values, h.V2.V.Values, h.V2.V.Nulls, h.V2.V.Rows,
		h.V2.V.DefinitionsBytes, h.V2.V.RepetitionsBytes,
	} {
		if n < 0 {
			return r.broken(body, errors.New("its header has a number below 0"))
		}
	}
	if size := int64(max(h.Uncompressed, h.Compressed)); size > r.limits.PageBytes {
		return &PageError{Column: r.chunk.Path, Bytes: size, Limit: r.limits.PageBytes}
	}
	if body+int64(h.Compressed) > r.end() {
		return r.broken(body, errors.New("it extends beyond the end of its column chunk"))
	}
	count := int64(max(h.V1.V.Values, h.V2.V.Values))
	if most := r.limits.maxValues(); count > most || h.Dictionary.V.Values > maxDictionary {
		return r.broken(body, fmt.Errorf("it has more than %d values", most))
	}
	return nil
}

func (r *reader) broken(at int64, err error) error {
	return fmt.Errorf("column %s: the page at byte %d is invalid: %w", r.chunk.Path, at, err)
}

// seek moves forward to the page that contains a row, or to a page before it.
func (r *reader) seek(row int64) {
	locations := r.chunk.Locations
	i := sort.Search(len(locations), func(i int) bool { return locations[i].FirstRowIndex > row }) - 1
	if i < 0 || locations[i].Offset <= r.at {
		return
	}
	r.at, r.row = locations[i].Offset, locations[i].FirstRowIndex
}

// skip moves past the pages that end before a row according to their headers. It does not decode them.
func (r *reader) skip(row int64) error {
	for r.row >= 0 && r.at < r.end() {
		h, size, err := r.header(r.at)
		if err != nil {
			return err
		}
		var rows int64
		switch {
		case h.Type == format.DictionaryPage:
			return nil
		case h.Type == format.DataPageV2:
			rows = int64(h.V2.V.Rows)
		case h.Type == format.DataPage && r.chunk.MaxRep == 0:
			rows = int64(h.V1.V.Values)
		default:
			return nil
		}
		if r.row+rows > row {
			return nil
		}
		r.row += rows
		r.at += size + int64(h.Compressed)
	}
	return nil
}

// next decodes the next page with values into p; it returns io.EOF after the last page.
func (r *reader) next(p *page) error {
	for {
		if r.at >= r.end() {
			return io.EOF
		}
		at := r.at
		h, size, err := r.header(at)
		if err != nil {
			return err
		}
		r.at += size + int64(h.Compressed)
		switch h.Type {
		case format.DictionaryPage:
			if err := r.readDictionary(at, h, size); err != nil {
				return err
			}
		case format.DataPage, format.DataPageV2:
			return r.load(p, at, h, size)
		default: // an index page; they are not used
		}
	}
}

// body returns the bytes of a page. They are valid until the next page.
func (r *reader) body(at int64, h header) ([]byte, error) {
	text, err := r.bytes(at, int(h.Compressed))
	if err != nil {
		return nil, err
	}
	if h.CRC != 0 && crc32.ChecksumIEEE(text) != uint32(h.CRC) {
		return nil, r.broken(at, errors.New("its checksum does not match"))
	}
	return text, nil
}

// load decodes the page at an offset.
func (r *reader) load(p *page, at int64, h header, size int64) error {
	text, err := r.body(at+size, h)
	if err != nil {
		return err
	}
	if !isDictionary(h) || r.dictionary != nil {
		return r.decode(p, at, h, text)
	}
	// The cursor jumped to this page, so the dictionary has not been read.
	first, n, err := r.header(r.chunk.Start)
	if err == nil && first.Type == format.DictionaryPage {
		err = r.readDictionary(r.chunk.Start, first, n)
	}
	if err == nil {
		text, err = r.body(at+size, h)
	}
	if err != nil {
		return err
	}
	return r.decode(p, at, h, text)
}

func (r *reader) decode(p *page, at int64, h header, text []byte) error {
	if err := p.read(r, h, text); err != nil {
		return r.broken(at, err)
	}
	if p.row = r.row; r.row >= 0 {
		r.row += p.rows()
	}
	return nil
}

// oldDictionary is the value that old writers use for format.RLEDictionary.
const oldDictionary format.Encoding = 2

func isDictionary(h header) bool {
	encoding := h.V1.V.Encoding
	if h.V2.Valid {
		encoding = h.V2.V.Encoding
	}
	return encoding == format.RLEDictionary || encoding == oldDictionary
}

func (r *reader) readDictionary(at int64, h header, size int64) error {
	if r.dictionary != nil {
		return nil
	}
	text, err := r.body(at+size, h)
	if err != nil {
		return err
	}
	plain := make([]byte, h.Uncompressed)
	if err := r.decompressor.fill(r.chunk.Codec, plain, text); err != nil {
		return r.broken(at, err)
	}
	dictionary := new(values)
	err = dictionary.read(r.chunk.Column, format.Plain, plain, int(h.Dictionary.V.Values), r.limits, nil)
	if err != nil {
		return r.broken(at, err)
	}
	r.dictionary = dictionary
	return nil
}
