package subset

import (
	"github.com/harvest-ml/harvest/shared/scorer/reach"
	"github.com/harvest-ml/harvest/shared/scores"
)

// tally counts the samples of a file by their distance from the scorer's training data. sources maps the file's sources
// to the pool's numbers.
func (b *poolBuilder) tally(columns *scores.Columns, sources []uint32) {
	if b.scale == nil {
		return
	}
	for len(b.tallies) < len(b.Pool.SourceNames) {
		b.tallies = append(b.tallies, &reach.Tally{})
	}
	for i, distance := range columns.Distance {
		if columns.Status[i] != scores.OK || distance == 0 {
			continue
		}
		b.tallies[sources[columns.Source[i]]].Add(b.scale.BandOf(int(distance)), func(yield func(int8) bool) {
			for _, ratings := range columns.Ratings {
				if !yield(ratings[i]) {
					return
				}
			}
		})
	}
}

// reach returns the report on the distances of all samples.
func (b *poolBuilder) reach() *reach.Report {
	tallies := map[string]*reach.Tally{}
	for source, t := range b.tallies {
		tallies[b.Pool.SourceNames[source]] = t
	}
	return b.scale.Report(tallies)
}
