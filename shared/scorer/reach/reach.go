// Package reach says how far the ratings of a scorer can be trusted on a dataset: by how far its samples lie from those
// that the scorer was trained on, or by its agreement with annotations of the dataset itself.
package reach

import (
	"cmp"
	"fmt"
	"iter"
	"slices"

	"github.com/harvest-ml/harvest/shared/scorer"
)

// A Band is a range of distances.
type Band int

// The bands, from the nearest on.
const (
	Near Band = iota
	Edge
	Far
	bands // how many there are
)

// String is the band's name.
func (b Band) String() string { return [bands]string{"near", "edge", "far"}[b] }

// MarshalText is String.
func (b Band) MarshalText() ([]byte, error) { return []byte(b.String()), nil }

// UnmarshalText reads what MarshalText wrote.
func (b *Band) UnmarshalText(text []byte) error {
	for *b = Near; *b < bands; *b++ {
		if b.String() == string(text) {
			return nil
		}
	}
	return fmt.Errorf("%q is neither near, edge nor far", text)
}

// A Scale is what is known of a scorer's errors. Errors are mean absolute differences of expected scores and annotated
// ratings, over capabilities and samples. Weights hold it, and the plan of a run does.
type Scale struct {
	// Edge and Far are the distances (scorer.Result) from which on a sample is of these bands: half of the samples of
	// sources that the scorer knows are nearer than Edge, and four of five are nearer than Far.
	Edge int `json:"edge"`
	Far  int `json:"far"`
	// Bands are what was measured of sources that were left out of the training, by the band of the source.
	Bands [bands]Measured `json:"bands"`
	// Errors are the mean errors of single ratings, by the band of the sample and by the rating.
	Errors [bands][scorer.MaxRating + 1]float64 `json:"errors"`
	// Correlation is Spearman's of the forecast for sources that were left out, from the Errors of the others, and the
	// errors measured of them.
	Correlation Interval `json:"correlation"`
	// Order is Spearman's correlation of expected scores and annotated ratings in pools of three sources that were left
	// out: the median, and the 5th and 95th percentile. SourceMeans is the median for a rater who knows the mean ratings
	// of each source alone.
	Order       Interval `json:"order"`
	SourceMeans float64  `json:"source_means"`
	// Own is the agreement with annotations of a dataset of one's own; nil of weights that learned from none. Nothing else
	// is known then.
	Own *Own `json:"own,omitempty"`
}

// An Interval is a figure with the bounds that hold it with 95 %.
type Interval struct {
	Value float64 `json:"value"`
	Low   float64 `json:"low"`
	High  float64 `json:"high"`
}

// Measured is what was measured of the sources of a band. Without any, it is zero.
type Measured struct {
	Sources int `json:"sources"`
	Samples int `json:"samples"`
	// Error is the mean over sources, with the least and the most.
	Error Interval `json:"error"`
}

// Own is the agreement with annotated samples of one's own, each left out of the training in its turn.
type Own struct {
	Samples  int     `json:"samples"`
	Spearman float64 `json:"spearman"`
	QWK      float64 `json:"qwk"`
}

// leastCorrelation is the lower bound of a correlation from which on forecasts are shown.
const leastCorrelation = 0.2

// Forecasts reports whether errors of single sources are forecast: else those of bands are all that is known.
func (s *Scale) Forecasts() bool { return s.Correlation.Low >= leastCorrelation }

// BandOf is the band of a distance.
func (s *Scale) BandOf(distance int) Band {
	switch {
	case distance >= s.Far:
		return Far
	case distance >= s.Edge:
		return Edge
	}
	return Near
}

// A Teller is a scorer of which a Scale is known.
type Teller interface{ Reach() *Scale }

// Of is what is known of a scorer; nil if nothing is.
func Of(s scorer.Scorer) *Scale {
	if t, ok := s.(Teller); ok {
		return t.Reach()
	}
	return nil
}

// A Tally counts the ratings of a source's samples. The zero Tally is that of none.
type Tally struct {
	samples [bands]int
	ratings [bands][scorer.MaxRating + 1]int
}

// Add counts a sample of a band with its ratings, of which missing ones do not count.
func (t *Tally) Add(band Band, ratings iter.Seq[int8]) {
	t.samples[band]++
	for rating := range ratings {
		if rating >= 0 && rating <= scorer.MaxRating {
			t.ratings[band][rating]++
		}
	}
}

// Band is that of the source: far or at the edge if at least half of its samples are so far.
func (t *Tally) Band() Band {
	near, edge, far := t.samples[Near], t.samples[Edge], t.samples[Far]
	switch {
	case far >= near+edge:
		return Far
	case far+edge >= near:
		return Edge
	}
	return Near
}

// Forecast is the error that the scale expects of the tally's ratings; false of a tally without any.
func (t *Tally) Forecast(errors *[bands][scorer.MaxRating + 1]float64) (float64, bool) {
	sum, n := 0.0, 0
	for b, counts := range t.ratings {
		for rating, count := range counts {
			sum += float64(errors[b][rating] * float64(count))
			n += count
		}
	}
	return sum / float64(max(n, 1)), n > 0
}

// A Source is how far the samples of a source are from what its scorer was trained on.
type Source struct {
	Source  string `json:"source"`
	Samples int    `json:"samples"` // rated
	// Far is the share, in [0, 1], of samples that are far, and Edge that of those at the edge.
	Far  float64 `json:"far"`
	Edge float64 `json:"edge"`
	Band Band    `json:"band"`
	// Error is the forecast of the mean absolute error; nil where there is none.
	Error *float64 `json:"error,omitempty"`
}

// A Report is how far a dataset is from what its scorer was trained on.
type Report struct {
	// Samples are those rated, Far the share of them, in [0, 1], that are far.
	Samples int     `json:"samples"`
	Far     float64 `json:"far"`
	// Sources have the farthest first, and More is how many more there are. None are there where Scale has the
	// agreement with own annotations.
	Sources []Source `json:"sources,omitempty"`
	More    int      `json:"more,omitempty"`
	Scale   Scale    `json:"scale"`
}

// mostSources is how many sources a report has.
const mostSources = 1000

// Report is what tallies of sources say under the scale; nil without a scale or a sample.
func (s *Scale) Report(tallies map[string]*Tally) *Report {
	if s == nil {
		return nil
	}
	r := &Report{Scale: *s}
	far := 0
	for name, t := range tallies {
		n := t.samples[Near] + t.samples[Edge] + t.samples[Far]
		if n == 0 {
			continue
		}
		r.Samples, far = r.Samples+n, far+t.samples[Far]
		one := Source{
			Source: name, Samples: n, Band: t.Band(),
			Far: float64(t.samples[Far]) / float64(n), Edge: float64(t.samples[Edge]) / float64(n),
		}
		if v, ok := t.Forecast(&s.Errors); ok && s.Forecasts() {
			one.Error = &v
		}
		r.Sources = append(r.Sources, one)
	}
	if r.Samples == 0 {
		return nil
	}
	r.Far = float64(far) / float64(r.Samples)
	slices.SortFunc(r.Sources, func(a, b Source) int {
		return cmp.Or(cmp.Compare(b.Far, a.Far), cmp.Compare(b.Edge, a.Edge), cmp.Compare(b.Samples, a.Samples),
			cmp.Compare(a.Source, b.Source))
	})
	if n := len(r.Sources); n > mostSources {
		r.Sources, r.More = r.Sources[:mostSources], n-mostSources
	}
	if s.Own != nil {
		r.Sources, r.More, r.Far = nil, 0, 0
	}
	return r
}

// FarSources counts the sources of which most samples are far.
func (r *Report) FarSources() (n int) {
	for _, s := range r.Sources {
		if s.Band == Far {
			n++
		}
	}
	return n
}
