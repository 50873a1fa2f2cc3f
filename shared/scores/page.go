package scores

import (
	"errors"
	"fmt"
	"io"

	"github.com/parquet-go/parquet-go"
	"github.com/parquet-go/parquet-go/encoding"
)

// A columnType reads the values of a column from a page, and converts them. If a column has a dictionary, only the
// values of the dictionary are converted, once for each page.
type columnType[T, U any] struct {
	take    func(encoding.Values) []T
	convert func(T) (U, error)
}

// A page is a decoded page. Its k-th value is entries[index[k]], or entries[k] if index is nil. The levels are those of
// Parquet. A required column has no levels.
type page[U any] struct {
	entries                []U
	index                  []int32
	repetition, definition []byte
}

func (p *page[U]) value(k int) U {
	if p.index != nil {
		k = int(p.index[k])
	}
	return p.entries[k]
}

// appendTo appends the values of a page of a flat column, with null for absent values.
func (p *page[U]) appendTo(out []U, null U) []U {
	switch {
	case p.definition == nil && p.index == nil:
		return append(out, p.entries...)
	case p.definition == nil:
		for _, i := range p.index {
			out = append(out, p.entries[i])
		}
		return out
	}
	next := 0
	for _, present := range p.definition {
		if present == 0 {
			out = append(out, null)
			continue
		}
		out = append(out, p.value(next))
		next++
	}
	return out
}

// appendLists appends the values of a page of a column of lists, and the start of each list.
func (p *page[U]) appendLists(starts []uint32, values []U) ([]uint32, []U) {
	next := 0
	for i, present := range p.definition {
		if p.repetition[i] == 0 {
			starts = append(starts, uint32(len(values)))
		}
		if present != 0 {
			values = append(values, p.value(next))
			next++
		}
	}
	return starts, values
}

func (k columnType[T, U]) decode(p parquet.Page) (*page[U], error) {
	out := &page[U]{repetition: p.RepetitionLevels(), definition: p.DefinitionLevels()}
	data := p.Data()
	if dictionary := p.Dictionary(); dictionary != nil {
		out.index = data.Int32()
		data = dictionary.Page().Data()
	}
	raw := k.take(data)
	out.entries = make([]U, len(raw))
	for i, v := range raw {
		var err error
		if out.entries[i], err = k.convert(v); err != nil {
			return nil, err
		}
	}
	for _, i := range out.index {
		if uint(i) >= uint(len(raw)) {
			return nil, fmt.Errorf("an index is %d, but the dictionary has %d values", i, len(raw))
		}
	}
	values := len(raw)
	if out.index != nil {
		values = len(out.index)
	}
	present := int(p.NumValues() - p.NumNulls())
	if present != values {
		return nil, fmt.Errorf("a page has %d values, but its header states %d", values, present)
	}
	return out, nil
}

// pages calls visit for each page of a leaf column.
func (k columnType[T, U]) pages(f *file, path []string, visit func(*page[U])) error {
	leaf, ok := f.Schema().Lookup(path...)
	if !ok {
		return fmt.Errorf("the column %s is missing", path[0])
	}
	for _, group := range f.RowGroups() {
		if err := k.chunk(group.ColumnChunks()[leaf.ColumnIndex], visit); err != nil {
			return fmt.Errorf("column %s: %w", path[0], err)
		}
	}
	return nil
}

func (k columnType[T, U]) chunk(chunk parquet.ColumnChunk, visit func(*page[U])) error {
	pages := chunk.Pages()
	defer pages.Close()
	for {
		p, err := pages.ReadPage()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		decoded, err := k.decode(p)
		if err == nil {
			visit(decoded)
		}
		parquet.Release(p)
		if err != nil {
			return err
		}
	}
}

// column returns a flat column, with one entry for each row of the file, and null for absent values.
func (k columnType[T, U]) column(f *file, name string, null U) ([]U, error) {
	out := make([]U, 0, f.rows)
	err := k.pages(f, []string{name}, func(p *page[U]) { out = p.appendTo(out, null) })
	if err != nil {
		return nil, err
	}
	if len(out) != f.rows {
		return nil, fmt.Errorf("column %s has %d rows, but the file has %d", name, len(out), f.rows)
	}
	return out, nil
}

// lists returns a column of lists, joined: the list of row i is values[starts[i]:starts[i+1]].
func (k columnType[T, U]) lists(f *file, name string) (starts []uint32, values []U, err error) {
	starts = make([]uint32, 0, f.rows+1)
	err = k.pages(f, []string{name, "list", "element"}, func(p *page[U]) {
		starts, values = p.appendLists(starts, values)
	})
	if err != nil {
		return nil, nil, err
	}
	starts = append(starts, uint32(len(values)))
	if len(starts) != f.rows+1 || starts[0] != 0 {
		return nil, nil, fmt.Errorf("column %s has %d rows, but the file has %d", name, len(starts)-1, f.rows)
	}
	return starts, values, nil
}

func takeInt32(v encoding.Values) []int32   { return v.Int32() }
func takeFloat(v encoding.Values) []float32 { return v.Float() }

// takeText copies the texts of a page to one string, because the buffer of the page is reused.
func takeText(v encoding.Values) []string {
	data, offsets := v.ByteArray()
	if len(offsets) == 0 {
		return nil
	}
	all := string(data)
	texts := make([]string, len(offsets)-1)
	for i := range texts {
		texts[i] = all[offsets[i]:offsets[i+1]]
	}
	return texts
}

func takePresence(v encoding.Values) []struct{} {
	_, offsets := v.ByteArray()
	return make([]struct{}, max(len(offsets)-1, 0))
}

func same[T any](v T) (T, error) { return v, nil }
