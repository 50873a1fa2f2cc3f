package main

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/jedib0t/go-pretty/v6/text"
)

// widest returns the width of the longest line of a text.
func widest(words string) int { return text.LongestLineLen(words) }

// TestGridFits renders tables that are wider than a terminal. Each line then fits, each number is whole, and each value
// is in the output once.
func TestGridFits(t *testing.T) {
	t.Parallel()
	for name, header := range map[string][]any{
		"wrapped header": {"a name that is long enough", "one long header", "another long header", "a third header"},
		"two tables":     {"capability", "Spearman", "QW kappa", "exact", "within one", "within source", "samples"},
	} {
		g := newTable(header...)
		var values []string
		for i := range 3 {
			row := table.Row{"optical character recognition of numbers"}
			for c := range header[1:] {
				values = append(values, fmt.Sprintf("0.%d%d (-0.99 to 0.99)", i, c))
				row = append(row, values[len(values)-1])
			}
			g.AppendRow(row)
			g.AppendSeparator()
		}
		got := g.Render()
		if n := widest(got); n > terminalWidth {
			t.Errorf("%s: %d columns:\n%s", name, n, got)
		}
		for _, value := range values {
			if strings.Count(got, value) != 1 {
				t.Errorf("%s: %q is not in the table once:\n%s", name, value, got)
			}
		}
	}
}

// TestNumbersWhole renders numbers that are wider than the limit of their column. Only the header is wrapped.
func TestNumbersWhole(t *testing.T) {
	t.Parallel()
	g := newNarrowTable([]int{15, 18, 9}, "tokens (estimate)", "5 seeds and a long header", "pool")
	g.AppendRow(table.Row{"threshold 1", "42.8k (41.1k-44.6k)", 1234567890})
	got := g.Render()
	for _, want := range []string{
		" 42.8k (41.1k-44.6k) ", " 1,234,567,890 ", "  5 seeds and a long │", "              header │",
	} {
		if !strings.Contains(got, want) {
			t.Errorf("no %q in\n%s", want, got)
		}
	}
}

// TestWrapped folds lines. Numbers stay with their units, commands and paths stay whole.
func TestWrapped(t *testing.T) {
	t.Parallel()
	for line, want := range map[string][]string{
		"":                             {""},
		"one two three":                {"one two", "three"},
		"confidence 95 % holds":        {"confidence", "95 % holds"},
		"  indented text":              {"  indented", "text"},
		"a /very/long/path/to/a b":     {"a", "/very/long/path/to/a", "b"},
		"type `harvest gc --all` once": {"type", "`harvest gc --all`", "once"},
		"it takes 10 min of 3 GB":      {"it takes", "10 min of", "3 GB"},
	} {
		if got := wrapped(line, 10); !slices.Equal(got, want) {
			t.Errorf("%q: %q, want %q", line, got, want)
		}
	}
}

// TestFoldedMessages folds only messages of this program.
func TestFoldedMessages(t *testing.T) {
	t.Parallel()
	var out strings.Builder
	w := foldedMessages{&out, func() int { return 20 }}
	for _, line := range []string{"harvest: warning: two of three\n", "{\"json\": \"a line of another kind\"}\n"} {
		if n, err := w.Write([]byte(line)); n != len(line) || err != nil {
			t.Errorf("%q: %d, %v", line, n, err)
		}
	}
	const want = "harvest: warning:\ntwo of three\n{\"json\": \"a line of another kind\"}\n"
	if out.String() != want {
		t.Errorf("%q, want %q", out.String(), want)
	}
}
