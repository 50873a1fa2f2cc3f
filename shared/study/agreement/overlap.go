package agreement

import (
	"fmt"
	"hash/fnv"
	"math"
	"strconv"

	"github.com/harvest-ml/harvest/shared/scorer"
	"github.com/harvest-ml/harvest/shared/selection"
)

// compareSelections makes a selection from the annotations and a selection from the given opinions, both with the
// paper's parameters and the same tie breaks. It sets the figures that compare them.
func (r *Report) compareSelections(samples []Sample, o Options) error {
	r.Overlap, r.RandomOverlap, r.SelectionValue = map[string]Value{}, map[string]Value{}, map[string]Value{}
	both, err := newRivals(samples, o)
	if err != nil {
		return err
	}
	for _, ratio := range Ratios {
		name := ratioName(ratio)
		overlap, random, value := math.NaN(), math.NaN(), math.NaN()
		if budget := int(float64(len(samples)) * ratio); budget > 0 {
			got, want, err := both.choose(budget)
			if err != nil {
				return err
			}
			overlap, random = shared(got, want, len(samples)), float64(len(got.Picks))/float64(len(samples))
			value = both.value(got, want)
		}
		r.Overlap[name], r.RandomOverlap[name], r.SelectionValue[name] = Value(overlap), Value(random), Value(value)
	}
	return nil
}

// ValueIntervals returns the bootstrap intervals of SelectionValue by budget, from the same resamples as the intervals
// of Measure. Both selections are made once, from all samples: a selection from a resample would pick the copies of a
// sample, which makes it better. A resample changes the weights of the picks, and the mean ratings.
func ValueIntervals(samples []Sample, o Options) (map[string]Interval, error) {
	both, err := newRivals(samples, o)
	if err != nil {
		return nil, err
	}
	intervals := map[string]Interval{}
	for _, ratio := range Ratios {
		values := make([]float64, o.Resamples)
		got, want := &selection.Result{}, &selection.Result{}
		if budget := int(float64(len(samples)) * ratio); budget > 0 {
			if got, want, err = both.choose(budget); err != nil {
				return nil, fmt.Errorf("comparing selections: %w", err)
			}
		}
		for r := range values {
			drawn := redrawn(len(samples), o.Seed, r)
			again := &rivals{
				samples: samples, means: meanRatings(pick(samples, drawn), len(o.Capabilities)),
				weights: make([]float64, len(samples)),
			}
			for _, s := range drawn {
				again.weights[s]++
			}
			values[r] = again.value(got, want)
		}
		intervals[ratioName(ratio)] = intervalOf(values)
	}
	return intervals, nil
}

// ratioName returns the name of a budget in reports.
func ratioName(ratio float64) string { return strconv.FormatFloat(ratio, 'g', -1, 64) }

// shared returns the share of the samples of the selection want that are also in the selection got.
func shared(got, want *selection.Result, samples int) float64 {
	in := make([]bool, samples)
	for _, s := range got.Samples() {
		in[s] = true
	}
	both := 0
	for _, s := range want.Samples() {
		if in[s] {
			both++
		}
	}
	return float64(both) / float64(len(want.Picks))
}

// rivals makes selections from the given opinions and from the annotations.
type rivals struct {
	samples          []Sample
	given, annotated *selection.Catalog
	means            []float64 // mean annotated rating of each capability
	weights          []float64 // of the samples; nil if each has the weight 1
}

func newRivals(samples []Sample, o Options) (*rivals, error) {
	r := &rivals{samples: samples, means: meanRatings(samples, len(o.Capabilities))}
	for _, by := range []struct {
		into    **selection.Catalog
		opinion func(*Sample) Opinion
	}{
		{&r.given, func(s *Sample) Opinion { return s.Given }},
		{&r.annotated, func(s *Sample) Opinion { return s.Annotated }},
	} {
		pool, err := newPool(samples, o, by.opinion)
		if err != nil {
			return nil, err
		}
		if *by.into, err = selection.NewCatalog(pool); err != nil {
			return nil, err
		}
	}
	return r, nil
}

// choose makes both selections for a budget of samples.
func (r *rivals) choose(budget int) (got, want *selection.Result, err error) {
	if got, err = r.given.Select(selection.Params{Budget: budget}); err == nil {
		want, err = r.annotated.Select(selection.Params{Budget: budget})
	}
	return got, want, err
}

// value returns the gain of the selection got as a share of the gain of the selection want; NaN if the gain of want is
// not above 0. The gain of a selection is the mean over its picks of a difference: the pick's annotated rating on the
// capability that picked it, minus the mean annotated rating of all samples on this capability.
func (r *rivals) value(got, want *selection.Result) float64 {
	gain := func(s *selection.Result) (sum float64) {
		n := 0.0
		for _, p := range s.Picks {
			if rating := r.samples[p.Sample].Annotated.Ratings[p.Capability]; rating != scorer.Missing {
				weight := 1.0
				if r.weights != nil {
					weight = r.weights[p.Sample]
				}
				sum = sum + float64(weight*float64(rating)) - float64(weight*r.means[p.Capability])
				n += weight
			}
		}
		return sum / n
	}
	if most := gain(want); most > 0 {
		return gain(got) / most
	}
	return math.NaN()
}

func newPool(samples []Sample, options Options, opinion func(*Sample) Opinion) (*selection.Pool, error) {
	b := selection.NewBuilder(options.Capabilities...)
	for i := range samples {
		o := opinion(&samples[i])
		ties := fnv.New64a()
		fmt.Fprint(ties, samples[i].ID)
		row := selection.Sample{Source: samples[i].Source, Styles: o.Styles, Index: int64(i), Tie: ties.Sum64()}
		for c, rating := range o.Ratings {
			row.Ratings = append(row.Ratings, rating)
			if o.Expected != nil {
				units := uint16(0)
				if rating != scorer.Missing {
					units = scorer.Units(o.Expected[c])
				}
				row.Expected = append(row.Expected, units)
			}
		}
		if err := b.Add(row); err != nil {
			return nil, err
		}
	}
	return b.Pool, nil
}
