package pages

import (
	"cmp"
	"errors"
	"fmt"
	"io"
)

// An Entry is one value of a row in a column, or a null.
type Entry struct {
	// Rep is the level of the list that this entry continues, from 1 for the outermost list; 0 for the first entry of a
	// row. Def is the number of optional or repeated levels that are present: Column.MaxDef for a value that is not null.
	Rep, Def byte
	// Value has Parquet's encoding PLAIN, without a length; nil for a null. A boolean is one byte.
	Value []byte
}

// A Cursor reads a column of one row group, row by row. It keeps one page in memory. It is not safe for concurrent use.
type Cursor struct {
	reader reader
	page   page
	row    int64 // number of the next row in the chunk
}

// NewCursor returns a cursor for a file. Call Open before reading.
func NewCursor(in io.ReaderAt, limits Limits) *Cursor {
	return &Cursor{reader: reader{in: in, limits: limits}}
}

// Open moves to the first row of a chunk. It reuses the memory of earlier chunks. It fails if the offset index
// contradicts the chunk.
func (c *Cursor) Open(chunk Chunk) error {
	c.row, c.page.next, c.page.n = 0, 0, 0
	return c.reader.open(chunk)
}

// At returns the number, in the chunk, of the row that Row reads next.
func (c *Cursor) At() int64 { return c.row }

// SeekToRow moves to a row of the chunk that is not before the current row. Pages before the row are not decoded if
// there is an offset index, or if each row has one value.
func (c *Cursor) SeekToRow(row int64) error {
	if row < c.row || row > c.reader.chunk.Rows {
		return fmt.Errorf("column %s: cannot move to row %d of %d from row %d", c.reader.chunk.Path, row,
			c.reader.chunk.Rows, c.row)
	}
	for c.row < row {
		if c.page.next < c.page.n {
			if err := c.pass(false); err != nil {
				return err
			}
			continue
		}
		before := c.reader.at
		c.reader.seek(row)
		if err := c.reader.skip(row); err != nil {
			return err
		}
		if c.reader.row >= 0 && c.reader.at > before {
			c.row = c.reader.row
		}
		if c.row < row {
			if err := c.load(false); err != nil {
				return err
			}
		}
	}
	return nil
}

// pass skips a row, or the rest of a row that has begun.
func (c *Cursor) pass(begun bool) error {
	for ; ; begun = true {
		if c.page.next == c.page.n {
			if begun && c.rowEnds() {
				break
			}
			if err := c.load(false); err != nil {
				return err
			}
		}
		rep, def := c.page.levels()
		if begun && rep == 0 {
			break
		}
		c.page.advance(def)
	}
	c.row++
	return nil
}

// Row appends the next row's entries to entries. They are valid until the next call of the cursor. After the last row
// it returns io.EOF. After a *RowError, the next row can be read.
func (c *Cursor) Row(entries []Entry) ([]Entry, error) {
	start, size := len(entries), int64(0)
	if c.row >= c.reader.chunk.Rows {
		return nil, io.EOF
	}
	for {
		if c.page.next == c.page.n {
			begun := len(entries) > start
			if begun && c.rowEnds() {
				break
			}
			if err := c.load(begun); err != nil {
				return nil, err
			}
		}
		rep, def := c.page.levels()
		switch begun := len(entries) > start; {
		case begun && rep == 0:
			c.row++
			return entries, nil
		case !begun && rep != 0:
			return nil, fmt.Errorf("column %s: row %d begins inside a list", c.reader.chunk.Path, c.row)
		}
		entry := Entry{Rep: rep, Def: def}
		if def == c.page.column.MaxDef {
			entry.Value = c.page.values.at(c.page.nextValue)
		}
		c.page.advance(def)
		size += int64(len(entry.Value))
		if size > c.reader.limits.RowBytes || len(entries)-start == maxRowValues {
			large := &RowError{Column: c.reader.chunk.Path, Row: c.row, Limit: c.reader.limits.RowBytes}
			return nil, cmp.Or[error](c.pass(true), large)
		}
		entries = append(entries, entry)
	}
	c.row++
	return entries, nil
}

// rowEnds reports whether a row certainly ends with the current page. It does in three cases: each row has one entry;
// the page is the last of the chunk; or there is an offset index, because then each page ends with a row.
func (c *Cursor) rowEnds() bool {
	chunk := c.reader.chunk
	return chunk.MaxRep == 0 || c.reader.at >= c.reader.end() || len(chunk.Locations) > 0
}

// load reads the next page. keep is true if entries of the current page are still needed.
func (c *Cursor) load(keep bool) error {
	for {
		c.page.keep = keep
		err := c.reader.next(&c.page)
		if errors.Is(err, io.EOF) {
			err = fmt.Errorf("column %s ends before its row %d: %w", c.reader.chunk.Path, c.row, io.ErrUnexpectedEOF)
		}
		if err != nil || c.page.n > 0 {
			return err
		}
	}
}

// levels returns the levels of the next entry.
func (p *page) levels() (rep, def byte) {
	if p.reps != nil {
		rep = p.reps[p.next]
	}
	if p.defs != nil {
		def = p.defs[p.next]
	}
	return rep, def
}

// advance skips the next entry, whose definition level is def.
func (p *page) advance(def byte) {
	p.next++
	if def == p.column.MaxDef {
		p.nextValue++
	}
}
