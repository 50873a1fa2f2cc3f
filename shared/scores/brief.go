package scores

import (
	"errors"
	"fmt"
	"io"
	"math"
	"sort"

	"github.com/harvest-ml/harvest/shared/scores/reason"
	"github.com/harvest-ml/harvest/shared/selection"
	"github.com/parquet-go/parquet-go"
)

// A Brief has the data of a sample for a list of samples.
type Brief struct {
	ID, Source string
	Status     Status
	Code       reason.Code // empty if the sample can be selected
	Styles     []string
	// Ratings has a rating for each of the file's capabilities, in order. A missing rating is selection.Missing.
	Ratings []int8
}

// ReadBriefs reads some rows of a file. rows must be in ascending order. It reads only the pages that have these rows.
// Its errors are those of Read.
func ReadBriefs(r io.ReaderAt, size int64, rows []int) (briefs []Brief, err error) {
	defer recoverBad("reading rows of scores", &err)
	f, err := open(r, size, parquet.SkipPageIndex(false))
	if err != nil {
		return nil, err
	}
	if n := len(rows); n > 0 && (!sort.IntsAreSorted(rows) || rows[0] < 0 || rows[n-1] >= f.rows) {
		return nil, fmt.Errorf("rows %v are not in ascending order, or not in the file of %d rows", rows, f.rows)
	}
	briefs = make([]Brief, len(rows))
	ids, errID := texts.at(f, "id", rows, "")
	sources, errSource := texts.at(f, "source", rows, "")
	status, errStatus := statuses.at(f, "status", rows, 0)
	why, errCode := codes.at(f, "reason_code", rows, "")
	styles, errStyles := texts.listsAt(f, "styles", rows)
	if err := errors.Join(errID, errSource, errStatus, errCode, errStyles); err != nil {
		return nil, err
	}
	for i := range briefs {
		briefs[i] = Brief{ID: ids[i], Source: sources[i], Status: status[i], Code: why[i], Styles: styles[i]}
	}
	for _, capability := range f.capabilities {
		rated, err := ratings.at(f, ratingColumn(capability), rows, selection.Missing)
		if err != nil {
			return nil, err
		}
		for i, rating := range rated {
			briefs[i].Ratings = append(briefs[i].Ratings, rating)
		}
	}
	return briefs, nil
}

// ReadRating reads only the ratings for one capability. A missing rating is selection.Missing. Its errors are those of
// Read.
func ReadRating(r io.ReaderAt, size int64, capability string) (rated []int8, err error) {
	defer recoverBad("reading ratings of scores", &err)
	f, err := open(r, size)
	if err != nil {
		return nil, err
	}
	return ratings.column(f, ratingColumn(capability), selection.Missing)
}

// Names has the different values of a column, in the order of their first appearance. If another column is read with
// the same Names, its values are added.
type Names []string

// ReadSources reads only the source of each row, as an index into names. Its errors are those of Read.
func ReadSources(r io.ReaderAt, size int64, names *Names) ([]uint32, error) {
	return readNames(r, size, "source", names)
}

// ReadStatuses reads only the status of each row, as the index of its text into names. Its errors are those of Read.
func ReadStatuses(r io.ReaderAt, size int64, names *Names) ([]uint32, error) {
	return readNames(r, size, "status", names)
}

// ReadCodes reads only the reason code of each row, as an index into names. Its errors are those of Read.
func ReadCodes(r io.ReaderAt, size int64, names *Names) ([]uint32, error) {
	return readNames(r, size, "reason_code", names)
}

func readNames(r io.ReaderAt, size int64, column string, names *Names) (indexes []uint32, err error) {
	defer recoverBad("reading a column of scores", &err)
	f, err := open(r, size)
	if err != nil {
		return nil, err
	}
	return namesIn((*[]string)(names)).column(f, column, 0)
}

// ReadStyles reads only the styles of each row: indexes[starts[i]:starts[i+1]] are the indexes of row i into names. Its
// errors are those of Read.
func ReadStyles(r io.ReaderAt, size int64, names *Names) (starts, indexes []uint32, err error) {
	defer recoverBad("reading styles of scores", &err)
	f, err := open(r, size)
	if err != nil {
		return nil, nil, err
	}
	return namesIn((*[]string)(names)).lists(f, "styles")
}

// at returns the values of a flat column in some rows of the file, with null for absent values.
func (k columnType[T, U]) at(f *file, name string, rows []int, null U) ([]U, error) {
	out := make([]U, 0, len(rows))
	err := k.pagesOf(f, []string{name}, rows, func(p *page[U], wanted []int) error {
		values := p.appendTo(nil, null)
		for _, row := range wanted {
			if row >= len(values) {
				return fmt.Errorf("a page has only %d rows, fewer than the file states", len(values))
			}
			out = append(out, values[row])
		}
		return nil
	})
	return out, err
}

// listsAt returns the lists of a column in some rows of the file.
func (k columnType[T, U]) listsAt(f *file, name string, rows []int) ([][]U, error) {
	out := make([][]U, 0, len(rows))
	err := k.pagesOf(f, []string{name, "list", "element"}, rows, func(p *page[U], wanted []int) error {
		starts, values := p.appendLists(nil, nil)
		starts = append(starts, uint32(len(values)))
		for _, row := range wanted {
			if row >= len(starts)-1 {
				return fmt.Errorf("a page has only %d rows, fewer than the file states", len(starts)-1)
			}
			out = append(out, values[starts[row]:starts[row+1]:starts[row+1]])
		}
		return nil
	})
	return out, err
}

// pagesOf calls visit for each page of a leaf column that has requested rows. The page begins at the first requested
// row. visit also gets the numbers of the requested rows in the page.
func (k columnType[T, U]) pagesOf(f *file, path []string, rows []int, visit func(*page[U], []int) error) error {
	leaf, ok := f.Schema().Lookup(path...)
	if !ok {
		return fmt.Errorf("the column %s is missing", path[0])
	}
	first := 0
	for _, group := range f.RowGroups() {
		next := first + int(group.NumRows())
		inGroup := rows[:sort.SearchInts(rows, next)]
		rows = rows[len(inGroup):]
		if err := k.chunkOf(group.ColumnChunks()[leaf.ColumnIndex], first, inGroup, visit); err != nil {
			return fmt.Errorf("column %s: %w", path[0], err)
		}
		first = next
	}
	return nil
}

// chunkOf does the same as pagesOf for one chunk. The chunk begins at row number first.
func (k columnType[T, U]) chunkOf(
	chunk parquet.ColumnChunk, first int, rows []int, visit func(*page[U], []int) error,
) error {
	if len(rows) == 0 {
		return nil
	}
	pages := chunk.Pages()
	defer pages.Close()
	for len(rows) > 0 {
		at := rows[0]
		if err := pages.SeekToRow(int64(at - first)); err != nil {
			return err
		}
		p, err := pages.ReadPage()
		if err != nil {
			return err
		}
		inPage := rows[:sort.SearchInts(rows, at+int(p.NumRows()))]
		if rows = rows[len(inPage):]; len(inPage) == 0 {
			return errors.New("a page has no rows")
		}
		wanted := make([]int, len(inPage))
		for i, row := range inPage {
			wanted[i] = row - at
		}
		decoded, err := k.decode(p.Slice(0, int64(wanted[len(wanted)-1]+1)))
		if err == nil {
			err = visit(decoded, wanted)
		}
		parquet.Release(p)
		if err != nil {
			return err
		}
	}
	return nil
}

// ReadSureness reads only the mass and the margin of each row for a capability (see Record). A missing value is NaN.
// Its errors are those of Read.
func ReadSureness(r io.ReaderAt, size int64, capability string) (mass, margin []float32, err error) {
	defer recoverBad("reading masses and margins of scores", &err)
	f, err := open(r, size)
	if err != nil {
		return nil, nil, err
	}
	if mass, err = probabilities.column(f, massColumn(capability), float32(math.NaN())); err != nil {
		return nil, nil, err
	}
	margin, err = probabilities.column(f, marginColumn(capability), float32(math.NaN()))
	return mass, margin, err
}
