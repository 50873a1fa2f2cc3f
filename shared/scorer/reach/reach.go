// Package reach says how far the ratings of a scorer can be trusted on a dataset: by the distance of its samples from
// the training samples, or by the scorer's agreement with annotations of the dataset.
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

// The bands, from the nearest to the farthest.
const (
	Near Band = iota
	Edge
	Far
	bands // their number
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

// A Scale has the measured errors of a scorer. An error is the mean absolute difference between expected score and
// annotated rating, over capabilities and samples. Weights and plans store a Scale.
type Scale struct {
	// Edge and Far are the distances (scorer.Result) at which these bands begin. Of the samples of known sources, half are
	// nearer than Edge, and four of five are nearer than Far.
	Edge int `json:"edge"`
	Far  int `json:"far"`
	// Bands are the errors on sources that were left out of the training, by the band of the source.
	Bands [bands]Measured `json:"bands"`
	// Errors are the mean errors of single ratings, by the band of the sample and by the rating.
	Errors [bands][scorer.MaxRating + 1]float64 `json:"errors"`
	// Correlation is Spearman's correlation of forecast and measured errors, over sources that were left out. A source's
	// forecast uses the Errors of the other sources.
	Correlation Interval `json:"correlation"`
	// Order is Spearman's correlation of expected scores and annotated ratings in pools of three sources that were left
	// out: the median, and the 5th and 95th percentile. SourceMeans is the median for a rater who knows only the mean
	// ratings of each source.
	Order       Interval `json:"order"`
	SourceMeans float64  `json:"source_means"`
	// Own is the agreement with annotations of the user's own dataset; nil if the weights did not learn from any. If it is
	// set, the other fields are empty.
	Own *Own `json:"own,omitempty"`
}

// An Interval is a figure with the bounds of its 95 % interval.
type Interval struct {
	Value float64 `json:"value"`
	Low   float64 `json:"low"`
	High  float64 `json:"high"`
}

// Measured has the errors on the sources of a band; it is zero without sources.
type Measured struct {
	Sources int `json:"sources"`
	Samples int `json:"samples"`
	// Error is the mean over sources, with the lowest and the highest.
	Error Interval `json:"error"`
}

// Own is the agreement with the user's annotated samples. Each was left out once, and rated by weights that had not
// seen it.
type Own struct {
	Samples  int     `json:"samples"`
	Spearman float64 `json:"spearman"`
	QWK      float64 `json:"qwk"`
}

// leastCorrelation is the least lower bound of the correlation for which forecasts are shown.
const leastCorrelation = 0.2

// Forecasts reports whether errors of single sources are forecast. If not, only the errors of bands are shown.
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

// A Teller is a scorer that has a Scale.
type Teller interface{ Reach() *Scale }

// Of is the Scale of a scorer; nil if it has none.
func Of(s scorer.Scorer) *Scale {
	if t, ok := s.(Teller); ok {
		return t.Reach()
	}
	return nil
}

// A Tally counts the ratings of a source's samples. The zero Tally is empty.
type Tally struct {
	samples [bands]int
	ratings [bands][scorer.MaxRating + 1]int
}

// Add counts a sample of a band and its ratings; missing ratings do not count.
func (t *Tally) Add(band Band, ratings iter.Seq[int8]) {
	t.samples[band]++
	for rating := range ratings {
		if rating >= 0 && rating <= scorer.MaxRating {
			t.ratings[band][rating]++
		}
	}
}

// Band is the band of the source: the farthest band such that at least half of the samples are in it or beyond.
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

// Forecast is the expected error of the tally's ratings; false if it has no ratings.
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

// A Source says how far the samples of a source are from the scorer's training data.
type Source struct {
	Source  string `json:"source"`
	Samples int    `json:"samples"` // rated
	// Far and Edge are the shares, in [0, 1], of the samples in these bands.
	Far  float64 `json:"far"`
	Edge float64 `json:"edge"`
	Band Band    `json:"band"`
	// Error is the forecast of the mean absolute error; nil where there is none.
	Error *float64 `json:"error,omitempty"`
}

// A Report says how far a dataset is from the scorer's training data.
type Report struct {
	// Samples is the number of rated samples, Far the share of far ones among them, in [0, 1].
	Samples int     `json:"samples"`
	Far     float64 `json:"far"`
	// Sources are sorted from the farthest, and More is how many were cut. There are none if Scale has Own.
	Sources []Source `json:"sources,omitempty"`
	More    int      `json:"more,omitempty"`
	Scale   Scale    `json:"scale"`
}

// mostSources is how many sources a report has.
const mostSources = 1000

// Report evaluates tallies of sources by the scale; nil without a scale or a sample.
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

// FarSources counts the sources in which most samples are far.
func (r *Report) FarSources() (n int) {
	for _, s := range r.Sources {
		if s.Band == Far {
			n++
		}
	}
	return n
}
