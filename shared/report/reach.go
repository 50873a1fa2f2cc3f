package report

import (
	webpage "github.com/harvest-ml/harvest/shared/page"
	"github.com/harvest-ml/harvest/shared/scorer/reach"
)

// maxReached is the largest number of sources in the table.
const maxReached = 30

// A Reach describes how far a dataset is from the scorer's training data.
type Reach struct {
	Sentence string
	Table    Table // the sources, the most distant source first
	More     int   // number of sources that are not in the table
}

// newReach returns the Reach of a report; nil if no distances are known.
func newReach(r *reach.Report) *Reach {
	if r == nil {
		return nil
	}
	out := &Reach{Sentence: r.Sentence(), Table: Table{Head: []string{"source", "samples", "far", "at the edge", "band"}}}
	if r.Scale.Forecasts() {
		out.Table.Head = append(out.Table.Head, "mean absolute error, forecast")
	}
	for _, s := range r.Sources[:min(len(r.Sources), maxReached)] {
		cells := []string{
			webpage.Name(s.Source), webpage.Group(s.Samples), webpage.Percent(s.Far), webpage.Percent(s.Edge), s.Band.String(),
		}
		if s.Error != nil {
			cells = append(cells, webpage.Decimal(*s.Error))
		}
		out.Table.add(cells...)
	}
	out.More = len(r.Sources) + r.More - len(out.Table.Rows)
	return out
}
