package subset

import (
	"context"
	"math"

	"github.com/harvest-ml/harvest/shared/run"
	"github.com/harvest-ml/harvest/shared/scores"
)

// ratedOn returns a record's ratings in the order of capabilities; nil if it has none.
func ratedOn(capabilities []string, rec *scores.Record) []Rated {
	if rec.Ratings == nil {
		return nil
	}
	rated := make([]Rated, len(capabilities))
	for c, name := range capabilities {
		rated[c] = Rated{Capability: name, Rating: known(rec.Ratings[c])}
		if expected := rec.Expected[c]; !math.IsNaN(float64(expected)) {
			rated[c].Expected = &expected
		}
	}
	return rated
}

// farther is the first sort key of misses. It is 0 for the miss with the capability and the bin of Nearest, so that it
// comes first, and 1 for all others.
func (x *Explanation) farther(m Miss) int {
	if x.Nearest != nil && m.Capability == x.Nearest.Capability && m.Bin == x.Nearest.Bin {
		return 0
	}
	return 1
}

// compareTaken sets the ratings of the samples that were taken instead of the explained samples.
func (r *Reader) compareTaken(ctx context.Context, plan *run.Plan, explanations []Explanation) error {
	for i := range explanations {
		x := &explanations[i]
		if x.Taken == nil {
			continue
		}
		number := plan.RangeOf(x.Taken.Index)
		table, err := r.runs.Scores(ctx, plan.Run, number)
		if err != nil {
			return r.runs.Lost(plan.Run, err)
		}
		rec := &table.Records[x.Taken.Index-plan.Ranges[number].FirstIndex]
		own, other := x.Rated, ratedOn(table.Capabilities, rec)
		for c := range own {
			if own[c].Capability == x.Nearest.Capability {
				x.Taken.compare(own[c], other[c])
			}
		}
	}
	return nil
}

// compare sets the rating and the expected score of the taken sample on a capability, and their differences from those
// of the explained sample, own. Both samples must have a rating.
func (t *Taken) compare(own, taken Rated) {
	t.Rated = taken
	t.Gap = int(*taken.Rating) - int(*own.Rating)
	if own.Expected != nil && taken.Expected != nil {
		gap := *taken.Expected - *own.Expected
		t.ExpectedGap = &gap
	}
}
