// Package external reads numbers of samples that other programs gave: files of an id and numeric columns, as Parquet,
// CSV or JSON lines, and the numeric fields of records.
package external

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"iter"
	"math"
	"slices"
	"strconv"
	"strings"
)

// MaxBytes is the largest file.
const MaxBytes = 1 << 30

// idColumn is the name of the column of ids.
const idColumn = "id"

// A Table has the numbers of a file.
type Table struct {
	IDs   []string // of each row, none twice
	Names []string // of the columns, in the order of the file
	// Values holds a column for each name, and in it a number for each row: NaN where there is none.
	Values [][]float64
}

// An Error is a fault of a file's content.
type Error struct{ text string }

func (e *Error) Error() string { return e.text }

func fault(format string, args ...any) error { return &Error{fmt.Sprintf(format, args...)} }

// Parse reads a file whole: Parquet, JSON lines or CSV, as its content says. It has a column id, of texts or whole
// numbers, and one column of numbers at least; columns of other values are passed over. An error is an *Error.
func Parse(data []byte) (*Table, error) {
	var t *Table
	var err error
	switch trimmed := bytes.TrimSpace(bytes.TrimPrefix(data, []byte("\xef\xbb\xbf"))); {
	case bytes.HasPrefix(data, []byte("PAR1")):
		t, err = parseParquet(data)
	case len(trimmed) == 0:
		return nil, fault("it is empty")
	case trimmed[0] == '{':
		t, err = parseLines(trimmed)
	default:
		t, err = parseCSV(trimmed)
	}
	if err != nil {
		return nil, err
	}
	return t, t.check()
}

// check reports what a table must have.
func (t *Table) check() error {
	switch {
	case len(t.Names) == 0:
		return fault("it has no column of numbers next to the ids")
	case len(t.IDs) == 0:
		return fault("it has no rows")
	}
	seen := make(map[string]bool, len(t.IDs))
	for _, id := range t.IDs {
		if seen[id] {
			return fault("the id %q stands in two rows; a sample has one row", id)
		}
		seen[id] = true
	}
	return nil
}

// column is the number of a column, which is made if there is none, with nothing in the rows so far.
func (t *Table) column(name string) int {
	if at := slices.Index(t.Names, name); at >= 0 {
		return at
	}
	t.Names = append(t.Names, name)
	t.Values = append(t.Values, nil)
	return len(t.Names) - 1
}

// set sets the number of the last row.
func (t *Table) set(column int, value float64) {
	t.fill(column)
	t.Values[column][len(t.IDs)-1] = value
}

// fill makes a column as long as there are rows.
func (t *Table) fill(column int) {
	for len(t.Values[column]) < len(t.IDs) {
		t.Values[column] = append(t.Values[column], math.NaN())
	}
}

func (t *Table) fillAll() {
	for i := range t.Values {
		t.fill(i)
	}
}

// parseLines reads JSON lines.
func parseLines(data []byte) (*Table, error) {
	t := new(Table)
	number := 0
	for line := range bytes.Lines(data) {
		number++
		if len(bytes.TrimSpace(line)) == 0 {
			continue
		}
		var row map[string]json.RawMessage
		if err := json.Unmarshal(line, &row); err != nil {
			return nil, fault("line %d: %v", number, err)
		}
		id, err := idOf(row[idColumn])
		if err != nil {
			return nil, fault("line %d: %v", number, err)
		}
		t.IDs = append(t.IDs, id)
		for name, value := range Numbers(line) {
			if name != idColumn {
				t.set(t.column(name), value)
			}
		}
	}
	t.fillAll()
	order := slices.Sorted(slices.Values(t.Names)) // a line's fields have none
	sorted := make([][]float64, len(order))
	for i, name := range order {
		sorted[i] = t.Values[slices.Index(t.Names, name)]
	}
	t.Names, t.Values = order, sorted
	return t, nil
}

// idOf is an id in JSON: a text, or a whole number as it is written.
func idOf(raw json.RawMessage) (string, error) {
	var text string
	if json.Unmarshal(raw, &text) == nil && len(raw) > 0 && raw[0] == '"' {
		return text, nil
	}
	if _, err := strconv.ParseInt(string(raw), 10, 64); err == nil {
		return string(raw), nil
	}
	return "", fmt.Errorf("give the field %q, a text or a whole number", idColumn)
}

// Numbers yields the fields of a JSON object that hold a number; none of another text.
func Numbers(object []byte) iter.Seq2[string, float64] {
	return func(yield func(string, float64) bool) {
		var fields map[string]json.RawMessage
		if json.Unmarshal(object, &fields) != nil {
			return
		}
		for name, raw := range fields {
			if c := raw[0]; c != '-' && (c < '0' || c > '9') {
				continue
			}
			if v, err := strconv.ParseFloat(string(raw), 64); err == nil && !yield(name, v) {
				return
			}
		}
	}
}

// parseCSV reads CSV with a line of names.
func parseCSV(data []byte) (*Table, error) {
	rows, err := csv.NewReader(bytes.NewReader(data)).ReadAll()
	if err != nil {
		return nil, fault("reading it as CSV: %v", err)
	}
	header := rows[0]
	ids := slices.IndexFunc(header, func(name string) bool { return strings.TrimSpace(name) == idColumn })
	if ids < 0 {
		return nil, fault("it has no column %q; its columns are %s", idColumn, strings.Join(header, ", "))
	}
	t := new(Table)
	for _, row := range rows[1:] {
		t.IDs = append(t.IDs, row[ids])
	}
	for c, name := range header {
		values := make([]float64, 0, len(t.IDs))
		for _, row := range rows[1:] {
			v, err := number(row[c])
			if err != nil {
				break
			}
			values = append(values, v)
		}
		if c != ids && len(values) == len(t.IDs) {
			t.Names, t.Values = append(t.Names, strings.TrimSpace(name)), append(t.Values, values)
		}
	}
	return t, nil
}

// number is a cell as a number; NaN for an empty one.
func number(cell string) (float64, error) {
	cell = strings.TrimSpace(cell)
	if cell == "" {
		return math.NaN(), nil
	}
	return strconv.ParseFloat(cell, 64)
}
