package report

import (
	"fmt"
	"math"

	webpage "github.com/harvest-ml/harvest/shared/page"
	"github.com/harvest-ml/harvest/shared/selection"
	"github.com/harvest-ml/harvest/shared/subset"
)

// budgetFigure makes selections with the same rules at other budgets, and compares them. It omits budgets that the
// rules do not allow, such as a budget below the number of must-includes.
func budgetFigure(t *tally, o *subset.Outcome) *Figure {
	f := newFigure("budgets", "How would another budget change the selection?",
		"budget", "samples", "mean rating over all capabilities", "bins covered")
	total := o.Pool.Pool.Len()
	if o.Params.InTokens {
		total = tokensOf(o.Pool.Pool)
	}
	var names []string
	var means, coverages []float64
	mark := -1
	own := fmt.Sprintf("%.2g %%", 100*ratio(o.Params.Budget, total))
	add := func(label string, picks []selection.Pick) {
		q := t.quality(o.Pool.Pool, picks)
		names, means, coverages = append(names, label), append(means, q.mean), append(coverages, q.coverage)
		f.Table.add(label, webpage.Group(len(picks)), webpage.Decimal(q.mean), webpage.Percent(q.coverage))
	}
	for _, percent := range []int{5, 10, 20, 30, 50} {
		at := total * percent / 100
		if mark < 0 && o.Params.Budget <= at {
			mark = len(names)
			add(own, o.Result.Picks)
		}
		if near := at / 10; at-near < o.Params.Budget && o.Params.Budget < at+near {
			continue
		}
		params := o.Params
		if params.Budget = at; at < 1 {
			continue
		}
		if result, err := o.Pool.Select(params); err == nil {
			add(fmt.Sprintf("%d %%", percent), result.Picks)
		}
	}
	if mark < 0 {
		mark = len(names)
		add(own, o.Result.Picks)
	}
	var pool meanOf
	for c := range o.Pool.Pool.Capabilities {
		for _, m := range t.rated[c] {
			pool.sum, pool.n = pool.sum+m.sum, pool.n+m.n
		}
	}
	curves(&f.Drawing, names, []panel{
		{"mean rating", means, pool.mean(), webpage.Decimal},
		{"bins covered", coverages, math.NaN(), percentShort},
	}, mark)
	return f.end(fmt.Sprintf("This selection has a mean rating of %.2f (the pool %.2f) and covers %s of the bins; "+
		"a budget of %s would have %.2f.", means[mark], pool.mean(), webpage.Percent(coverages[mark]), names[0], means[0]))
}

// tokensOf returns the number of tokens of all samples of a pool, also of those that failed or were skipped.
func tokensOf(pool *selection.Pool) (tokens int) {
	for _, n := range pool.Tokens {
		tokens += int(n)
	}
	return tokens
}

// lengthFigures returns figures that show whether long samples are preferred; nil if lengths are not known.
func lengthFigures(t *tally, o *subset.Outcome) []*Figure {
	if len(t.longest) == 0 {
		return nil
	}
	names := make([]string, len(t.longest))
	for i, most := range t.longest {
		names[i] = "≤ " + webpage.Group(int(most))
	}
	f := newFigure("lengths", "Is the selection longer than the pool?",
		"tokens (estimate)", "samples", "selected", "share of the pool", "share of the selection")
	var rows []row
	for i, s := range t.byLength {
		of, in := ratio(s.pool, o.Selection.Summary.Pool.Samples), ratio(s.picked, len(o.Result.Picks))
		rows = append(rows, row{name: names[i], values: []float64{of, in}})
		f.Table.add(names[i], webpage.Group(s.pool), webpage.Group(s.picked), webpage.Percent(of), webpage.Percent(in))
	}
	columns(&f.Drawing, rows, []series{{"pool", "share of the pool"}, {"subset", "share of the selection"}}, false,
		percentShort)
	s := o.Selection.Summary
	f.end(fmt.Sprintf("A selected sample has %s tokens on average; a sample of the pool has %s.",
		webpage.Group(s.Selection.Tokens/max(s.Selection.Samples, 1)), webpage.Group(s.Pool.Tokens/max(s.Pool.Samples, 1))))
	return []*Figure{f, lengthRatingFigure(t, o, names)}
}

// lengthRatingFigure shows the mean rating of each capability by length.
func lengthRatingFigure(t *tally, o *subset.Outcome, names []string) *Figure {
	f := newFigure("lengthrating", "Does the scorer only reward length?",
		append([]string{"capability"}, names...)...)
	var rows []row
	most := 0.0
	for c, capability := range o.Pool.Pool.Capabilities {
		one, cells := row{name: capability}, []string{capability}
		for i, m := range t.lengthRated[c] {
			v := math.NaN()
			if m.n > 0 {
				v = m.mean()
				most = max(most, v)
			}
			one.values = append(one.values, v)
			one.tips = append(
				one.tips,
				fmt.Sprintf("%s, %s tokens: mean %.2f of %s", capability, names[i], m.mean(), webpage.Group(m.n)),
			)
			cells = append(cells, webpage.Decimal(m.mean()))
		}
		rows = append(rows, one)
		f.Table.add(cells...)
	}
	heat(&f.Drawing, rows, names, max(math.Ceil(most), 1), func(v float64) string { return fmt.Sprintf("%.1f", v) })
	r := o.Selection.Summary.Pool.LengthCorrelation
	if r == nil {
		return f.end("Mean rating by length of the sample, in tokens.")
	}
	how := "hardly depends on length"
	switch {
	case *r > 0.5:
		how = "depends much on length"
	case *r > 0.2:
		how = "rises with length"
	case *r < -0.2:
		how = "falls with length"
	}
	return f.end(fmt.Sprintf("A sample's mean rating %s: the correlation is %.2f.", how, *r))
}
