package report

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strings"

	webpage "github.com/harvest-ml/harvest/shared/page"
	"github.com/harvest-ml/harvest/shared/selection"
	"github.com/harvest-ml/harvest/shared/subset"
)

// The kinds of samples in the gallery of a comparison.
const (
	kindOnlyA = "in A alone"
	kindOnlyB = "in B alone"
	kindBoth  = "in both"
)

// perSide is the number of samples of each kind that a comparison shows.
const perSide = 60

// maxFlows is the largest number of sources or styles in a chart of a comparison.
const maxFlows = 12

// WriteComparison writes a page with two selections of a run side by side, with their common samples and their
// differences. Its errors are those of subset.Reader.Compare.
func (w *Writer) WriteComparison(
	ctx context.Context, out io.Writer, subsets *subset.Reader, runID, a, b string,
) error {
	var m *Model
	var p *subset.Pair
	err := subsets.Pair(ctx, runID, a, b, func(pair *subset.Pair) (err error) {
		p = pair
		m, err = newComparison(pair, func(sel *subset.Selection) explainer {
			of := &subset.Outcome{Plan: pair.Plan, Selection: sel}
			return func(indexes []uint32) ([]subset.Explanation, error) { return subsets.ExplainAt(ctx, of, indexes) }
		})
		return err
	})
	if err != nil {
		return err
	}
	return w.finish(ctx, out, subsets, p.Plan, m)
}

func newComparison(p *subset.Pair, of func(*subset.Selection) explainer) (*Model, error) {
	m := &Model{
		Dataset: webpage.Name(p.A.Dataset), Title: "two selections", Comparison: true,
		Facts: [][2]string{
			{"Dataset", webpage.Name(p.A.Dataset)}, {"Run", p.A.Run}, {"A", sideFact(p.A)}, {"B", sideFact(p.B)},
		},
		Counts: [][3]string{
			{"in A", webpage.Group(p.Comparison.A), ""}, {"in B", webpage.Group(p.Comparison.B), ""},
			{"in both", webpage.Group(p.Comparison.Both), webpage.Percent(ratio(p.Comparison.Both, p.Comparison.A)) + " of A"},
		},
		Sentences: []string{
			fmt.Sprintf("B has %s that A does not have, and does not have %s of A.",
				webpage.Plural(len(p.OnlyB), "sample"), webpage.Plural(len(p.OnlyA), "sample")),
			"No figure measures the quality of training.",
		},
		Figures: []*Figure{
			meansOfBoth(p.A.Summary, p.B.Summary), picksOfBoth(p.A.Summary, p.B.Summary),
			flowFigure("sources", "Which sources gain, and which lose?", p, p.Sources),
			flowFigure("styles", "Which styles gain, and which lose?", p, p.Styles),
		},
	}
	if len(p.Columns) > 0 {
		m.Figures = append(m.Figures, columnFigure(p.Columns))
	}
	var err error
	m.Gallery, err = comparedGallery(p, of)
	return m, err
}

// sideFact describes one of the selections.
func sideFact(sel *subset.Selection) string {
	rules := sel.Parameters.Request.Rules
	text := sel.ID + ", budget " + budgetOf(sel)
	if rules.Strategy != "" && rules.Strategy != selection.MMSSR {
		text += ", strategy " + string(rules.Strategy)
	}
	if rules.Threshold != 0 {
		text += fmt.Sprintf(", rated above %d", rules.Threshold)
	}
	return text
}

// sides are the series of the charts.
var sides = []series{{"random", "A"}, {"subset", "B"}}

// meansOfBoth compares the mean ratings.
func meansOfBoth(a, b selection.Summary) *Figure {
	f := newFigure("capabilities", "Which selection has higher ratings, A or B?",
		"capability", "mean rating of the pool", "of A", "of B")
	var rows []row
	higher := 0
	for c, pool := range a.Pool.Ratings {
		one := row{name: pool.Capability, values: []float64{
			pool.Mean, a.Selection.Ratings[c].Mean, b.Selection.Ratings[c].Mean,
		}}
		rows = append(rows, one)
		f.Table.add(pool.Capability, webpage.Decimal(one.values[0]), webpage.Decimal(one.values[1]),
			webpage.Decimal(one.values[2]))
		if one.values[2] > one.values[1] {
			higher++
		}
	}
	dots(&f.Drawing, rows, slices.Concat([]series{{"pool", "pool"}}, sides), webpage.Decimal)
	return f.end(fmt.Sprintf("B has the higher mean rating on %d of %d capabilities.", higher, len(rows)))
}

// picksOfBoth compares the ratings of the picked samples.
func picksOfBoth(a, b selection.Summary) *Figure {
	f := newFigure("picks", "With which ratings were the samples picked?", "rating", "share of A", "share of B")
	var rows []row
	low := [2]float64{}
	for rating := range selection.MaxRating + 1 {
		one := row{name: fmt.Sprintf("rated %d", rating)}
		for side, s := range []selection.Summary{a, b} {
			share := 0.0
			if s.PickRatings != nil {
				share = ratio(s.PickRatings[rating], s.PickRatings.Total())
			}
			one.values = append(one.values, share)
			if rating <= 1 {
				low[side] += share
			}
		}
		rows = append(rows, one)
		f.Table.add(fmt.Sprint(rating), webpage.Percent(one.values[0]), webpage.Percent(one.values[1]))
	}
	bars(&f.Drawing, rows, sides, percentShort)
	return f.end(fmt.Sprintf("Of the samples that were picked on a rating, %s of A and %s of B have a rating of 1 or 0.",
		webpage.Percent(low[0]), webpage.Percent(low[1])))
}

// flowFigure compares the shares of groups of samples, such as sources.
func flowFigure(id, question string, p *subset.Pair, flows []subset.Flow) *Figure {
	f := newFigure(id, question, strings.TrimSuffix(id, "s"), "in A", "in B", "came in", "went out")
	var rows []row
	reading := "Both have the same shares."
	most := 0.0
	for _, flow := range flows[:min(len(flows), maxFlows)] {
		name := webpage.Name(flow.Name)
		inA, inB := ratio(flow.A, p.Comparison.A), ratio(flow.B, p.Comparison.B)
		rows = append(rows, row{name: name, values: []float64{inA, inB}})
		f.Table.add(name, webpage.Group(flow.A), webpage.Group(flow.B), webpage.Group(flow.In), webpage.Group(flow.Out))
		if by := inB - inA; max(by, -by) > most {
			most = max(by, -by)
			reading = fmt.Sprintf("Most changed: %s, from %s of A to %s of B.", name, webpage.Percent(inA),
				webpage.Percent(inB))
		}
	}
	bars(&f.Drawing, rows, sides, percentShort)
	if more := len(flows) - maxFlows; more > 0 {
		reading += fmt.Sprintf(" %d more are not shown.", more)
	}
	return f.end(reading)
}

// comparedGallery returns a gallery of samples that are in only one selection, and of some samples that are in both.
// Each sample has the reasons of both selections.
func comparedGallery(p *subset.Pair, of func(*subset.Selection) explainer) (*Gallery, error) {
	chosen := &choice{kinds: map[uint32][]string{}}
	g := &Gallery{}
	for _, side := range []struct {
		kind, meaning string
		samples       []uint32
	}{
		{kindOnlyA, "the first samples that A picked and that B does not have", p.OnlyA},
		{kindOnlyB, "the first samples that B picked and that A does not have", p.OnlyB},
		{kindBoth, "the first samples that A picked and that B has, too", p.Both},
	} {
		if len(side.samples) > 0 {
			chosen.add(side.kind, side.samples[:min(len(side.samples), perSide)]...)
			g.Kinds = append(g.Kinds, struct{ Name, Meaning string }{side.kind, side.meaning})
		}
	}
	byA, err := of(p.A)(chosen.samples)
	if err != nil {
		return nil, err
	}
	byB, err := of(p.B)(chosen.samples)
	if err != nil {
		return nil, err
	}
	shared := &subset.Outcome{Plan: p.Plan, Pool: p.Pool}
	g.show(p.Pool.Pool, chosen, func(i int) *Card {
		s := chosen.samples[i]
		card, other := newCard(shared, s, byA[i]), newCard(shared, s, byB[i])
		card.Status, card.Why, card.Miss = statusIn, "A: "+card.Why, "B: "+other.Why
		return card
	})
	return g, nil
}
