package pages

import (
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/parquet-go/parquet-go/format"
)

// A page has decoded values and their levels.
type page struct {
	column     *Column
	n          int    // entries
	reps, defs []byte // levels of the entries; nil if the column has no such levels
	values     values
	row        int64 // number, in the chunk, of the page's first row; -1 if it is not known
	next       int   // entry to read next
	nextValue  int   // value to read next
	keep       bool  // whether the bytes are still needed after the next page is read
}

// rows returns the number of rows that begin in the page.
func (p *page) rows() int64 {
	if p.reps == nil {
		return int64(p.n)
	}
	rows := int64(0)
	for _, rep := range p.reps {
		if rep == 0 {
			rows++
		}
	}
	return rows
}

// read decodes a page.
func (p *page) read(r *reader, h header, text []byte) error {
	if p.keep {
		r.buffer = nil
		*p = page{}
	}
	p.column, p.next, p.nextValue = r.chunk.Column, 0, 0
	switch {
	case h.Type == format.DataPage && h.V1.Valid:
		return p.readV1(r, h, text)
	case h.Type == format.DataPageV2 && h.V2.Valid:
		return p.readV2(r, h, text)
	}
	return errors.New("its header lacks the fields for its kind")
}

func (p *page) readV1(r *reader, h header, text []byte) (err error) {
	plain, err := r.plain(h.Uncompressed, text, true)
	if err != nil {
		return err
	}
	p.n = int(h.V1.V.Values)
	if p.reps, plain, err = levelsV1(p.reps, plain, h.V1.V.Repetitions, p.column.MaxRep, p.n); err != nil {
		return err
	}
	if p.defs, plain, err = levelsV1(p.defs, plain, h.V1.V.Definitions, p.column.MaxDef, p.n); err != nil {
		return err
	}
	return p.values.read(p.column, h.V1.V.Encoding, plain, p.present(), r.limits, r.dictionary)
}

func (p *page) readV2(r *reader, h header, text []byte) (err error) {
	repBytes, defBytes := int(h.V2.V.RepetitionsBytes), int(h.V2.V.DefinitionsBytes)
	levels := repBytes + defBytes
	if levels > len(text) || levels > int(h.Uncompressed) {
		return errCut
	}
	p.n = int(h.V2.V.Values)
	if p.reps, err = levelsV2(p.reps, text[:repBytes], p.column.MaxRep, p.n); err != nil {
		return err
	}
	if p.defs, err = levelsV2(p.defs, text[repBytes:levels], p.column.MaxDef, p.n); err != nil {
		return err
	}
	compressed := !h.V2.V.IsCompressed.Valid || h.V2.V.IsCompressed.V
	plain, err := r.plain(h.Uncompressed-int32(levels), text[levels:], compressed)
	if err != nil {
		return err
	}
	if p.reps != nil && p.n > 0 && p.reps[0] != 0 {
		return errors.New("it begins in the middle of a row, which is not allowed in this version of pages")
	}
	if int64(h.V2.V.Rows) != p.rows() {
		return errors.New("its number of rows differs from its header")
	}
	return p.values.read(p.column, h.V2.V.Encoding, plain, p.present(), r.limits, r.dictionary)
}

// plain decompresses a page to size bytes. The next page reuses the buffer.
func (r *reader) plain(size int32, text []byte, compressed bool) ([]byte, error) {
	codec := r.chunk.Codec
	if !compressed {
		codec = format.Uncompressed
	}
	r.buffer = grow(r.buffer, int(size))
	if size == 0 && len(text) == 0 {
		return r.buffer, nil // some writers leave an empty page uncompressed
	}
	return r.buffer, r.decompressor.fill(codec, r.buffer, text)
}

// present returns the number of values that are not null.
func (p *page) present() int {
	if p.defs == nil {
		return p.n
	}
	n := 0
	for _, def := range p.defs {
		if def == p.column.MaxDef {
			n++
		}
	}
	return n
}

func levelsV1(dst, src []byte, encoding format.Encoding, most byte, n int) (levels, rest []byte, err error) {
	if most == 0 {
		return nil, src, nil
	}
	if encoding != format.RLE {
		return nil, nil, fmt.Errorf("levels in the encoding %s are not supported", encoding)
	}
	if len(src) < 4 {
		return nil, nil, errCut
	}
	length := uint64(binary.LittleEndian.Uint32(src))
	if length > uint64(len(src)-4) {
		return nil, nil, errCut
	}
	levels, err = readLevels(dst, src[4:4+length], most, n)
	return levels, src[4+length:], err
}

func levelsV2(dst, src []byte, most byte, n int) ([]byte, error) {
	if most == 0 {
		return nil, nil
	}
	return readLevels(dst, src, most, n)
}
