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

// newNarrowTable returns a table whose first columns have at most these widths. Longer cells are wrapped between words.
// The table fits a terminal of 80 columns (grid).
func newNarrowTable(widths []int, header ...any) table.Writer {
	g := &grid{Writer: newWriter(header), header: header, widths: widths}
	configs := make([]table.ColumnConfig, len(header))
	for i := range configs {
		width := 0
		if i < len(widths) {
			width = widths[i]
		}
		configs[i] = columnConfig(i+1, width, g.isText(i))
	}
	g.SetColumnConfigs(configs)
	return g
}

func newWriter(header table.Row) table.Writer {
	t := table.NewWriter()
	t.SetStyle(table.StyleLight)
	t.Style().Format.Header = text.FormatDefault
	t.AppendHeader(header)
	return t
}

// columnConfig returns the format of a column. Numbers are aligned to the right.
func columnConfig(number, width int, isText bool) table.ColumnConfig {
	config := table.ColumnConfig{
		Number: number, WidthMax: width, WidthMaxEnforcer: wrapCell, Transformer: cell,
	}
	if !isText {
		config.Align, config.AlignHeader = text.AlignRight, text.AlignRight
	}
	return config
}

// wrapCell wraps the text of a cell. No line ends with spaces, which would move text that is aligned to the right.
func wrapCell(words string, width int) string {
	lines := strings.Split(text.WrapSoft(words, width), "\n")
	for i, line := range lines {
		lines[i] = strings.TrimRight(line, " ")
	}
	return strings.Join(lines, "\n")
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
