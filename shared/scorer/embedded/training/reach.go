package training

import (
	"math"
	"math/rand/v2"
	"slices"

	"github.com/harvest-ml/harvest/shared/scorer"
	"github.com/harvest-ml/harvest/shared/scorer/reach"
	"github.com/harvest-ml/harvest/shared/study/agreement"
	"gonum.org/v1/gonum/stat"
)

// nearShare and edgeShare are quantiles of the distances of samples whose images, but not sources, were held out.
// Distances up to the first quantile are near. Distances above the second are far.
const (
	nearShare = 0.5
	edgeShare = 0.8
)

// A leftSource is a source that was held out, with the errors of its predictions.
type leftSource struct {
	name    string
	fold    int
	samples int
	tally   reach.Tally
	error   float64 // mean absolute difference of expected scores and annotated ratings
}

// reach computes the errors by distance from validations and from pools of held-out sources. It returns nil if there
// are too few families of sources.
func (t *task) reach(validations []*crossValidation, pools *agreement.Pools) *reach.Scale {
	if len(validations) < 2 || len(t.distinct(family)) < leastFamilies {
		return nil
	}
	seen, unseen := validations[0], validations[1]
	s := &reach.Scale{Edge: shareAt(seen.distances, nearShare) + 1, Far: shareAt(seen.distances, edgeShare) + 1}
	predicted := t.predicted(validations, unseen, 0)
	var all errorTable
	folds := make([]errorTable, unseen.folds) // for each fold, the errors of the samples of other folds
	sources := map[string]*leftSource{}
	for i, p := range predicted {
		band := s.BandOf(unseen.distances[i])
		left := sources[p.Source]
		if left == nil {
			left = &leftSource{name: p.Source, fold: unseen.fold[i]}
			sources[p.Source] = left
		}
		left.samples++
		left.tally.Add(band, slices.Values(p.Given.Ratings))
		sum, n := 0.0, 0.0
		for c, rating := range p.Annotated.Ratings {
			if rating == scorer.Missing {
				continue
			}
			off := math.Abs(p.Given.Expected[c] - float64(rating))
			sum, n = sum+off, n+1
			all.add(band, p.Given.Ratings[c], off)
			for k := range folds {
				if k != unseen.fold[i] {
					folds[k].add(band, p.Given.Ratings[c], off)
				}
			}
		}
		left.error += sum / max(n, 1)
	}
	var list []*leftSource
	for _, name := range t.distinct(func(source string) string { return source }) {
		sources[name].error /= float64(sources[name].samples)
		list = append(list, sources[name])
	}
	s.Errors = all.means()
	s.Bands = measuredBands(list)
	s.Correlation = correlation(list, folds)
	s.Order, s.SourceMeans = order(pools)
	return s
}

// order returns the rank correlation in pools of held-out sources, and the correlation of a rater who knows only the
// means of the sources.
func order(p *agreement.Pools) (reach.Interval, float64) {
	of := func(s agreement.Spread) reach.Interval {
		return rounded(reach.Interval{Value: known(s.Median), Low: known(s.Low), High: known(s.High)})
	}
	return of(p.Spearman), of(p.SourceMean.Spearman).Value
}

// shareAt returns the quantile of the distances for this share.
func shareAt(distances []int, share float64) int {
	sorted := slices.Sorted(slices.Values(distances))
	return sorted[int(share*float64(len(sorted)-1))]
}

// An errorTable sums errors by band and rating.
type errorTable struct {
	sum, count [3][scorer.MaxRating + 1]float64
}

func (e *errorTable) add(band reach.Band, rating int8, off float64) {
	e.sum[band][rating] += off
	e.count[band][rating]++
}

// prior is the weight of a rating's mean error over all bands in each cell of an errorTable, as a number of ratings.
const prior = 20

// means returns the mean errors, rounded to thousandths.
func (e *errorTable) means() (means [3][scorer.MaxRating + 1]float64) {
	for rating := range means[0] {
		sum, n := 0.0, 0.0
		for band := range means {
			sum, n = sum+e.sum[band][rating], n+e.count[band][rating]
		}
		mean := sum / max(n, 1)
		for band := range means {
			v := (e.sum[band][rating] + prior*mean) / (e.count[band][rating] + prior)
			means[band][rating] = thousandths(v)
		}
	}
	return means
}

func thousandths(v float64) float64 { return math.Round(v*1000) / 1000 }

// measuredBands returns the errors of sources by band. Each source counts in its own band.
func measuredBands(sources []*leftSource) (out [3]reach.Measured) {
	for band := range out {
		m := &out[band]
		for _, s := range sources {
			if int(s.tally.Band()) != band {
				continue
			}
			if m.Sources == 0 {
				m.Error.Low, m.Error.High = s.error, s.error
			}
			m.Sources, m.Samples = m.Sources+1, m.Samples+s.samples
			m.Error.Value += s.error
			m.Error.Low, m.Error.High = min(m.Error.Low, s.error), max(m.Error.High, s.error)
		}
		m.Error.Value /= float64(max(m.Sources, 1))
		m.Error = rounded(m.Error)
	}
	return out
}

func rounded(i reach.Interval) reach.Interval {
	return reach.Interval{Value: thousandths(i.Value), Low: thousandths(i.Low), High: thousandths(i.High)}
}

// correlation returns Spearman's correlation of the forecasts and the errors of the sources, with a 95 % interval. Each
// forecast uses only the sources of other folds. The interval comes from drawing families of sources with replacement,
// because sources of one family are not independent.
func correlation(sources []*leftSource, folds []errorTable) reach.Interval {
	var means [][3][scorer.MaxRating + 1]float64
	for k := range folds {
		means = append(means, folds[k].means())
	}
	families := map[string][][2]float64{}
	var names []string
	for _, s := range sources {
		forecast, _ := s.tally.Forecast(&means[s.fold])
		name := family(s.name)
		if families[name] == nil {
			names = append(names, name)
		}
		families[name] = append(families[name], [2]float64{forecast, s.error})
	}
	of := func(drawn func(i int) string) (rho float64, varies bool) {
		var forecasts, errors []float64
		for i := range names {
			for _, pair := range families[drawn(i)] {
				forecasts, errors = append(forecasts, pair[0]), append(errors, pair[1])
			}
		}
		return agreement.Spearman(forecasts, errors)
	}
	rng := rand.New(rand.NewPCG(reportSeed, uint64(len(names))))
	var resampled []float64
	for range correlationResamples {
		if rho, varies := of(func(int) string { return names[rng.IntN(len(names))] }); varies {
			resampled = append(resampled, rho)
		}
	}
	slices.Sort(resampled)
	rho, varies := of(func(i int) string { return names[i] })
	if !varies || len(resampled) == 0 {
		return reach.Interval{}
	}
	at := func(p float64) float64 { return stat.Quantile(p, stat.Empirical, resampled, nil) }
	return rounded(reach.Interval{Value: rho, Low: at(0.025), High: at(0.975)})
}

const correlationResamples = 1000
