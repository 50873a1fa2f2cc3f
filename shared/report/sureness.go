package report

import (
	"context"
	"fmt"
	"io"
	"math"

	webpage "github.com/harvest-ml/harvest/shared/page"
	"github.com/harvest-ml/harvest/shared/run"
	"github.com/harvest-ml/harvest/shared/scores"
	"github.com/harvest-ml/harvest/shared/subset"
)

const (
	// unsure is the margin below which two ratings are almost equally likely.
	unsure = 0.1
	// vague is the mass below which a text other than a rating was fairly likely.
	vague = 0.9
)

// A sureSet summarises how certain the scorer is of a set of ratings.
type sureSet struct {
	n            int
	mass, margin float64
	unsure       int // ratings with a margin below unsure
	vague        int // ratings with a mass below vague
}

func (s *sureSet) add(mass, margin float32) {
	s.n++
	s.mass += float64(mass)
	s.margin += float64(margin)
	if margin < unsure {
		s.unsure++
	}
	if mass < vague {
		s.vague++
	}
}

func (s sureSet) meanMass() float64   { return s.mass / float64(max(s.n, 1)) }
func (s sureSet) meanMargin() float64 { return s.margin / float64(max(s.n, 1)) }

// A sureness describes how certain the scorer is of its ratings for one capability, in the pool and in the selection.
type sureness struct {
	capability   string
	pool, chosen sureSet
}

// sureness reads masses and margins, one column at a time. It returns nil if the first capability has none, because the
// scorer then gives none.
func (w *Writer) sureness(ctx context.Context, o *subset.Outcome) ([]sureness, error) {
	picked := make([]bool, o.Pool.Pool.Len())
	for _, pick := range o.Result.Picks {
		picked[pick.Sample] = true
	}
	var all []sureness
	for _, capability := range o.Plan.Rubric.Capabilities {
		one := sureness{capability: capability}
		for number := range o.Plan.Ranges {
			if err := one.addRange(ctx, w.c.Runs, o.Plan, number, picked); err != nil {
				return nil, err
			}
		}
		if one.pool.n == 0 && len(all) == 0 {
			return nil, nil
		}
		all = append(all, one)
	}
	return all, nil
}

// addRange adds the ratings of a range.
func (s *sureness) addRange(
	ctx context.Context, runs *run.Reader, plan *run.Plan, number int, picked []bool,
) error {
	var mass, margin []float32
	err := runs.ReadScoreParts(ctx, plan, number, func(at io.ReaderAt, size int64) (_ int, err error) {
		mass, margin, err = scores.ReadSureness(at, size, s.capability)
		return -1, err
	})
	if err != nil {
		return err
	}
	first := int(plan.Ranges[number].FirstIndex)
	for i := range mass {
		if sample := first + i; sample < len(picked) && !isNaN(mass[i]) && !isNaN(margin[i]) {
			s.pool.add(mass[i], margin[i])
			if picked[sample] {
				s.chosen.add(mass[i], margin[i])
			}
		}
	}
	return nil
}

func isNaN(v float32) bool { return math.IsNaN(float64(v)) }

// surenessFigures returns figures that show how certain the scorer is; nil if there are no data.
func surenessFigures(all []sureness) []*Figure {
	if len(all) == 0 {
		return nil
	}
	return []*Figure{marginFigure(all), massFigure(all)}
}

// marginFigure shows the lead of the likeliest rating over the second.
func marginFigure(all []sureness) *Figure {
	f := newFigure("margins", "How sure is the scorer of its ratings? The lead of the likeliest rating (margin)",
		"capability", "mean margin of the pool", "of the selection", "below 0.1, of the pool", "of the selection")
	rows, least, pool, chosen := sureRows(f, all, sureSet.meanMargin, func(s sureSet) int { return s.unsure })
	dots(&f.Drawing, rows, poolAndSelection, webpage.Decimal)
	return f.end(fmt.Sprintf("On average the likeliest rating leads the second by %.2f in the pool and by %.2f in the "+
		"selection; the smallest lead is that of %s (%.2f).", pool, chosen, webpage.Name(least.name), least.values[0]))
}

// massFigure shows the total probability of the ratings.
func massFigure(all []sureness) *Figure {
	f := newFigure("masses", "Does the scorer answer with a rating? The probability of all ratings together (mass)",
		"capability", "mean mass of the pool", "of the selection", "below 0.9, of the pool", "of the selection")
	rows, least, pool, chosen := sureRows(f, all, sureSet.meanMass, func(s sureSet) int { return s.vague })
	dots(&f.Drawing, rows, poolAndSelection, webpage.Decimal)
	return f.end(fmt.Sprintf("On average all ratings together have %.2f of the probability in the pool and %.2f in the "+
		"selection; the lowest is that of %s (%.2f). Below 0.50 a rating counts as missing.",
		pool, chosen, webpage.Name(least.name), least.values[0]))
}

var poolAndSelection = []series{{"pool", "pool"}, {"subset", "selection"}}

// sureRows returns the rows of a figure, the row with the lowest mean in the pool, and the means over all ratings.
func sureRows(
	f *Figure, all []sureness, mean func(sureSet) float64, low func(sureSet) int,
) (rows []row, least row, pool, chosen float64) {
	inPool, inChosen := 0, 0
	for _, s := range all {
		one := row{name: s.capability, values: []float64{mean(s.pool), mean(s.chosen)}}
		if s.chosen.n == 0 {
			one.values[1] = math.NaN()
		}
		if s.pool.n == 0 {
			one.values[0] = math.NaN()
		}
		rows = append(rows, one)
		f.Table.add(s.capability, sureCell(s.pool, mean), sureCell(s.chosen, mean),
			webpage.Percent(ratio(low(s.pool), s.pool.n)), webpage.Percent(ratio(low(s.chosen), s.chosen.n)))
		if s.pool.n > 0 && (least.values == nil || one.values[0] < least.values[0]) {
			least = one
		}
		inPool, inChosen = inPool+s.pool.n, inChosen+s.chosen.n
		pool, chosen = pool+mean(s.pool)*float64(s.pool.n), chosen+mean(s.chosen)*float64(s.chosen.n)
	}
	return rows, least, pool / float64(max(inPool, 1)), chosen / float64(max(inChosen, 1))
}

func sureCell(s sureSet, mean func(sureSet) float64) string {
	if s.n == 0 {
		return "none"
	}
	return webpage.Decimal(mean(s))
}
