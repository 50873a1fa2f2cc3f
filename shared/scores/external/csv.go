package external

import (
	"bytes"
	"encoding/csv"
	"errors"
	"io"
	"math"
	"slices"
	"strings"

	"github.com/harvest-ml/harvest/shared/spelling"
)

// parseCSV reads CSV with a header line.
func parseCSV(data []byte) (*Table, error) {
	if err := checkSeparator(data); err != nil {
		return nil, err
	}
	reader := csv.NewReader(bytes.NewReader(bytes.TrimRight(data, " \t\r\n")))
	header, err := reader.Read()
	if err != nil {
		return nil, fault("reading it as CSV: %v", err)
	}
	for i, name := range header {
		header[i] = strings.TrimSpace(name)
	}
	if err := checkNames(header); err != nil {
		return nil, err
	}
	t, ids := new(Table), slices.Index(header, IDColumn)
	columns := make([][]float64, len(header))
	for {
		row, err := reader.Read()
		if errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			return nil, rowFault(reader, err, row, len(header))
		}
		t.IDs = append(t.IDs, row[ids])
		for c, cell := range row {
			if c == ids || header[c] == "" || t.Others[header[c]] != "" {
				continue
			}
			v, err := number(cell)
			if err != nil {
				line, _ := reader.FieldPos(c)
				t.other(header[c], "line %d has %s, which is not a number", line, shown(cell))
			}
			columns[c] = append(columns[c], v)
		}
	}
	if bytes.HasSuffix(data, []byte(",")) && len(t.IDs) > 0 {
		return nil, fault("the last row ends after a comma, without the end of the line, so the file may be cut short; end " +
			"the line if the file is complete, or else download or write it again")
	}
	for c, name := range header {
		if c != ids && name != "" && t.Others[name] == "" {
			t.Names, t.Values = append(t.Names, name), append(t.Values, columns[c])
		}
	}
	return t, nil
}

// rowFault returns the error for a row that cannot be read. row has the fields of a row with another number of fields
// than the header; nil for other errors. The last row of a file that is cut short has too few fields, or a quote
// without an end.
func rowFault(reader *csv.Reader, err error, row []string, columns int) error {
	_, last := reader.Read()
	atEnd := errors.Is(last, io.EOF)
	parse, ok := errors.AsType[*csv.ParseError](err)
	switch {
	case !ok:
	case errors.Is(err, csv.ErrFieldCount) && len(row) < columns && atEnd:
		return fault("line %d, the last row, has %d of the header's %d columns, so the file is cut short; download or write "+
			"it again", parse.StartLine, len(row), columns)
	case errors.Is(err, csv.ErrFieldCount):
		return fault("line %d has %d columns, but the header has %d; give each row the same number of columns, and put "+
			"texts with a comma into quotes", parse.StartLine, len(row), columns)
	case errors.Is(err, csv.ErrQuote) && atEnd:
		return fault("line %d: a quote has no end, so the last row may be cut short; add the quote, or download or write "+
			"the file again", parse.StartLine)
	}
	return fault("reading it as CSV: %v", err)
}

// checkSeparator returns an error if the header line has a separator other than a comma.
func checkSeparator(data []byte) error {
	first, _, _ := bytes.Cut(bytes.TrimLeft(data, "\r\n"), []byte("\n"))
	for separator, name := range map[string]string{";": "semicolons", "\t": "tabs", "|": "bars"} {
		names := strings.Split(string(first), separator)
		if len(names) > 1 && slices.ContainsFunc(names, func(s string) bool { return strings.Trim(s, "\" \r") == IDColumn }) {
			return fault("the columns are separated by %s; separate them by commas, and write numbers with a decimal point",
				name)
		}
	}
	return nil
}

// number converts a cell to a number. It returns NaN for an empty cell, and for nan, which programs write for a missing
// number.
func number(cell string) (float64, error) {
	switch strings.ToLower(strings.TrimSpace(cell)) {
	case "", "nan":
		return math.NaN(), nil
	case "inf":
		return math.Inf(1), nil
	case "-inf":
		return math.Inf(-1), nil
	}
	return spelling.Number(cell)
}
