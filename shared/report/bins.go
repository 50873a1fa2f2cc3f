package report

import (
	"fmt"
	"math"
	"strings"

	webpage "github.com/harvest-ml/harvest/shared/page"
	"github.com/harvest-ml/harvest/shared/scores/reason"
	"github.com/harvest-ml/harvest/shared/selection"
	"github.com/harvest-ml/harvest/shared/subset"
)

// binFigure shows, for each bin, the share of its samples that is selected.
func binFigure(t *tally, o *subset.Outcome) *Figure {
	names := t.sourceNames()
	f := newFigure("bins", "Which bins of style and source are empty, and which are selected completely?",
		append([]string{"style"}, names...)...)
	var rows []row
	empty, whole, all := 0, 0, 0
	for i, style := range o.Pool.Pool.StyleNames {
		one, cells := row{name: style}, []string{style}
		for j, s := range t.styled[i] {
			v := ratio(s.picked, s.pool)
			all++
			switch {
			case s.pool == 0:
				v = math.NaN()
				empty++
			case s.picked == s.pool:
				whole++
			}
			one.values = append(one.values, v)
			one.tips = append(one.tips, fmt.Sprintf("%s, %s: %s of %s", style, names[j], webpage.Group(s.picked),
				webpage.Group(s.pool)))
			cells = append(cells, fmt.Sprintf("%s of %s", webpage.Group(s.picked), webpage.Group(s.pool)))
		}
		rows = append(rows, one)
		f.Table.add(cells...)
	}
	if len(rows) == 0 {
		f.Drawing.empty("No sample has a style.")
		return f.end("No sample has a style.")
	}
	heat(&f.Drawing, rows, names, 1, func(v float64) string { return fmt.Sprintf("%.0f", 100*v) })
	reading := fmt.Sprintf(
		"Each cell has the percentage of its samples that are selected. %d of %d cells have no samples; in %d cells, all "+
			"samples are selected.", empty, all, whole,
	)
	if n := len(o.Result.Shortfalls); n > 0 {
		reading += fmt.Sprintf(" The request has %s; see the table below the charts.", webpage.Plural(n, "shortfall"))
	}
	return f.end(reading)
}

const (
	maxSlices     = 20 // largest number of equal parts of the picks, in the order of picking
	maxShortfalls = 30
)

// shortfalls returns the table of shortfalls.
func shortfalls(rows []selection.Shortfall) Table {
	t := Table{Head: []string{"requested of", "requested", "given", "reason"}}
	for _, s := range rows[:min(len(rows), maxShortfalls)] {
		of := []string{}
		for _, part := range []string{s.Capability, s.Bin, s.Source} {
			if part != "" {
				of = append(of, webpage.Name(part))
			}
		}
		t.add(strings.Join(of, ", "), webpage.Group(s.Asked), webpage.Group(s.Given), string(s.Cause))
	}
	return t
}

// orderFigures returns figures that show the ratings of the picks, from the first pick to the last.
func orderFigures(o *subset.Outcome) []*Figure {
	picks := o.Result.Picks
	n := min(maxSlices, max(len(picks), 1))
	ratings, other := make([][6]int, n), make([]int, n)
	stood := make([][]meanOf, len(o.Result.Capabilities))
	for c := range stood {
		stood[c] = make([]meanOf, (n+1)/2)
	}
	columnOf := columnsByName(o.Pool.Pool)
	for i, pick := range picks {
		slice := i * n / len(picks)
		if !pick.Rated() {
			other[slice]++
			continue
		}
		rating := o.Pool.Pool.Ratings[columnOf[o.Result.Capabilities[pick.Capability].Capability]][pick.Sample]
		ratings[slice][min(max(rating, 0), 5)]++
		stood[pick.Capability][slice/2].add(rating)
	}
	names := make([]string, n)
	for i := range names {
		names[i] = fmt.Sprintf("to %d %%", 100*(i+1)/n)
	}
	first := sliceFigure(names, ratings, other)
	if len(o.Result.Capabilities) == 0 {
		return []*Figure{first}
	}
	return []*Figure{first, standingFigure(o, stood, names)}
}

func columnsByName(pool *selection.Pool) map[string]int {
	columns := make(map[string]int, len(pool.Capabilities))
	for c, n := range pool.Capabilities {
		columns[n] = c
	}
	return columns
}

func sliceFigure(names []string, ratings [][6]int, other []int) *Figure {
	f := newFigure("order", "With which ratings were samples picked, from the first pick to the last?",
		"part of the picks", "without a rating", "rated 0", "1", "2", "3", "4", "5")
	var rows []row
	low, all, last, lastAll := 0, 0, 0, 0
	for i, n := range names {
		sum := other[i]
		for _, count := range ratings[i] {
			sum += count
		}
		one, cells := row{name: n}, []string{n, webpage.Group(other[i])}
		for r := range 6 {
			cells = append(cells, webpage.Group(ratings[i][r]))
			one.values = append(one.values, ratio(ratings[i][5-r], sum))
		}
		one.values = append(one.values, ratio(other[i], sum))
		rows = append(rows, one)
		f.Table.add(cells...)
		poor := ratings[i][0] + ratings[i][1]
		low, all = low+poor, all+sum
		if 10*i >= 9*len(names) {
			last, lastAll = last+poor, lastAll+sum
		}
	}
	parts := []series{
		{"h5", "5"},
		{"h4", "4"},
		{"h3", "3"},
		{"h2", "2"},
		{"h1", "1"},
		{"h0", "0"},
		{"none", "without a rating"},
	}
	columns(&f.Drawing, rows, parts, true, percentShort)
	return f.end(
		fmt.Sprintf("%s of all picks, and %s of the last tenth, were made at a rating of 1 or less. Capabilities take "+
			"turns, so the ratings rise and fall.", webpage.Percent(ratio(low, all)), webpage.Percent(ratio(last, lastAll))),
	)
}

// standingFigure shows the mean rating at which each capability picked.
func standingFigure(o *subset.Outcome, stood [][]meanOf, slices []string) *Figure {
	var names []string
	for i := range stood[0] {
		names = append(names, slices[min(2*i+1, len(slices)-1)])
	}
	f := newFigure(
		"standing",
		"At which rating did each capability pick?",
		append([]string{"capability", "picked"}, names...)...)
	var rows []row
	poor, lowest := "", 6.0
	for c, result := range o.Result.Capabilities {
		one, cells := row{name: result.Capability}, []string{result.Capability, webpage.Group(result.Picked)}
		var all meanOf
		for i, m := range stood[c] {
			v := math.NaN()
			if m.n > 0 {
				v = m.mean()
			}
			all.sum, all.n = all.sum+m.sum, all.n+m.n
			one.values = append(one.values, v)
			one.tips = append(
				one.tips,
				fmt.Sprintf("%s, %s: mean %.2f of %s", result.Capability, names[i], m.mean(), webpage.Group(m.n)),
			)
			cells = append(cells, fmt.Sprintf("%.2f of %s", m.mean(), webpage.Group(m.n)))
		}
		if all.n > 0 && all.mean() < lowest {
			poor, lowest = result.Capability, all.mean()
		}
		rows = append(rows, one)
		f.Table.add(cells...)
	}
	heat(&f.Drawing, rows, names, 5, func(v float64) string { return fmt.Sprintf("%.1f", v) })
	if poor == "" {
		return f.end("No sample was picked for a capability.")
	}
	return f.end(fmt.Sprintf("%s picked at the lowest ratings: %.2f on average.", poor, lowest))
}

// reasonFigure shows why samples are not selected.
func reasonFigure(o *subset.Outcome, reasons selection.ReasonList) *Figure {
	f := newFigure("reasons", "Why were the other samples not selected?", "reason", "samples", "meaning")
	counts := map[reason.Code]int64{}
	for i := range reasons.Len() {
		if r := reasons.At(i); r != "" {
			counts[reason.Code(r)]++
		}
	}
	var rows []row
	left := o.Pool.Pool.Len() - len(o.Result.Picks)
	for rest := counts; len(rest) > 0; {
		code := reason.MostFrequent(rest)
		n := int(rest[code])
		delete(rest, code)
		rows = append(rows, row{name: code.Phrase(), values: []float64{float64(n)}})
		f.Table.add(code.Phrase(), webpage.Group(n), code.Meaning())
	}
	if len(rows) == 0 {
		f.Drawing.empty("Every sample is selected.")
		return f.end("Every sample is selected.")
	}
	bars(&f.Drawing, rows, []series{{"pool", "samples not selected"}},
		func(v float64) string { return webpage.Group(int(v)) })
	return f.end(fmt.Sprintf("Of %s that are not selected, %s are «%s».",
		webpage.Plural(left, "sample"), webpage.Percent(rows[0].values[0]/float64(left)), rows[0].name))
}
