package reference

import (
	"context"
	"fmt"
	"io"
	"runtime"

	"golang.org/x/sync/errgroup"
)

// Write writes the items at these positions in the pool, given in any order. The result is a JSON array in the
// manifest's order. It equals byte for byte what the reference writes by Python's json.dump(items, indent=2,
// ensure_ascii=False), without a line break at the end. Write reads the manifest again, but only the pieces with
// selected items. It returns an error if a position is not in the pool, if w fails, or if a selected item is not JSON.
// The last error has the number and the idx of the item.
func (d *Data) Write(ctx context.Context, w io.Writer, samples []uint32) error {
	m := d.manifest
	selected := make([]bool, m.rows.len())
	for _, row := range samples {
		if int64(row) >= int64(len(selected)) {
			return fmt.Errorf("writing the subset: the pool has no sample %d, only %d samples", row, len(selected))
		}
		selected[row] = true
	}
	if err := m.writeItems(ctx, w, selected); err != nil {
		return fmt.Errorf("writing the subset of %s: %w", m.name, err)
	}
	return nil
}

// pieceBytes is the size of a piece of the manifest that is read and converted at a time.
const pieceBytes = 2 << 20

// A piece is a run of consecutive items of the manifest.
type piece struct {
	first, end int         // rows
	text       chan []byte // receives the converted items, each after a comma
}

// writeItems converts pieces on all processors, and writes them in order.
func (m *manifest) writeItems(ctx context.Context, w io.Writer, selected []bool) error {
	var (
		workers = runtime.GOMAXPROCS(0)
		todo    = make(chan piece)
		inOrder = make(chan piece, 2*workers)
	)
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error {
		defer close(todo)
		defer close(inOrder)
		for next := m.piece(selected, 0); next.first < next.end; next = m.piece(selected, next.end) {
			for _, queue := range []chan<- piece{inOrder, todo} {
				select {
				case queue <- next:
				case <-ctx.Done():
					return ctx.Err()
				}
			}
		}
		return nil
	})
	for range workers {
		group.Go(func() error {
			var read []byte
			for piece := range todo {
				text, err := m.convert(piece, selected, &read)
				if err != nil {
					return err
				}
				piece.text <- text
			}
			return nil
		})
	}
	group.Go(func() error {
		end := "[]"
		for piece := range inOrder {
			select {
			case text := <-piece.text:
				if end == "[]" {
					text[0], end = '[', "\n]"
				}
				if _, err := w.Write(text); err != nil {
					return err
				}
			case <-ctx.Done():
				return ctx.Err()
			}
		}
		if err := ctx.Err(); err != nil {
			return err // the pieces may have ended early
		}
		_, err := io.WriteString(w, end)
		return err
	})
	return group.Wait()
}

// piece returns the next piece at or after a row. It begins with a selected item, and is empty if no selected item is
// left.
func (m *manifest) piece(selected []bool, row int) piece {
	for row < len(selected) && !selected[row] {
		row++
	}
	next := piece{first: row, end: row, text: make(chan []byte, 1)}
	for i := row; i < len(selected) && (i == row || m.start[i+1]-m.start[row] <= pieceBytes); i++ {
		if selected[i] {
			next.end = i + 1
		}
	}
	return next
}

// convert reads a piece into *read, and returns its selected items as Python writes them.
func (m *manifest) convert(piece piece, selected []bool, read *[]byte) ([]byte, error) {
	offset := m.start[piece.first]
	size := int(m.start[piece.end] - offset)
	if cap(*read) < size {
		*read = make([]byte, size)
	}
	src := (*read)[:size]
	if _, err := m.file.ReadAt(src, offset); err != nil {
		return nil, fmt.Errorf("at byte %d: %w", offset, err)
	}
	// Python's indents make short items about a third longer.
	p := python{out: make([]byte, 0, size+size/2)}
	for row := piece.first; row < piece.end; row++ {
		if !selected[row] {
			continue
		}
		p.out = append(p.out, ',')
		p.line(1)
		p.src = src[m.start[row]-offset : m.start[row+1]-offset]
		if err := p.value(1); err != nil {
			return nil, fmt.Errorf("item %d, idx %s, at byte %d: %w", row+1, m.rows.at(row), m.start[row], err)
		}
	}
	return p.out, nil
}
