package agreement

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"

	"github.com/harvest-ml/harvest/shared/scorer"
	"gonum.org/v1/gonum/stat"
)

// PoolSources is the number of sources in a pool of MeasurePools.
const PoolSources = 3

// Pools is the agreement on pools of samples. A pool has all samples of PoolSources sources, which are drawn at random.
// So the agreement is typical for a dataset of a few sources. Over many sources, even a rater who knows only the mean
// rating of each source agrees well; SourceMean is the agreement of such a rater.
type Pools struct {
	Drawn int `json:"drawn"`
	PoolFigures
	// SourceMean is the agreement of a rater who gives each sample the mean annotated rating of its source.
	SourceMean PoolFigures `json:"source_mean"`
	// Capabilities has the figures of each capability. SourceMeans has the Spearman correlations of a rater who knows only
	// the means of sources.
	Capabilities map[string]PoolFigures `json:"capabilities"`
	SourceMeans  map[string]Spread      `json:"capabilities_source_mean"`
	MicroF1      Spread                 `json:"styles_micro_f1"`
	// SelectionValue has, by budget, the value of the selection from the given opinions. A pick counts with its annotated
	// rating on the capability that picked it. The gain of a selection is the mean of these ratings minus the mean of
	// random picks. The value is the gain as a share of the gain of the selection from the annotations.
	SelectionValue map[string]Spread `json:"selection_value"`
}

// PoolFigures has the spreads of figures over the pools in which they are defined.
type PoolFigures struct {
	Spearman     Spread `json:"spearman"`
	QWK          Spread `json:"qwk"`
	WithinSource Spread `json:"within_source"` // Spearman
}

// A Spread has the median, the 5th and the 95th percentile of a figure over pools. All are null if no pool has the
// figure.
type Spread struct {
	Median Value `json:"median"`
	Low    Value `json:"low"`
	High   Value `json:"high"`
}

// newSpread returns the spread of figures. It ignores NaN.
func newSpread(values []float64) Spread {
	values = slices.DeleteFunc(slices.Clone(values), math.IsNaN)
	if len(values) == 0 {
		none := Value(math.NaN())
		return Spread{none, none, none}
	}
	slices.Sort(values)
	at := func(p float64) Value { return Value(stat.Quantile(p, stat.Empirical, values, nil)) }
	return Spread{at(0.5), at(0.05), at(0.95)}
}

// MeasurePools compares the opinions on the samples of o.Resamples pools. It returns nil if there are at most
// PoolSources sources. The same samples, options and seed give the same pools. It returns an error if an opinion
// contradicts the options.
func MeasurePools(samples []Sample, o Options) (*Pools, error) {
	bySource := map[string][]int{}
	for i := range samples {
		for _, opinion := range []Opinion{samples[i].Annotated, samples[i].Given} {
			if err := opinion.check(o); err != nil {
				return nil, fmt.Errorf("measuring agreement: sample %s: %w", samples[i].ID, err)
			}
		}
		bySource[samples[i].Source] = append(bySource[samples[i].Source], i)
	}
	if len(bySource) <= PoolSources {
		return nil, nil
	}
	var names []string
	for name := range bySource {
		names = append(names, name)
	}
	slices.Sort(names)
	means := sourceMeans(samples, bySource, len(o.Capabilities))
	var drawn poolTally
	for pool := range o.Resamples {
		random := rand.New(rand.NewPCG(o.Seed, uint64(pool)))
		var given, known []Sample
		for _, at := range random.Perm(len(names))[:PoolSources] {
			for _, i := range bySource[names[at]] {
				given, known = append(given, samples[i]), append(known, samples[i])
				known[len(known)-1].Given = means[samples[i].Source]
			}
		}
		if err := drawn.add(given, known, o); err != nil {
			return nil, err
		}
	}
	return drawn.pools(o), nil
}

// sourceMeans returns, by source, the opinion of a rater who knows only the mean annotated ratings of each source.
func sourceMeans(samples []Sample, bySource map[string][]int, capabilities int) map[string]Opinion {
	means := map[string]Opinion{}
	for source, members := range bySource {
		mean := Opinion{Expected: meanRatings(pick(samples, members), capabilities)}
		for _, rating := range mean.Expected {
			if math.IsNaN(rating) {
				mean.Ratings = append(mean.Ratings, scorer.Missing)
			} else {
				mean.Ratings = append(mean.Ratings, int8(math.Round(rating)))
			}
		}
		means[source] = mean
	}
	return means
}

// A poolTally collects the figures of each pool.
type poolTally struct {
	given, known []figures
	values       map[float64][]float64 // selection value by budget
}

// add measures a pool: the given opinions on its samples, and the opinions of a rater who knows only the means of its
// sources.
func (p *poolTally) add(given, known []Sample, o Options) error {
	t := newTable(given, o)
	p.given = append(p.given, t.figures(t.ones()))
	t = newTable(known, o)
	p.known = append(p.known, t.figures(t.ones()))
	if p.values == nil {
		p.values = map[float64][]float64{}
	}
	both, err := newRivals(given, o)
	if err != nil {
		return err
	}
	for _, ratio := range Ratios {
		value := math.NaN()
		if budget := int(float64(len(given)) * ratio); budget > 0 {
			got, want, err := both.choose(budget)
			if err != nil {
				return err
			}
			value = both.value(got, want)
		}
		p.values[ratio] = append(p.values[ratio], value)
	}
	return nil
}

// pools returns the spreads of the figures over the pools.
func (p *poolTally) pools(o Options) *Pools {
	spread := func(from []figures, row, column int) Spread {
		var values []float64
		for _, f := range from {
			values = append(values, f[row][column])
		}
		return newSpread(values)
	}
	of := func(from []figures, row int) PoolFigures {
		return PoolFigures{spread(from, row, spearmanAt), spread(from, row, kappaAt), spread(from, row, withinAt)}
	}
	mean := len(o.Capabilities)
	r := &Pools{
		Drawn: len(p.given), PoolFigures: of(p.given, mean), SourceMean: of(p.known, mean),
		Capabilities: map[string]PoolFigures{}, SourceMeans: map[string]Spread{},
		MicroF1: spread(p.given, mean+1+len(o.Styles), f1At), SelectionValue: map[string]Spread{},
	}
	for c, name := range o.Capabilities {
		r.Capabilities[name], r.SourceMeans[name] = of(p.given, c), spread(p.known, c, spearmanAt)
	}
	for ratio, values := range p.values {
		r.SelectionValue[ratioName(ratio)] = newSpread(values)
	}
	return r
}

// sourceMean returns the figures of a rater who gives each sample the mean annotated rating of its source.
func sourceMean(samples []Sample, o Options) Figures {
	bySource := map[string][]int{}
	for i := range samples {
		bySource[samples[i].Source] = append(bySource[samples[i].Source], i)
	}
	means, known := sourceMeans(samples, bySource, len(o.Capabilities)), slices.Clone(samples)
	for i := range known {
		known[i].Given = means[known[i].Source]
	}
	t := newTable(known, o)
	return t.figures(t.ones()).of(t.meanRow())
}

// meanRatings returns the mean annotated rating of each capability; NaN for a capability without ratings.
func meanRatings(samples []Sample, capabilities int) []float64 {
	means := make([]float64, capabilities)
	for c := range means {
		n := 0.0
		for i := range samples {
			if rating := samples[i].Annotated.Ratings[c]; rating != scorer.Missing {
				means[c], n = means[c]+float64(rating), n+1
			}
		}
		means[c] /= n
	}
	return means
}
