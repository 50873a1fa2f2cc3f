// Package external reads numbers about samples from other programs: files with an id and numeric columns, in Parquet,
// CSV or JSON lines, and numeric fields of records.
package external

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"

	"github.com/harvest-ml/harvest/shared/dataset"
	"github.com/harvest-ml/harvest/shared/dataset/compression"
	"github.com/harvest-ml/harvest/shared/dataset/jsontext"
)

// MaxBytes is the size limit of a file, in bytes.
const MaxBytes = 1 << 30

// IDColumn is the name of the column of ids.
const IDColumn = "id"

// A Table has the numbers of a file.
type Table struct {
	IDs   []string // id of each row, all different
	Names []string // names of the numeric columns, in the order of the file
	// Values has a column for each name, with a number for each row; NaN for a missing number.
	Values [][]float64
	// Others has, for each skipped column, a text about its first value that is not a number, such as `line 2 has "high",
	// which is not a number`.
	Others map[string]string
}

// An Error has the reason why the content of a file is invalid.
type Error struct{ text string }

func (e *Error) Error() string { return e.text }

func fault(format string, args ...any) error { return &Error{fmt.Sprintf(format, args...)} }

// Unpack returns the content of a file, which may be compressed with gzip, zstd, bzip2 or xz, up to MaxBytes. The
// content shows the compression. The error is an *Error.
func Unpack(data []byte) ([]byte, error) {
	packed := compression.Of(data)
	if packed == "" {
		return data, nil
	}
	var whole bytes.Buffer
	limits := compression.Limits{Gzip: MaxBytes, Zstd: MaxBytes, Bzip2: MaxBytes, XZ: MaxBytes}
	err := compression.Unpack(&whole, bytes.NewReader(data), packed, limits.AtMost(MaxBytes, "a file of numbers"))
	if err != nil {
		return nil, fault("%v", err)
	}
	return whole.Bytes(), nil
}

// Parse parses a whole file: Parquet, JSON lines or CSV. The content shows the format. The file needs a column id of
// texts or whole numbers, and at least one numeric column. Other columns are skipped. The names of columns must be
// different. The error is an *Error.
func Parse(data []byte) (*Table, error) {
	var t *Table
	var err error
	text := bytes.TrimPrefix(data, []byte("\xef\xbb\xbf"))
	start := bytes.TrimSpace(text)
	switch other := dataset.OtherKind(data); {
	case bytes.HasPrefix(data, []byte("PAR1")):
		t, err = parseParquet(data)
	case len(start) == 0:
		return nil, fault("the file is empty")
	case other != "":
		return nil, fault("the file is %s; give Parquet, CSV in UTF-8, or JSON lines", other)
	case start[0] == '[':
		return nil, fault("the file is a JSON array; write JSON lines, one object on each line, such as "+
			`{"id": "a", "relevance": 3}: %s`, fromArray)
	case start[0] == '{':
		t, err = parseLines(text)
	default:
		t, err = parseCSV(text)
	}
	if err != nil {
		return nil, err
	}
	return t, t.check()
}

// fromArray is a command that converts a JSON array to JSON lines.
const fromArray = `python3 -c "import json, sys; [print(json.dumps(row)) for row in json.load(open(sys.argv[1]))]" ` +
	"FILE > OUT"

// check returns an error if a table lacks a required part.
func (t *Table) check() error {
	switch {
	case len(t.Names) == 0:
		return fault("the file has no column of numbers in addition to the ids%s", t.why())
	case len(t.IDs) == 0:
		return fault("the file has no rows")
	}
	seen := make(map[string]int, len(t.IDs))
	for i, id := range t.IDs {
		if first := seen[id]; first > 0 {
			return fault("the id %q is in two rows, %d and %d; give one row for each sample (the number 1 and the text \"1\" "+
				"are one id)", id, first, i+1)
		}
		seen[id] = i + 1
	}
	return nil
}

// mostNamed is the largest number of columns in an error.
const mostNamed = 5

// why returns a text with values of skipped columns that are not numbers; empty if no column was skipped.
func (t *Table) why() string {
	var words []string
	for _, name := range slices.Sorted(maps.Keys(t.Others)) {
		words = append(words, fmt.Sprintf("column %s: %s", shown(name), t.Others[name]))
	}
	if len(words) == 0 {
		return ""
	}
	return ": " + listed(words, "; ")
}

// other records the first value of a column that is not a number.
func (t *Table) other(name, format string, args ...any) {
	if t.Others == nil {
		t.Others = map[string]string{}
	}
	if t.Others[name] == "" {
		t.Others[name] = fmt.Sprintf(format, args...)
	}
}

// shownBytes is the largest number of bytes of a text of a file in an error.
const shownBytes = 40

func shown(text string) string { return jsontext.Quote(text, shownBytes) }

// shownValue formats a JSON value for an error.
func shownValue(value json.RawMessage) string {
	if jsontext.TypeOf(value) == jsontext.String {
		return shown(jsontext.Text(value)) + " as a text"
	}
	return jsontext.Describe(value)
}

// listed joins words. If there are many words, it joins only the first ones.
func listed(words []string, separator string) string {
	if more := len(words) - mostNamed; more > 0 {
		words = append(slices.Clone(words[:mostNamed]), fmt.Sprintf("and %d more", more))
	}
	return strings.Join(words, separator)
}

// checkNames returns an error if two columns have the same name, or if the file has no column of ids. Columns without a
// name are skipped.
func checkNames(names []string) error {
	seen := map[string]bool{"": false}
	quoted := make([]string, len(names))
	for i, name := range names {
		if seen[name] {
			return fault("two columns are named %s; give them different names", shown(name))
		}
		seen[name] = name != ""
		quoted[i] = shown(name)
	}
	if !seen[IDColumn] {
		return fault("the file has no column %q; its columns are %s", IDColumn, listed(quoted, ", "))
	}
	return nil
}

// column returns the number of the column with this name. If there is no such column, it adds one without numbers in
// the earlier rows.
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

// fill extends a column to the number of rows.
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
