package agreement

import (
	"math"
	"slices"

	"github.com/harvest-ml/harvest/shared/scorer"
)

// A table has all opinions in columns.
type table struct {
	n       int
	columns []column
	labels  []label
	sources []string
	groups  [][]int // samples of each source that is large enough, in the order of the sources' names
}

// A column has the annotated and the given ratings for one capability.
type column struct {
	name             string
	compared         int
	annotatedMissing int
	givenMissing     int
	both             []bool // samples with both ratings; for other samples the fields below are not used
	annotated, given []int8 // ratings
	truth, guess     ranking
}

// A label says, for each sample, whether the annotation and the given opinion have one style.
type label struct {
	name             string
	annotated, given []bool
}

func newTable(samples []Sample, o Options) *table {
	t := &table{n: len(samples)}
	for c, name := range o.Capabilities {
		t.columns = append(t.columns, newColumn(name, samples, c))
	}
	for _, name := range o.Styles {
		l := label{name: name}
		for i := range samples {
			l.annotated = append(l.annotated, slices.Contains(samples[i].Annotated.Styles, name))
			l.given = append(l.given, slices.Contains(samples[i].Given.Styles, name))
		}
		t.labels = append(t.labels, l)
	}
	bySource := map[string][]int{}
	for i := range samples {
		t.sources = append(t.sources, samples[i].Source)
		bySource[samples[i].Source] = append(bySource[samples[i].Source], i)
	}
	for _, name := range slices.Compact(slices.Sorted(slices.Values(t.sources))) {
		if len(bySource[name]) >= LeastOfSource {
			t.groups = append(t.groups, bySource[name])
		}
	}
	return t
}

func newColumn(name string, samples []Sample, c int) column {
	col := column{name: name}
	var truth, guess []float64
	for i := range samples {
		annotated, given := samples[i].Annotated, samples[i].Given
		a, g := annotated.Ratings[c], given.Ratings[c]
		col.annotated, col.given = append(col.annotated, a), append(col.given, g)
		truth, guess = append(truth, annotated.score(c)), append(guess, given.score(c))
		col.both = append(col.both, a != scorer.Missing && g != scorer.Missing)
		if a == scorer.Missing {
			col.annotatedMissing++
		}
		if g == scorer.Missing {
			col.givenMissing++
		}
	}
	col.compared = count(col.both)
	col.truth, col.guess = newRanking(truth), newRanking(guess)
	return col
}

// score returns the value that orders samples for a capability: the expected score or, without one, the rating.
func (p Opinion) score(c int) float64 {
	if p.Expected != nil && p.Ratings[c] != scorer.Missing {
		return p.Expected[c]
	}
	return float64(p.Ratings[c])
}

// figures has the figures for which bootstrap intervals are computed: a row for each capability, a row for the mean
// over capabilities, a row for each style, and a row for all styles together.
type figures [][]float64

// The columns of a capability's row.
const (
	spearmanAt = iota
	kappaAt
	exactAt
	nearAt
	withinAt
	capabilityFigures
)

// The columns of a style's row.
const (
	precisionAt = iota
	recallAt
	f1At
)

func (t *table) meanRow() int  { return len(t.columns) }
func (t *table) microRow() int { return len(t.columns) + 1 + len(t.labels) }

// figures computes all figures with a weight for each sample.
func (t *table) figures(weights []float64) figures {
	out := make(figures, 0, t.microRow()+1)
	compared := make([]float64, t.n)
	for c := range t.columns {
		col := &t.columns[c]
		for i, both := range col.both {
			compared[i] = 0
			if both {
				compared[i] = weights[i]
			}
		}
		row := make([]float64, capabilityFigures)
		row[spearmanAt] = spearman(col.truth, col.guess, compared)
		row[kappaAt], row[exactAt], row[nearAt] = newConfusion(col.annotated, col.given, compared).figures()
		row[withinAt] = withinGroups(col.truth, col.guess, compared, t.groups)
		out = append(out, row)
	}
	out = append(out, means(out))
	var all styleCounts
	for _, l := range t.labels {
		counts := l.counts(weights)
		all.both, all.annotated, all.given = all.both+counts.both, all.annotated+counts.annotated, all.given+counts.given
		out = append(out, counts.figures())
	}
	return append(out, all.figures())
}

// means returns the mean of each column over the rows in which it is defined.
func means(rows figures) []float64 {
	mean := make([]float64, capabilityFigures)
	for column := range mean {
		sum, n := 0.0, 0.0
		for _, row := range rows {
			if !math.IsNaN(row[column]) {
				sum, n = sum+row[column], n+1
			}
		}
		mean[column] = sum / n
	}
	return mean
}

func (f figures) of(row int) Figures {
	return Figures{Value(f[row][spearmanAt]), Value(f[row][kappaAt]), Value(f[row][exactAt]), Value(f[row][nearAt])}
}

func (t *table) ones() []float64 {
	weights := make([]float64, t.n)
	for i := range weights {
		weights[i] = 1
	}
	return weights
}

// bySource returns, by source, weights of 1 for the samples of the source and 0 for others.
func (t *table) bySource() map[string][]float64 {
	weights := map[string][]float64{}
	for i, name := range t.sources {
		if weights[name] == nil {
			weights[name] = make([]float64, t.n)
		}
		weights[name][i] = 1
	}
	return weights
}
