package report

import (
	"fmt"
	"math"
	"slices"
	"strings"

	webpage "github.com/harvest-ml/harvest/shared/page"
	"github.com/harvest-ml/harvest/shared/selection"
	"github.com/harvest-ml/harvest/shared/subset"
)

// compared returns the three sets that figures compare, and their series: the pool, a random subset and the selection.
func compared(s selection.Summary) ([]selection.Statistics, []series) {
	return []selection.Statistics{s.Pool, s.Random, s.Selection},
		[]series{{"pool", "pool"}, {"random", "random subset"}, {"subset", "selection"}}
}

// capabilityFigure shows the gain of the selection by capability.
func capabilityFigure(s selection.Summary) *Figure {
	f := newFigure("capabilities", "Where did the selection gain, and where not?",
		"capability", "mean rating of the pool", "of a random subset", "of the selection")
	sets, all := compared(s)
	var rows []row
	gains := 0
	for c, r := range s.Pool.Ratings {
		one := row{name: r.Capability}
		for _, set := range sets {
			one.values = append(one.values, set.Ratings[c].Mean)
		}
		rows = append(rows, one)
		f.Table.add(r.Capability, webpage.Decimal(one.values[0]), webpage.Decimal(one.values[1]),
			webpage.Decimal(one.values[2]))
		if one.values[2] > one.values[0] {
			gains++
		}
	}
	dots(&f.Drawing, rows, all, webpage.Decimal)
	reading := fmt.Sprintf(
		"The selection has a higher mean rating than the pool on %d of %d capabilities.", gains, len(rows),
	)
	if below := s.BelowPool; len(below) > 0 {
		reading = strings.TrimSuffix(reading, ".") + ", but not on " + listed(below) + "."
	}
	return f.end(reading)
}

// listed joins names to a text. If there are more than four, the text has the first four and the number of the others.
func listed(names []string) string {
	shown := make([]string, 0, 4)
	for _, n := range names[:min(len(names), 4)] {
		shown = append(shown, webpage.Name(n))
	}
	if more := len(names) - len(shown); more > 0 {
		return strings.Join(shown, ", ") + fmt.Sprintf(" and %d more", more)
	}
	return strings.Join(shown, ", ")
}

// ratingFigure shows the distribution of the ratings of each capability.
func ratingFigure(s selection.Summary) *Figure {
	f := newFigure("ratings", "How are the ratings of each capability distributed, in the pool and in the selection?",
		"capability", "set", "rated 0", "1", "2", "3", "4", "5")
	var rows []row
	flat := []string{}
	for c, r := range s.Pool.Ratings {
		chosen := s.Selection.Ratings[c]
		for _, set := range []struct {
			name string
			of   selection.MeanRating
		}{{"pool", r}, {"selection", chosen}} {
			one, cells := row{name: r.Capability + ", " + set.name}, []string{r.Capability, set.name}
			for rating, n := range set.of.Counts {
				one.values = append(one.values, ratio(n, set.of.Rated))
				one.tips = append(one.tips, fmt.Sprintf("%s: %s rated %d", one.name, webpage.Group(n), rating))
				cells = append(cells, webpage.Group(n))
			}
			rows = append(rows, one)
			f.Table.add(cells...)
		}
		if most := slices.Max(r.Counts[:]); ratio(most, r.Rated) > 0.95 {
			flat = append(flat, r.Capability)
		}
	}
	ratingColumns(&f.Drawing, rows)
	reading := "The ratings distinguish samples: no capability has the same rating for nearly all samples."
	if len(flat) > 0 {
		reading = "More than 95 % of the pool have the same rating for " + listed(
			flat,
		) + ", so these ratings hardly distinguish samples."
	}
	return f.end(reading + " The upper bar is the pool; the lower bar is the selection.")
}

// ratingColumns draws two rows of stacked shares of ratings for each capability, the pool above the selection.
func ratingColumns(d *drawing, rows []row) {
	var legend [][2]string
	for r := range 6 {
		legend = append(legend, [2]string{fmt.Sprintf("h%d", r), fmt.Sprint(r)})
	}
	d.legend(legend...)
	const height = 26
	d.Height = top + height*len(rows)/2 + 24
	x := func(v float64) float64 { return labelWidth + (drawingWidth-labelWidth-6)*v }
	for i, r := range rows {
		y := float64(top+height*(i/2)) + 2 + 11*float64(i%2)
		if i%2 == 0 {
			n, _, _ := strings.Cut(r.name, ", ")
			d.text(labelWidth-8, y+15, "end", label(n, labelSize))
		}
		sum := 0.0
		for rating, v := range r.values {
			if v > 0 {
				d.rect(x(sum), y, (drawingWidth-labelWidth-6)*v, 10, fmt.Sprintf("h%d", rating), r.tips[rating])
			}
			sum += v
		}
	}
	bottom := float64(top + height*len(rows)/2)
	for _, v := range []float64{0, 0.25, 0.5, 0.75, 1} {
		d.text(x(v), bottom+16, map[bool]string{true: "end", false: "middle"}[v == 1], fmt.Sprintf("%.0f %%", 100*v))
	}
}

// takenFigure shows the share of each rating that is selected.
func takenFigure(s selection.Summary) *Figure {
	f := newFigure("taken", "Which share of each rating is selected?", "rating", "in the pool", "selected", "share")
	var pool, chosen [6]int
	for c := range s.Pool.Ratings {
		for r := range pool {
			pool[r] += s.Pool.Ratings[c].Counts[r]
			chosen[r] += s.Selection.Ratings[c].Counts[r]
		}
	}
	var rows []row
	for r := range pool {
		v := ratio(chosen[r], pool[r])
		rows = append(rows, row{name: fmt.Sprint(r), values: []float64{v}})
		f.Table.add(fmt.Sprint(r), webpage.Group(pool[r]), webpage.Group(chosen[r]), webpage.Percent(v))
	}
	columns(&f.Drawing, rows, []series{{"subset", "share selected, by rating"}}, false, percentShort)
	if pool[4]+pool[5] == 0 {
		return f.end("No sample is rated 4 or 5.")
	}
	high, all := ratio(chosen[4]+chosen[5], pool[4]+pool[5]), ratio(s.Selection.Samples, s.Pool.Samples)
	return f.end(fmt.Sprintf("%s of all ratings of 4 and 5 are selected; a random subset of this size has %s of them.",
		webpage.Percent(high), webpage.Percent(all)))
}

func percentShort(v float64) string {
	if v > 0 && v < 0.1 {
		return fmt.Sprintf("%.1f %%", 100*v)
	}
	return fmt.Sprintf("%.0f %%", 100*v)
}

func (t *tally) sourceNames() []string {
	names := make([]string, len(t.sources))
	for i, s := range t.sources {
		if names[i] = webpage.Name(s.name); s.others > 0 {
			names[i] = webpage.Plural(s.others, "other")
		}
	}
	return names
}

// carrierFigure shows the mean rating of each capability by source.
func carrierFigure(t *tally, pool *selection.Pool) *Figure {
	names := t.sourceNames()
	f := newFigure("carriers", "Which source has high ratings of which capability?",
		append([]string{"capability"}, names...)...)
	var rows []row
	best := struct {
		mean               float64
		capability, source string
	}{}
	for c, capability := range pool.Capabilities {
		one, cells := row{name: capability}, []string{capability}
		for i, m := range t.rated[c] {
			v := m.mean()
			if m.n == 0 {
				v = math.NaN()
			} else if v > best.mean {
				best.mean, best.capability, best.source = v, capability, names[i]
			}
			one.values = append(one.values, v)
			one.tips = append(one.tips, fmt.Sprintf("%s, %s: mean %.2f of %s", capability, names[i], m.mean(),
				webpage.Group(m.n)))
			cells = append(cells, fmt.Sprintf("%.2f of %s", m.mean(), webpage.Group(m.n)))
		}
		rows = append(rows, one)
		f.Table.add(cells...)
	}
	if len(rows) == 0 || best.source == "" {
		f.Drawing.empty("No sample has a rating above 0.")
		return f.end("No sample has a rating above 0.")
	}
	heat(
		&f.Drawing,
		rows,
		names,
		max(math.Ceil(best.mean), 1),
		func(v float64) string { return fmt.Sprintf("%.1f", v) },
	)
	return f.end(fmt.Sprintf("The highest mean rating is %.2f: %s in %s.", best.mean, best.capability, best.source))
}

// sourceFigure shows which sources have a smaller or larger share of the selection than of the pool.
func sourceFigure(t *tally, o *subset.Outcome) *Figure {
	f := newFigure("sources", "Which share of the selection and of the pool does each source have?",
		"source", "samples", "selected", "share of the pool", "share of the selection")
	names := t.sourceNames()
	var rows []row
	largest, gain, least, loss := "", 0.0, "", 0.0
	for i, s := range t.sources {
		of, in := ratio(s.pool, o.Selection.Summary.Pool.Samples), ratio(s.picked, len(o.Result.Picks))
		rows = append(rows, row{name: names[i], values: []float64{of, in}})
		f.Table.add(names[i], webpage.Group(s.pool), webpage.Group(s.picked), webpage.Percent(of), webpage.Percent(in))
		if in-of > gain {
			largest, gain = names[i], in-of
		}
		if of-in > loss {
			least, loss = names[i], of-in
		}
	}
	bars(&f.Drawing, rows, []series{{"pool", "share of the pool"}, {"subset", "share of the selection"}}, percentShort)
	if largest == "" {
		return f.end("Each source has the same share of the selection and of the pool.")
	}
	return f.end(fmt.Sprintf("The share of %s grows most, by %.1f percentage points; that of %s shrinks most, by %.1f.",
		largest, 100*gain, least, 100*loss))
}
