package main

import (
	"slices"
	"strings"

	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/jedib0t/go-pretty/v6/text"
)

// leastName is the width down to which the first column of a table may be wrapped.
const leastName = 18

// A grid is a table that fits a terminal of 80 columns. If it is too wide, it wraps names, texts and headers between
// words, but never a cell with a number. If it is still too wide, it prints several tables, one below the other. Each
// of them has the first column and some of the other columns.
type grid struct {
	table.Writer // has all rows, too; it prints the table in other forms, such as Markdown
	header       table.Row
	widths       []int       // see newNarrowTable
	rows         []table.Row // nil for a separator
}

// AppendRow implements table.Writer.
func (g *grid) AppendRow(row table.Row, config ...table.RowConfig) {
	g.rows = append(g.rows, row)
	g.Writer.AppendRow(row, config...)
}

// AppendRows implements table.Writer.
func (g *grid) AppendRows(rows []table.Row, config ...table.RowConfig) {
	for _, row := range rows {
		g.AppendRow(row, config...)
	}
}

// AppendSeparator implements table.Writer.
func (g *grid) AppendSeparator() {
	g.rows = append(g.rows, nil)
	g.Writer.AppendSeparator()
}

// Render implements table.Writer.
func (g *grid) Render() string {
	natural, least := g.columnWidths()
	var tables []string
	for _, columns := range parts(natural, least) {
		widths := fitted(columns, natural, least)
		part := newWriter(pick(g.header, columns))
		for _, row := range g.rows {
			if row == nil {
				part.AppendSeparator()
				continue
			}
			part.AppendRow(pick(row, columns))
		}
		configs := make([]table.ColumnConfig, len(columns))
		for i, column := range columns {
			configs[i] = columnConfig(i+1, widths[i], g.isText(column))
		}
		part.SetColumnConfigs(configs)
		tables = append(tables, loosened(part.Render()))
	}
	return strings.Join(tables, "\n")
}

// isText reports whether a column has names or text. Other columns have numbers.
func (g *grid) isText(column int) bool {
	return column == 0 || column < len(g.widths) && g.widths[column] >= textWidth
}

// columnWidths returns, for each column, its width without wrapping, up to its limit, and the least width to which it
// may be wrapped.
func (g *grid) columnWidths() (natural, least []int) {
	natural, least = make([]int, len(g.header)), make([]int, len(g.header))
	for c := range g.header {
		for i, row := range append([]table.Row{g.header}, g.rows...) {
			if c >= len(row) {
				continue
			}
			shown := bound(cell(row[c]))
			word, line := longestWord(shown), text.LongestLineLen(shown)
			natural[c] = max(natural[c], line)
			if i > 0 && !g.isText(c) {
				word = line
			}
			least[c] = max(least[c], word)
		}
		limit := natural[c]
		if c < len(g.widths) && g.widths[c] > 0 {
			limit = g.widths[c]
		}
		if g.isText(c) {
			natural[c] = min(natural[c], limit)
			least[c] = max(least[c], min(natural[c], leastName))
		} else { // the limit is for the header
			natural[c] = min(natural[c], max(limit, least[c]))
		}
		least[c] = min(least[c], natural[c])
	}
	return natural, least
}

// parts divides the columns of a table into the columns of tables that fit the terminal. The first column is in each of
// them. The widths of the tables are about equal.
func parts(natural, least []int) [][]int {
	all := make([]int, len(natural))
	for c := range all {
		all[c] = c
	}
	if tableWidth(natural) <= terminalWidth || tableWidth(least) <= terminalWidth {
		return [][]int{all}
	}
	within := func(most int) (groups [][]int) {
		for _, c := range all[1:] {
			last := len(groups) - 1
			if last < 0 || tableWidth(pick(least, append(slices.Clone(groups[last]), c))) > most {
				groups, last = append(groups, []int{0}), last+1
			}
			groups[last] = append(groups[last], c)
		}
		return groups
	}
	groups := within(terminalWidth)
	for most := terminalWidth - 1; most > 0; most-- {
		narrower := within(most)
		if len(narrower) > len(groups) {
			break
		}
		groups = narrower
	}
	return groups
}

// fitted returns the widths of columns: at least the least widths, and wider up to the natural widths while the table
// fits the terminal. Narrow columns grow first.
func fitted(columns, natural, least []int) []int {
	widths, most := pick(least, columns), pick(natural, columns)
	for tableWidth(widths) < terminalWidth {
		narrowest := -1
		for i := range widths {
			if widths[i] < most[i] && (narrowest < 0 || widths[i] < widths[narrowest]) {
				narrowest = i
			}
		}
		if narrowest < 0 {
			break
		}
		widths[narrowest]++
	}
	return widths
}

// tableWidth returns the width of a table with these widths of columns.
func tableWidth(widths []int) int {
	width := 1
	for _, w := range widths {
		width += w + 3 // a border and two spaces
	}
	return width
}

// pick returns the elements of a list with these indexes.
func pick[L ~[]E, E any](list L, indexes []int) L {
	var picked L
	for _, i := range indexes {
		if i < len(list) {
			picked = append(picked, list[i])
		}
	}
	return picked
}

// longestWord returns the width of the longest word of a text.
func longestWord(words string) (longest int) {
	for word := range strings.FieldsSeq(words) {
		longest = max(longest, text.StringWidthWithoutEscSequences(word))
	}
	return longest
}
