package agreement

import (
	"fmt"
	"hash/fnv"
	"math"
	"strconv"

	"github.com/harvest-ml/harvest/shared/scorer"
	"github.com/harvest-ml/harvest/shared/selection"
)

// compareSelections makes the selections that annotations and given opinions lead to, with the
// paper's parameters and the same ties.
func (r *Report) compareSelections(samples []Sample, o Options) error {
	r.Overlap, r.RandomOverlap = map[string]Value{}, map[string]Value{}
	annotated, err := newPool(samples, o, func(s *Sample) Opinion { return s.Annotated })
	if err != nil {
		return err
	}
	given, err := newPool(samples, o, func(s *Sample) Opinion { return s.Given })
	if err != nil {
		return err
	}
	for _, ratio := range Ratios {
		overlap, random := math.NaN(), math.NaN()
		if budget := int(float64(len(samples)) * ratio); budget > 0 {
			if overlap, random, err = compare(annotated, given, budget); err != nil {
				return err
			}
		}
		name := strconv.FormatFloat(ratio, 'g', -1, 64)
		r.Overlap[name], r.RandomOverlap[name] = Value(overlap), Value(random)
	}
	return nil
}

// compare is the share of the selection from the annotated pool that the one from the given pool holds, and that a
// random one of its size would hold on average.
func compare(annotated, given *selection.Pool, budget int) (overlap, random float64, err error) {
	want, err := selection.Select(annotated, selection.Params{Budget: budget})
	if err != nil {
		return 0, 0, err
	}
	got, err := selection.Select(given, selection.Params{Budget: budget})
	if err != nil {
		return 0, 0, err
	}
	in := make([]bool, given.Len())
	for _, s := range got.Samples() {
		in[s] = true
	}
	shared := 0
	for _, s := range want.Samples() {
		if in[s] {
			shared++
		}
	}
	return float64(shared) / float64(len(want.Picks)), float64(len(got.Picks)) / float64(given.Len()), nil
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
