package scores

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"hash/maphash"
	"io"
	"slices"
	"strconv"

	"github.com/parquet-go/parquet-go"
)

// A Repetition reports the rows of a file that repeat rows of earlier files.
type Repetition struct {
	File  string
	Count int
	ID    string // id of the first such row
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

// WithoutRepeated removes the rows of several files of scores that repeat an earlier row. Two rows are of one sample if
// they have the same id, content, range and position. If their scores differ, the error is a *RepeatedError. A sample
// without scores may have scores in another file: then its row without scores is removed.
// WithoutRepeated returns the files that have other rows. In addition to the files, it needs 16 bytes of memory for
// each row. Its other errors are those of Read, with the name of the file.
func WithoutRepeated(names []string, files [][]byte) (kept [][]byte, repeated []Repetition, err error) {
	c := comparison{names: names, files: files, drop: make([][]int, len(files))}
	if err := c.dropFailed(); err != nil {
		return nil, nil, err
	}
	rows, err := c.rowKeys()
	if err != nil {
		return nil, nil, err
	}
	first := 0
	for i := range rows {
		if rows[i].hash != rows[first].hash {
			first = i
		} else if i > first {
			c.pairs = append(c.pairs, [2]rowKey{rows[first], rows[i]})
		}
	}
	if err := c.compare(); err != nil {
		return nil, nil, err
	}
	for i, file := range files {
		if len(c.drop[i]) == 0 {
			kept = append(kept, file)
			continue
		}
		slices.Sort(c.drop[i])
		ids, err := ReadIDs(bytes.NewReader(file), int64(len(file)))
		if err != nil {
			return nil, nil, err
		}
		repeated = append(repeated, Repetition{File: names[i], Count: len(c.drop[i]), ID: ids[c.drop[i][0]]})
		if len(c.drop[i]) == len(ids) {
			continue
		}
		if file, err = without(file, c.drop[i]); err != nil {
			return nil, nil, err
		}
		kept = append(kept, file)
	}
	return kept, repeated, nil
}

// A rowKey is a row of a file, with a hash of its sample.
type rowKey struct {
	hash      uint64
	file, row uint32
}

// rowKeys returns all rows that are not dropped, ordered by the hash, and then by their place.
func (c *comparison) rowKeys() (rows []rowKey, err error) {
	seed := maphash.MakeSeed()
	for number, file := range c.files {
		hashes, _, err := sampleHashes(file, seed, "content")
		if err != nil {
			return nil, fmt.Errorf("%s: %w", c.names[number], err)
		}
		rows = slices.Grow(rows, len(hashes))
		for i, hash := range hashes {
			if _, dropped := slices.BinarySearch(c.drop[number], i); !dropped {
				rows = append(rows, rowKey{hash, uint32(number), uint32(i)})
			}
		}
	}
	slices.SortFunc(rows, func(a, b rowKey) int {
		return cmp.Or(cmp.Compare(a.hash, b.hash), cmp.Compare(a.file, b.file), cmp.Compare(a.row, b.row))
	})
	return rows, nil
}

// dropFailed drops the rows without scores of samples that another row has scores of. The images of such a sample were
// perhaps not found, so the contents of the two rows may differ: the signature of the text is compared.
func (c *comparison) dropFailed() error {
	seed := maphash.MakeSeed()
	var failed []rowKey
	for number, file := range c.files {
		some, err := hasFailed(file)
		if err != nil {
			return fmt.Errorf("%s: %w", c.names[number], err)
		} else if !some {
			continue
		}
		hashes, status, err := sampleHashes(file, seed, "text_signature")
		if err != nil {
			return fmt.Errorf("%s: %w", c.names[number], err)
		}
		for i, hash := range hashes {
			if status[i] != OK {
				failed = append(failed, rowKey{hash, uint32(number), uint32(i)})
			}
		}
	}
	if len(failed) == 0 {
		return nil
	}
	scored := make(map[uint64]bool, len(failed)) // of the failed samples alone
	for _, key := range failed {
		scored[key.hash] = false
	}
	for number, file := range c.files {
		hashes, status, err := sampleHashes(file, seed, "text_signature")
		if err != nil {
			return fmt.Errorf("%s: %w", c.names[number], err)
		}
		for i, hash := range hashes {
			if _, asked := scored[hash]; asked && status[i] == OK {
				scored[hash] = true
			}
		}
	}
	for _, key := range failed {
		if scored[key.hash] {
			c.drop[key.file] = append(c.drop[key.file], int(key.row))
		}
	}
	return nil
}

// hasFailed reports whether a file has a row without scores. It reads only the column of statuses.
func hasFailed(file []byte) (some bool, err error) {
	defer recoverBad("reading statuses of scores", &err)
	f, err := open(bytes.NewReader(file), int64(len(file)))
	if err != nil {
		return false, err
	}
	status, err := statuses.column(f, "status", 0)
	return slices.ContainsFunc(status, func(s Status) bool { return s != OK }), err
}

// sampleHashes returns a hash of the sample of each row of a file, which depends on the id, the place and one more
// column, and the status of each row.
func sampleHashes(file []byte, seed maphash.Seed, column string) (hashes []uint64, status []Status, err error) {
	defer recoverBad("reading samples of scores", &err)
	f, err := open(bytes.NewReader(file), int64(len(file)))
	if err != nil {
		return nil, nil, err
	}
	status, failedStatus := statuses.column(f, "status", 0)
	ids, failedIDs := texts.column(f, "id", "")
	contents, failedContents := texts.column(f, column, "")
	ranges, failedRanges := integers.column(f, "range_index", 0)
	positions, failedPositions := integers.column(f, "position", 0)
	if err := errors.Join(failedStatus, failedIDs, failedContents, failedRanges, failedPositions); err != nil {
		return nil, nil, err
	}
	hashes = make([]uint64, len(ids))
	var text []byte
	for i, id := range ids {
		text = append(append(append(text[:0], id...), 0), contents[i]...)
		text = strconv.AppendInt(append(text, 0), int64(ranges[i]), 10)
		text = strconv.AppendInt(append(text, 0), int64(positions[i]), 10)
		hashes[i] = maphash.Bytes(seed, text)
	}
	return hashes, status, nil
}

// A comparison compares rows of the same sample. It has the columns of at most two files in memory.
type comparison struct {
	names   []string
	files   [][]byte
	pairs   [][2]rowKey
	drop    [][]int // the repeated rows of each file
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
