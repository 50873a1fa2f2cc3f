package main

import (
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"

	"github.com/harvest-ml/harvest/shared/scores/reason"
	"github.com/harvest-ml/harvest/shared/study/agreement"
	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/jedib0t/go-pretty/v6/text"
)

func newTable(header ...any) table.Writer { return newNarrowTable(nil, header...) }

// textWidth is the minimum width of a column of text in a narrow table; narrower columns have numbers.
const textWidth = 20

// newNarrowTable returns a table whose first columns have at most these widths, so that it fits a terminal of 80
// columns. Longer cells are wrapped between words.
func newNarrowTable(widths []int, header ...any) table.Writer {
	t := table.NewWriter()
	t.SetStyle(table.StyleLight)
	t.Style().Format.Header = text.FormatDefault
	t.AppendHeader(header)
	columns := make([]table.ColumnConfig, len(header))
	for i := range columns {
		columns[i] = table.ColumnConfig{Number: i + 1, WidthMaxEnforcer: text.WrapSoft, Transformer: cell}
		if i < len(widths) {
			columns[i].WidthMax = widths[i]
		}
		if i > 0 && columns[i].WidthMax < textWidth { // numbers
			columns[i].Align, columns[i].AlignHeader = text.AlignRight, text.AlignRight
		}
	}
	t.SetColumnConfigs(columns)
	return t
}

// cell returns the value of a cell as text. Whole numbers get commas between thousands.
func cell(value any) string {
	switch n := value.(type) {
	case int:
		return separated(n)
	case int64:
		return separated(n)
	default:
		return fmt.Sprint(value)
	}
}

// terminalWidth is the maximum width of folded text, in columns.
const terminalWidth = 80

// folded wraps text between words, and indents each line.
func folded(words, indent string) string {
	lines := strings.Split(text.WrapSoft(words, terminalWidth-len(indent)), "\n")
	for i, line := range lines {
		lines[i] = indent + strings.TrimRight(line, " ")
	}
	return strings.Join(lines, "\n")
}

// foldedLines folds each line of a text.
func foldedLines(text string) string {
	var all strings.Builder
	for line := range strings.Lines(text) {
		all.WriteString(folded(strings.TrimSuffix(line, "\n"), "") + "\n")
	}
	return all.String()
}

func figure(v agreement.Value) string {
	if math.IsNaN(float64(v)) {
		return "-"
	}
	return fmt.Sprintf("%.2f", v)
}

func ranged(v agreement.Value, in agreement.Interval) string {
	if math.IsNaN(float64(in[0])) {
		return figure(v)
	}
	return fmt.Sprintf("%s (%s to %s)", figure(v), figure(in[0]), figure(in[1]))
}

// reasons returns counts by reason, as text.
func reasons[N int | int64](counts map[reason.Code]N) string {
	text := ""
	for i, code := range slices.Sorted(maps.Keys(counts)) {
		if i > 0 {
			text += ", "
		}
		text += fmt.Sprintf("%s (%d)", code.Phrase(), counts[code])
	}
	return text
}
