package report

import (
	"bytes"
	"encoding/base64"
	"encoding/csv"
	"html/template"
	"strings"
)

// A Figure is a chart with its question, its answer, and its numbers.
type Figure struct {
	ID, Question, Reading string
	Drawing               drawing
	Table                 Table
}

// A Table has a header, and rows with as many cells as the header.
type Table struct {
	Head []string
	Rows [][]string
}

func (t *Table) add(cells ...string) { t.Rows = append(t.Rows, cells) }

func newFigure(id, question string, head ...string) *Figure {
	return &Figure{ID: id, Question: question, Table: Table{Head: head},
		Drawing: drawing{ID: id, Title: question}}
}

// end sets the sentence that explains a figure, and returns the figure.
func (f *Figure) end(reading string) *Figure {
	f.Reading, f.Drawing.Description = reading, reading
	return f
}

// CSV returns a link to the figure's numbers. If a spreadsheet would read a cell as a formula, an apostrophe is put
// before the cell's text.
func (f *Figure) CSV() (template.URL, error) {
	var file bytes.Buffer
	w := csv.NewWriter(&file)
	for _, cells := range append([][]string{f.Table.Head}, f.Table.Rows...) {
		plain := make([]string, len(cells))
		for i, cell := range cells {
			if plain[i] = cell; strings.ContainsAny(cell[:min(len(cell), 1)], "=+-@\t") && !isNumber(cell) {
				plain[i] = "'" + cell
			}
		}
		if err := w.Write(plain); err != nil {
			return "", err
		}
	}
	w.Flush()
	return dataURL("text/csv;charset=utf-8", file.Bytes()), w.Error()
}

func isNumber(cell string) bool { return strings.Trim(cell, "-+.,%0123456789 ") == "" }

// dataURL returns a URL that contains the content. A browser does not run it as a script, because Harvest always sets
// the media type.
func dataURL(mediaType string, content []byte) template.URL {
	return template.URL("data:" + mediaType + ";base64," + base64.StdEncoding.EncodeToString(content))
}
