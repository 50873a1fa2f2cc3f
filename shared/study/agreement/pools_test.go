package agreement_test

import (
	"encoding/json"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/harvest-ml/harvest/shared/study/agreement"
)

// sixSources returns 240 samples of six sources. Their annotated ratings differ between sources and within each source.
// given computes the rater's ratings.
func sixSources(given func(source, rating int8) int8) ([]agreement.Sample, agreement.Options) {
	rng := rand.New(rand.NewPCG(3, 3))
	var samples []agreement.Sample
	for i := range 240 {
		s := agreement.Sample{ID: fmt.Sprint(i), Source: fmt.Sprint("source ", i%6)}
		for c := range int8(3) {
			source := (int8(i%6) + c) % 3
			rating := source + int8(rng.IntN(3))
			s.Annotated.Ratings = append(s.Annotated.Ratings, rating)
			s.Given.Ratings = append(s.Given.Ratings, given(source, rating))
		}
		s.Annotated.Styles, s.Given.Styles = []string{"plain"}, []string{"plain"}
		samples = append(samples, s)
	}
	return samples, agreement.Options{
		Capabilities: []string{"a", "b", "c"}, Styles: []string{"plain"}, Resamples: 50, Seed: 1,
	}
}

func measurePools(t *testing.T, samples []agreement.Sample, o agreement.Options) *agreement.Pools {
	t.Helper()
	p, err := agreement.MeasurePools(samples, o)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// A rater who agrees completely has 1 for every figure. A rater who knows only the means of sources has the figures of
// the baseline, and 0 within sources. The selection of a rater with inverted ratings is worse than a random selection.
func TestPools(t *testing.T) {
	t.Parallel()
	equal := func(got agreement.Value, want float64) bool { return math.Abs(float64(got)-want) < 1e-9 }
	samples, o := sixSources(func(_, rating int8) int8 { return rating })
	p := measurePools(t, samples, o)
	if p.Drawn != 50 || !equal(p.Spearman.Low, 1) || !equal(p.QWK.Median, 1) || !equal(p.WithinSource.High, 1) ||
		!equal(p.MicroF1.Median, 1) || !equal(p.SelectionValue["0.1"].Low, 1) || !equal(p.SelectionValue["0.3"].High, 1) ||
		!equal(p.Capabilities["b"].Spearman.Low, 1) {
		t.Errorf("a rater who agrees in everything: %+v", p)
	}
	means := p.SourceMean.Spearman
	if !(means.Low < means.Median && means.Median < means.High && means.Median > 0.3 && means.Median < 0.9) {
		t.Errorf("a rater who knows the sources' means has Spearman %+v", means)
	}

	samples, o = sixSources(func(source, _ int8) int8 { return source + 1 }) // the mean
	p = measurePools(t, samples, o)
	if within := p.WithinSource; within.Low != 0 || within.High != 0 {
		t.Errorf("a rater who knows only the sources has %+v within sources, want 0", within)
	}
	if d := float64(p.Spearman.Median - means.Median); math.Abs(d) > 0.05 {
		t.Errorf("a rater who knows only the sources has Spearman %v, but the baseline of the pools is %v", p.Spearman, means)
	}

	samples, o = sixSources(func(source, rating int8) int8 { return 4 - rating })
	if p = measurePools(t, samples, o); !(p.SelectionValue["0.1"].Median < 0) {
		t.Errorf("with inverted ratings, the selection value is %+v", p.SelectionValue["0.1"])
	}
}

// The same samples give the same pools. With only three sources, no pool is drawn.
func TestPoolsAreRepeatable(t *testing.T) {
	t.Parallel()
	samples, o := sixSources(func(_, rating int8) int8 { return rating / 2 })
	encode := func() string {
		data, err := json.Marshal(measurePools(t, samples, o))
		if err != nil {
			t.Fatal(err)
		}
		return string(data)
	}
	if first, second := encode(), encode(); first != second {
		t.Errorf("%s and then %s", first, second)
	}
	few := slices.DeleteFunc(slices.Clone(samples), func(s agreement.Sample) bool { return s.Source > "source 2" })
	if p := measurePools(t, few, o); p != nil {
		t.Errorf("pools of three sources: %+v", p)
	}
	few = slices.Clone(samples)
	few[0].Given.Ratings = nil
	if _, err := agreement.MeasurePools(few, o); err == nil {
		t.Error("no error for an opinion without ratings")
	}
}

// TestValueIntervals computes the intervals of the selection value. A rater who agrees completely has 1 in each
// resample. The interval of a rater with errors contains the value, and is the same each time.
func TestValueIntervals(t *testing.T) {
	t.Parallel()
	intervals := func(rate func(_, rating int8) int8) (*agreement.Report, map[string]agreement.Interval) {
		samples, o := sixSources(rate)
		report, err := agreement.Measure(samples, o)
		if err != nil {
			t.Fatal(err)
		}
		found, err := agreement.ValueIntervals(samples, o)
		if err != nil {
			t.Fatal(err)
		}
		return report, found
	}
	if _, all := intervals(func(_, rating int8) int8 { return rating }); all["0.1"] != (agreement.Interval{1, 1}) ||
		all["0.3"] != (agreement.Interval{1, 1}) {
		t.Errorf("a rater who agrees in everything: %v", all)
	}
	mixed := func(source, rating int8) int8 { return (source + rating) / 2 }
	report, all := intervals(mixed)
	for budget, value := range report.SelectionValue {
		if in := all[budget]; !(in[0] < in[1] && in[0] <= value && value <= in[1]) {
			t.Errorf("at %s the value %v is not in the interval %v", budget, value, in)
		}
	}
	if _, again := intervals(mixed); again["0.1"] != all["0.1"] {
		t.Errorf("interval %v, and again %v", all["0.1"], again["0.1"])
	}
}
