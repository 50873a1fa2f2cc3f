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
	reader := csv.NewReader(bytes.NewReader(data))
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
			return nil, fault("reading it as CSV: %v", err)
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
	for c, name := range header {
		if c != ids && name != "" && t.Others[name] == "" {
			t.Names, t.Values = append(t.Names, name), append(t.Values, columns[c])
		}
	}
	return t, nil
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
