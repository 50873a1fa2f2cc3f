// Package reach estimates how reliable the ratings of a scorer are on a dataset: from the distance of its samples to
// the training samples, or from the scorer's agreement with annotations of the dataset.
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
	bands // the number of bands
)

// String returns the name of the band.
func (b Band) String() string { return [bands]string{"near", "edge", "far"}[b] }

// MarshalText returns the name of the band.
func (b Band) MarshalText() ([]byte, error) { return []byte(b.String()), nil }

// UnmarshalText reads the name of a band.
func (b *Band) UnmarshalText(text []byte) error {
	for *b = Near; *b < bands; *b++ {
		if b.String() == string(text) {
			return nil
		}
	}
	return fmt.Errorf("%q is neither near, edge nor far", text)
}

// A Scale has the measured errors of a scorer. An error is the mean absolute difference between expected score and
// annotated rating, over capabilities and samples. Weights and plans contain a Scale.
type Scale struct {
	// Edge and Far are the distances (scorer.Result) at which these bands begin. For samples of known sources, half of the
	// distances are below Edge, and four of five are below Far.
	Edge int `json:"edge"`
	Far  int `json:"far"`
	// Bands are the errors on sources that were held out of the training, by the band of the source.
	Bands [bands]Measured `json:"bands"`
	// Errors are the mean errors of single ratings on held-out sources, by the band of the sample and by the rating.
	Errors [bands][scorer.MaxRating + 1]float64 `json:"errors"`
	// Correlation is Spearman's correlation of forecast and measured errors, over held-out sources. The forecast for a
	// source uses the Errors of the other sources.
	Correlation Interval `json:"correlation"`
	// Order is Spearman's correlation of expected scores and annotated ratings in pools of three held-out sources: the
	// median, and the 5th and 95th percentile. SourceMeans is the median of a baseline that rates each sample with the
	// mean ratings of its source.
	Order       Interval `json:"order"`
	SourceMeans float64  `json:"source_means"`
	// Own is the agreement with annotations of the user's dataset; nil if the training used no such annotations. If Own is
	// set, the other fields are empty.
	Own *Own `json:"own,omitempty"`
}

// An Interval is a value with the lower and the upper bound of an interval.
type Interval struct {
	Value float64 `json:"value"`
	Low   float64 `json:"low"`
	High  float64 `json:"high"`
}

// Measured has the errors on the sources of a band; it is zero if the band has no sources.
type Measured struct {
	Sources int `json:"sources"`
	Samples int `json:"samples"`
	// Error is the mean over sources, with the lowest and the highest error of a source.
	Error Interval `json:"error"`
}

// Own is the agreement of ratings with the user's annotated samples, in cross-validation: each sample was rated by
// weights that were trained without it.
type Own struct {
	Samples  int     `json:"samples"`
	Spearman float64 `json:"spearman"`
	QWK      float64 `json:"qwk"`
}

// leastCorrelation is the least lower bound of Correlation for which forecasts are shown.
const leastCorrelation = 0.2

// Forecasts reports whether errors are forecast for single sources. Otherwise only the errors of bands are shown.
func (s *Scale) Forecasts() bool { return s.Correlation.Low >= leastCorrelation }

// BandOf returns the band of a distance.
func (s *Scale) BandOf(distance int) Band {
	switch {
	case distance >= s.Far:
		return Far
	case distance >= s.Edge:
		return Edge
	}
	return Near
}

// A Teller is a scorer that can have a Scale.
type Teller interface{ Reach() *Scale }

// Of returns the Scale of a scorer; nil if the scorer has no Scale.
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

// Band returns the band of the source: Far if at least half of the samples are far; otherwise Edge if at least half of
// the samples are edge or far; otherwise Near.
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

// Forecast returns the expected error of the tally's ratings; false if the tally has no ratings.
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

// A Source describes the distance of a source's samples to the scorer's training data.
type Source struct {
	Source  string `json:"source"`
	Samples int    `json:"samples"` // number of rated samples
	// Far and Edge are the shares, in [0, 1], of the samples in these bands.
	Far  float64 `json:"far"`
	Edge float64 `json:"edge"`
	Band Band    `json:"band"`
	// Error is the forecast of the mean absolute error; nil if there is no forecast.
	Error *float64 `json:"error,omitempty"`
}

// A Report describes the distance of a dataset to the scorer's training data.
type Report struct {
	// Samples is the number of rated samples. Far is the share of the dataset's samples in the band Far, in [0, 1].
	Samples int     `json:"samples"`
	Far     float64 `json:"far"`
	// Sources are sorted from the farthest to the nearest. More is the number of sources that are left out of the list.
	// The list is empty if Scale has Own.
	Sources []Source `json:"sources,omitempty"`
	More    int      `json:"more,omitempty"`
	Scale   Scale    `json:"scale"`
}

// mostSources is the largest number of sources in a report.
const mostSources = 1000

// Report returns a report of the tallies of sources, which are given by name; nil if s is nil or there are no samples.
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

// Weigh sets Far to the share of a dataset of which only some samples were rated. sizes has the number of samples of
// each source in the dataset. A source that is not in the report does not count.
func (r *Report) Weigh(sizes map[string]int64) {
	if r == nil {
		return
	}
	var far, all float64
	for _, s := range r.Sources {
		far, all = far+s.Far*float64(sizes[s.Source]), all+float64(sizes[s.Source])
	}
	if all > 0 {
		r.Far = far / all
	}
}

// FarSources returns the number of sources whose band is Far.
func (r *Report) FarSources() (n int) {
	for _, s := range r.Sources {
		if s.Band == Far {
			n++
		}
	}
	return n
}
