package agreement_test

import (
	"encoding/json"
	"fmt"
	"math"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/harvest-ml/harvest/shared/scorer"
	"github.com/harvest-ml/harvest/shared/study/agreement"
)

// reference has the results of testdata/expected.py with scipy 1.17.1 and scikit-learn 1.9.1.
type reference struct {
	Capabilities, Styles []string
	Samples              []agreement.Sample
	Figures              [][5]float64  // Spearman, kappa, exact, within one, within source
	StyleFigures         [][3]float64  `json:"style_figures"`
	OfZoo                [4]float64    `json:"of_zoo"`
	MeanIntervals        [5][2]float64 `json:"mean_intervals"`
	MicroF1Interval      [2]float64    `json:"micro_f1_interval"`
}

func readReference(t *testing.T) reference {
	t.Helper()
	data, err := os.ReadFile("testdata/expected.json")
	if err != nil {
		t.Fatal(err)
	}
	var ref reference
	if err := json.Unmarshal(data, &ref); err != nil {
		t.Fatal(err)
	}
	for i := range ref.Samples {
		s := &ref.Samples[i]
		s.ID = fmt.Sprint("sample ", i)
		for _, ratings := range [][]int8{s.Annotated.Ratings, s.Given.Ratings} {
			for c := range ratings {
				if ratings[c] == -1 { // a missing rating in the file
					ratings[c] = scorer.Missing
				}
			}
		}
	}
	return ref
}

func (r reference) measure(t *testing.T) *agreement.Report {
	t.Helper()
	return measure(t, r.Samples,
		agreement.Options{Capabilities: r.Capabilities, Styles: r.Styles, Resamples: 2000, Seed: 1})
}

func measure(t *testing.T, samples []agreement.Sample, o agreement.Options) *agreement.Report {
	t.Helper()
	r, err := agreement.Measure(samples, o)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func figures(f agreement.Figures) [4]float64 {
	return [4]float64{float64(f.Spearman), float64(f.QWK), float64(f.Exact), float64(f.WithinOne)}
}

func TestFiguresAreThoseOfSciPyAndScikitLearn(t *testing.T) {
	t.Parallel()
	ref := readReference(t)
	got := ref.measure(t)
	near := cmpopts.EquateApprox(0, 1e-12)
	var mean [5]float64
	for c, name := range ref.Capabilities {
		want := ref.Figures[c]
		for i, f := range want {
			mean[i] += f / float64(len(ref.Capabilities))
		}
		if diff := cmp.Diff([4]float64(want[:4]), figures(got.Capabilities[name].Figures), near); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
		if diff := cmp.Diff(want[4], float64(got.WithinSource.Capabilities[name].Spearman), near); diff != "" {
			t.Errorf("%s within sources (-want +got):\n%s", name, diff)
		}
	}
	if diff := cmp.Diff([4]float64(mean[:4]), figures(got.Mean.Figures), near); diff != "" {
		t.Errorf("mean (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(mean[4], float64(got.WithinSource.Spearman), near); diff != "" {
		t.Errorf("mean within sources (-want +got):\n%s", diff)
	}
	for i, name := range ref.Styles {
		s := got.Styles.Styles[name]
		figures := [3]float64{float64(s.Precision), float64(s.Recall), float64(s.F1)}
		if diff := cmp.Diff(ref.StyleFigures[i], figures, near); diff != "" {
			t.Errorf("style %s (-want +got):\n%s", name, diff)
		}
	}
	micro := [3]float64{float64(got.Styles.MicroPrecision), float64(got.Styles.MicroRecall), float64(got.Styles.MicroF1)}
	if diff := cmp.Diff(ref.StyleFigures[len(ref.Styles)], micro, near); diff != "" {
		t.Errorf("all styles (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(ref.OfZoo, figures(got.Sources["zoo"].Figures), near); diff != "" {
		t.Errorf("source zoo (-want +got):\n%s", diff)
	}
	if w := got.WithinSource; w.Sources != 2 || w.Samples != 75 || w.Above != 2 {
		t.Errorf("within sources: %d sources of %d samples, %d capabilities above 0; want 2 of 75, and 2",
			w.Sources, w.Samples, w.Above)
	}
	if got.Samples != 87 || got.Sources["marsh"].Samples != 30 {
		t.Errorf("%d samples, %d of them of marsh", got.Samples, got.Sources["marsh"].Samples)
	}
}

// With other random numbers, the intervals are nearly the same.
func TestIntervalsAreThoseOfNumPy(t *testing.T) {
	t.Parallel()
	ref := readReference(t)
	got := ref.measure(t)
	in := got.Mean.Intervals
	intervals := []agreement.Interval{
		in.Spearman, in.QWK, in.Exact, in.WithinOne, got.WithinSource.Interval, got.Styles.Intervals.MicroF1,
	}
	for i, want := range append(ref.MeanIntervals[:], ref.MicroF1Interval) {
		for end := range want {
			if math.Abs(float64(intervals[i][end])-want[end]) > 0.012 {
				t.Errorf("interval %d is %.3f, want about %.3f", i, intervals[i], want)
			}
		}
	}
	again, err := json.Marshal(ref.measure(t))
	if err != nil {
		t.Fatal(err)
	}
	if first, err := json.Marshal(got); err != nil || string(first) != string(again) {
		t.Errorf("a second measurement gives another report: %v", err)
	}
}

func TestMissingRatingsAreLeftOutAndCounted(t *testing.T) {
	t.Parallel()
	var samples []agreement.Sample
	const missing = scorer.Missing
	for i, pair := range [][2]int8{{0, 1}, {3, 3}, {5, 2}, {missing, 4}, {2, missing}, {missing, missing}} {
		samples = append(samples, agreement.Sample{
			ID: fmt.Sprint(i), Source: "s",
			Annotated: agreement.Opinion{Ratings: pair[:1]},
			Given:     agreement.Opinion{Ratings: pair[1:], Expected: []float64{math.NaN()}},
		})
	}
	for i := range 3 {
		samples[i].Given.Expected = []float64{float64(samples[i].Given.Ratings[0])}
	}
	got := measure(t, samples, agreement.Options{Capabilities: []string{"song"}}).Capabilities["song"]
	// The ranks are 1 2 3 and 1 3 2. Kappa compares the squared differences 1 0 9 with those of all nine pairs.
	want := [4]float64{0.5, 1 - 10/(float64(1+9+4+4+0+1+16+4+9)/3), 1. / 3, 2. / 3}
	if diff := cmp.Diff(want, figures(got.Figures), cmpopts.EquateApprox(0, 1e-12)); diff != "" {
		t.Errorf("figures (-want +got):\n%s", diff)
	}
	if got.Compared != 3 || got.AnnotatedMissing != 2 || got.GivenMissing != 2 {
		t.Errorf("compared %d, without annotated rating %d, without given one %d",
			got.Compared, got.AnnotatedMissing, got.GivenMissing)
	}
}

// A rater who knows only the source cannot order samples within the source, even if the agreement over all sources is
// high.
func TestWithinSourceOfSourceMeans(t *testing.T) {
	t.Parallel()
	var samples []agreement.Sample
	for i := range 120 {
		source := i % 3
		rating := min(source*2+i/3%2, 5)
		samples = append(samples, agreement.Sample{
			ID: fmt.Sprint(i), Source: fmt.Sprint(source), Annotated: agreement.Opinion{Ratings: []int8{int8(rating)}},
			Given: agreement.Opinion{Ratings: []int8{int8(source * 2)}, Expected: []float64{float64(source*2) + 0.5}},
		})
	}
	got := measure(t, samples, agreement.Options{Capabilities: []string{"song"}, Resamples: 100})
	if rho := got.Mean.Spearman; rho < 0.9 {
		t.Errorf("Spearman over all is %v, want above 0.9", rho)
	}
	if got.WithinSource.Spearman != 0 || got.WithinSource.Above != 0 || got.WithinSource.Sources != 3 {
		t.Errorf("within sources: %+v, want 0", got.WithinSource)
	}
}

func TestWhatIsNotDefinedIsNull(t *testing.T) {
	t.Parallel()
	samples := make([]agreement.Sample, 9)
	for i := range samples {
		samples[i] = agreement.Sample{
			ID: fmt.Sprint(i), Source: "s",
			Annotated: agreement.Opinion{Ratings: []int8{3, int8(i % 4)}},
			Given:     agreement.Opinion{Ratings: []int8{int8(i % 3), 2}},
		}
	}
	got := measure(t, samples,
		agreement.Options{Capabilities: []string{"song", "flight"}, Styles: []string{"word"}, Resamples: 10})
	if f := got.Capabilities["song"]; !math.IsNaN(float64(f.Spearman)) || !math.IsNaN(float64(f.QWK)) || f.Exact != 0 {
		t.Errorf("if all annotated ratings are equal: %+v, want neither Spearman nor kappa", f.Figures)
	}
	if f := got.Capabilities["flight"]; f.Spearman != 0 || math.Abs(float64(f.QWK)) > 1e-12 {
		t.Errorf("if all given ratings are equal: %+v, want 0 for Spearman and kappa", f.Figures)
	}
	if got.Mean.Spearman != 0 {
		t.Errorf("mean Spearman %v, want the Spearman of the only capability for which it is defined", got.Mean.Spearman)
	}
	data, err := json.Marshal(got)
	if err != nil {
		t.Fatal(err)
	}
	for _, part := range []string{`"0.1":null`, `"micro_f1":null`, `"spearman":[null,null]`} {
		if !strings.Contains(string(data), part) {
			t.Errorf("no %s in %s", part, data)
		}
	}
	empty := measure(t, nil, agreement.Options{Capabilities: []string{"song"}, Resamples: 10})
	if !math.IsNaN(float64(empty.Mean.Exact)) {
		t.Errorf("of no samples: %+v", empty.Mean)
	}
}

func TestSelectionOverlap(t *testing.T) {
	t.Parallel()
	samples := make([]agreement.Sample, 40)
	for i := range samples {
		o := agreement.Opinion{Ratings: []int8{int8(i % 5), int8(i * 7 % 6)}, Styles: []string{"word"}}
		samples[i] = agreement.Sample{ID: fmt.Sprint("x", i), Source: fmt.Sprint(i % 4), Annotated: o, Given: o}
	}
	o := agreement.Options{Capabilities: []string{"song", "flight"}, Styles: []string{"word"}}
	got := measure(t, samples, o)
	want := map[string]agreement.Value{"0.1": 1, "0.3": 1}
	if diff := cmp.Diff(want, got.Overlap); diff != "" {
		t.Errorf("of equal opinions (-want +got):\n%s", diff)
	}
	want = map[string]agreement.Value{"0.1": 0.1, "0.3": 0.3}
	if diff := cmp.Diff(want, got.RandomOverlap); diff != "" {
		t.Errorf("of a random selection (-want +got):\n%s", diff)
	}
	for i := range samples {
		samples[i].Given.Ratings = []int8{int8(4 - i%5), int8(5 - i*7%6)}
		samples[i].Given.Expected = []float64{float64(4 - i%5), float64(5 - (i*7)%6)}
	}
	if got := measure(t, samples, o); got.Overlap["0.1"] != 0 {
		t.Errorf("of opposite opinions %v", got.Overlap)
	}
}

func TestMeasureRefuses(t *testing.T) {
	t.Parallel()
	good := agreement.Opinion{Ratings: []int8{1, 2}}
	for name, tt := range map[string]struct {
		given agreement.Opinion
		want  string
	}{
		"ratings": {agreement.Opinion{Ratings: []int8{1}}, "1 ratings and 0 expected scores for 2 capabilities"},
		"expected": {agreement.Opinion{Ratings: []int8{1, 2}, Expected: []float64{1}},
			"2 ratings and 1 expected scores for 2 capabilities"},
		"range": {agreement.Opinion{Ratings: []int8{1, 6}}, "rating 6 for flight; ratings are 0 to 5"},
		"style": {agreement.Opinion{Ratings: []int8{1, 2}, Styles: []string{"tweet"}},
			`style "tweet" is not in the rubric`},
	} {
		_, err := agreement.Measure([]agreement.Sample{{ID: "wren", Annotated: good, Given: tt.given}},
			agreement.Options{Capabilities: []string{"song", "flight"}, Styles: []string{"word"}})
		if want := "measuring agreement: sample wren: " + tt.want; err == nil || err.Error() != want {
			t.Errorf("%s: error %v, want %s", name, err, want)
		}
	}
}

// BenchmarkMeasure draws a thousand resamples of a few thousand annotations, which takes seconds.
func BenchmarkMeasure(b *testing.B) {
	capabilities := strings.Split("abcdefghijklmn", "")
	samples := make([]agreement.Sample, 2000)
	for i := range samples {
		ratings, expected := make([]int8, len(capabilities)), make([]float64, len(capabilities))
		for c := range ratings {
			ratings[c] = int8((i*(c+3) + i/7) % 6)
			expected[c] = float64((i*(c+5)+i/3)%512) / 103
		}
		o := agreement.Opinion{Ratings: ratings, Styles: []string{"word"}}
		g := o
		g.Expected = expected
		samples[i] = agreement.Sample{ID: fmt.Sprint(i), Source: fmt.Sprint(i % 23), Annotated: o, Given: g}
	}
	options := agreement.Options{Capabilities: capabilities, Styles: []string{"word"}, Resamples: 1000}
	for b.Loop() {
		if _, err := agreement.Measure(slices.Clone(samples), options); err != nil {
			b.Fatal(err)
		}
	}
}
