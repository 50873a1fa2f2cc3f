package scores

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"

	"github.com/parquet-go/parquet-go"
)

// A Repetition reports the rows of a file that repeat earlier rows.
type Repetition struct {
	File  string
	Count int
	ID    string // id of the first such row
	// Moved is set for rows with the id and the content of a row of an earlier file at another place. They are kept.
	Moved bool
}

// A RepeatedError reports two rows of one sample with different scores.
type RepeatedError struct {
	ID            string
	First, Second string // the files; they may be equal
	Detail        string // the difference
}

func (e *RepeatedError) Error() string {
	if e.First == e.Second {
		return fmt.Sprintf("%s: the sample %q has two rows with different scores (%s); remove one of the rows",
			e.First, e.ID, e.Detail)
	}
	return fmt.Sprintf("%s and %s: the sample %q has different scores in the two files (%s); remove one of the files",
		e.First, e.Second, e.ID, e.Detail)
}

// WithoutRepeated removes the rows of files of scores that repeat an earlier row. Two rows are of one sample if they
// have the same id, content, range and position. If their scores differ, the error is a *RepeatedError. A sample
// without scores may have scores in another file: then its row without scores is removed.
// WithoutRepeated returns the files that have other rows. In addition to the files, it needs 24 bytes of memory for
// each row. Its other errors are those of Read, with the name of the file.
func WithoutRepeated(names []string, files [][]byte) (kept [][]byte, repeated []Repetition, err error) {
	c := comparison{names: names, files: files, drop: make([][]int, len(files)), moved: make([][]int, len(files))}
	if err := c.dropFailed(); err != nil {
		return nil, nil, err
	}
	rows, err := c.rowKeys()
	if err != nil {
		return nil, nil, err
	}
	c.pairUp(rows)
	if err := c.compare(); err != nil {
		return nil, nil, err
	}
	for i, file := range files {
		if len(c.drop[i])+len(c.moved[i]) == 0 {
			kept = append(kept, file)
			continue
		}
		ids, err := ReadIDs(bytes.NewReader(file), int64(len(file)))
		if err != nil {
			return nil, nil, err
		}
		for at, rows := range [][]int{c.drop[i], c.moved[i]} {
			if slices.Sort(rows); len(rows) > 0 {
				repeated = append(repeated, Repetition{
					File: names[i], Count: len(rows), ID: ids[rows[0]], Moved: at == 1,
				})
			}
		}
		if len(c.drop[i]) == len(ids) {
			continue
		}
		if len(c.drop[i]) == 0 {
			kept = append(kept, file)
			continue
		}
		if file, err = without(file, c.drop[i]); err != nil {
			return nil, nil, err
		}
		kept = append(kept, file)
	}
	return kept, repeated, nil
}

// A comparison compares rows of the same sample. It has the columns of at most two files in memory.
type comparison struct {
	names   []string
	files   [][]byte
	pairs   [][2]rowKey
	drop    [][]int // the repeated rows of each file
	moved   [][]int // the rows of each file that an earlier file has at another place
	columns [2]*Columns
	loaded  [2]int // numbers of these files, from 1
}

func (c *comparison) compare() error {
	slices.SortFunc(c.pairs, func(a, b [2]rowKey) int {
		return cmp.Or(cmp.Compare(a[1].file, b[1].file), cmp.Compare(a[0].file, b[0].file),
			cmp.Compare(a[1].row, b[1].row))
	})
	for _, pair := range c.pairs {
		for side, key := range pair {
			if err := c.load(side, int(key.file)); err != nil {
				return err
			}
		}
		first, second := int(pair[0].row), int(pair[1].row)
		detail := difference(c.columns[0], c.columns[1], first, second)
		if detail == "" {
			c.drop[pair[1].file] = append(c.drop[pair[1].file], second)
			continue
		}
		file := c.files[pair[1].file]
		ids, err := ReadIDs(bytes.NewReader(file), int64(len(file)))
		if err != nil {
			return err
		}
		return &RepeatedError{ids[second], c.names[pair[0].file], c.names[pair[1].file], detail}
	}
	return nil
}

// load reads the columns of a file, unless they are loaded.
func (c *comparison) load(side, file int) (err error) {
	if c.loaded[side] == file+1 {
		return nil
	}
	data := c.files[file]
	c.loaded[side], c.columns[side] = file+1, nil
	c.columns[side], err = ReadColumns(bytes.NewReader(data), int64(len(data)), ColumnRequest{})
	return err
}

// difference describes the difference between the scores of two rows; it is empty if they are equal.
func difference(a, b *Columns, i, j int) string {
	switch {
	case !slices.Equal(a.Capabilities, b.Capabilities):
		return "the files have different capabilities"
	case a.Status[i] != b.Status[j]:
		return fmt.Sprintf("status %s and %s", a.Status[i], b.Status[j])
	}
	for c, name := range a.Capabilities {
		if x, y := a.Ratings[c][i], b.Ratings[c][j]; x != y {
			return fmt.Sprintf("rating of %s: %s and %s", name, ratingText(x), ratingText(y))
		}
		if a.Expected[c][i] != b.Expected[c][j] {
			return "expected score of " + name
		}
	}
	if x, y := a.stylesOf(i), b.stylesOf(j); !slices.Equal(x, y) {
		return fmt.Sprintf("styles %q and %q", x, y)
	}
	return ""
}

func (c *Columns) stylesOf(row int) (names []string) {
	for _, style := range c.Style[c.StyleStart[row]:c.StyleStart[row+1]] {
		names = append(names, c.StyleNames[style])
	}
	return names
}

func ratingText(rating int8) string {
	if rating < 0 {
		return "none"
	}
	return strconv.Itoa(int(rating))
}

// without returns a file without some of its rows, which are in ascending order.
func without(data []byte, drop []int) (out []byte, err error) {
	defer recoverBad("removing rows of scores", &err)
	f, err := open(bytes.NewReader(data), int64(len(data)))
	if err != nil {
		return nil, err
	}
	var file bytes.Buffer
	w, err := NewWriter(&file, f.capabilities)
	if err != nil {
		return nil, err
	}
	at := 0
	for _, group := range f.RowGroups() {
		if at, err = copyRows(w, group, at, drop); err != nil {
			return nil, err
		}
	}
	if err := w.Close(); err != nil {
		return nil, err
	}
	return file.Bytes(), nil
}

// copyRows copies the rows of a row group, without those in drop. The group begins at the row `at` of the file.
// copyRows returns the first row after the group.
func copyRows(w *Writer, group parquet.RowGroup, at int, drop []int) (int, error) {
	rows := group.Rows()
	defer rows.Close()
	batch := make([]parquet.Row, batchRows)
	for {
		n, err := rows.ReadRows(batch)
		left := make([]parquet.Row, 0, n)
		for _, row := range batch[:n] {
			if _, dropped := slices.BinarySearch(drop, at); !dropped {
				left = append(left, row)
			}
			at++
		}
		if _, err := w.file.WriteRows(left); err != nil {
			return at, err
		}
		if errors.Is(err, io.EOF) {
			return at, nil
		} else if err != nil {
			return at, err
		}
	}
}
