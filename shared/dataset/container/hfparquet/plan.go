package hfparquet

import (
	"errors"
	"io"

	"github.com/harvest-ml/harvest/shared/dataset"
	"github.com/harvest-ml/harvest/shared/dataset/container/hfparquet/pages"
)

// spans divides the rows into ranges of about rangeBytes of the file: whole row groups, or parts of a larger row group.
// The positions of single rows are not known, so all rows of a row group are assumed to have the same size.
func (f *file) spans(rangeBytes int64) []dataset.Span {
	spans := []dataset.Span{}
	open := false // whether the last span has room for another row group
	for _, g := range f.groups {
		if parts := min((g.bytes+rangeBytes-1)/rangeBytes, g.rows); parts > 1 {
			spans, open = append(spans, g.split(parts)...), false
			continue
		}
		if last := len(spans) - 1; open && spans[last].End-spans[last].Start+g.bytes <= rangeBytes {
			spans[last].End += g.bytes
			spans[last].Records += g.rows
			continue
		}
		start := g.start
		if last := len(spans) - 1; last >= 0 {
			start = max(start, spans[last].End)
		}
		spans = append(spans, dataset.Span{
			Start: start, End: start + g.bytes, Records: g.rows, FirstElement: g.first + 1,
		})
		open = true
	}
	return spans
}

// split divides the rows of a row group into this number of parts.
func (g group) split(parts int64) []dataset.Span {
	spans := make([]dataset.Span, 0, parts)
	for i := range parts {
		from, to := share(g.rows, i, parts), share(g.rows, i+1, parts)
		spans = append(spans, dataset.Span{
			Start: g.start + share(g.bytes, i, parts), End: g.start + share(g.bytes, i+1, parts), Records: to - from,
			FirstElement: g.first + from + 1,
		})
	}
	return spans
}

// share computes n·i/parts without overflow.
func share(n, i, parts int64) int64 { return n/parts*i + n%parts*i/parts }

// checkPages returns an error if a page is larger than the limit. It does not read the header of each page. It uses the
// size of the column chunk, its offset index or, if there is none, its first pages. So it may miss a large page.
func (f *file) checkPages() error {
	limits := pages.Limits{PageBytes: maxPageBytes, RowBytes: maxRowBytes}
	var large []chunk
	for _, g := range f.groups {
		for _, c := range g.chunks {
			if max(c.Size, c.unpacked) > limits.PageBytes {
				large = append(large, c)
			}
		}
	}
	indexes, err := f.indexes(large)
	if err != nil {
		return err
	}
	for _, c := range large {
		if c.index.length > 0 {
			if c.Locations, err = locations(indexes, c); err != nil {
				return err
			}
		}
		var page *pages.PageError
		if err := pages.Probe(f.in, c.Chunk, limits); errors.As(err, &page) {
			return &dataset.FormatError{Detail: page.Error(), Command: pages.Rewrite}
		} else if err != nil {
			return err
		}
	}
	return nil
}

// indexes returns a reader of the file that has the offset indexes of chunks in memory. Writers put the indexes next to
// each other. If they are too far apart, indexes returns the file unchanged.
func (f *file) indexes(chunks []chunk) (io.ReaderAt, error) {
	var start, end int64
	for _, c := range chunks {
		if c.index.length == 0 {
			continue
		}
		if end == 0 {
			start = c.index.offset
		}
		start, end = min(start, c.index.offset), max(end, c.index.offset+c.index.length)
	}
	if end-start > maxIndexBytes {
		return f.in, nil
	}
	text, err := readAt(f.in, start, end-start)
	return &prefetched{ReaderAt: f.in, start: start, text: text}, err
}

// A prefetched is a file of which some bytes are in memory.
type prefetched struct {
	io.ReaderAt
	start int64
	text  []byte
}

// ReadAt reads from memory if all requested bytes are there.
func (p *prefetched) ReadAt(b []byte, offset int64) (int, error) {
	if at := offset - p.start; at >= 0 && at+int64(len(b)) <= int64(len(p.text)) {
		return copy(b, p.text[at:]), nil
	}
	return p.ReaderAt.ReadAt(b, offset)
}
