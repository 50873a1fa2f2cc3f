package reach_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/harvest-ml/harvest/shared/scorer"
	"github.com/harvest-ml/harvest/shared/scorer/reach"
)

// scale returns a scale whose bands begin at 70 and 90.
func scale(correlation float64) *reach.Scale {
	s := &reach.Scale{Edge: 70, Far: 90, Correlation: reach.Interval{Value: correlation, Low: correlation, High: 1}}
	s.Order, s.SourceMeans = reach.Interval{Value: 0.57, Low: 0.44, High: 0.69}, 0.52
	for b := range s.Errors {
		for rating := range s.Errors[b] {
			s.Errors[b][rating] = float64(b) + float64(rating)/10
		}
		s.Bands[b] = reach.Measured{Sources: 2, Samples: 40, Error: reach.Interval{Value: float64(b) / 2}}
	}
	return s
}

// tally returns a tally of samples at these distances, each with one rating of 2 and one missing rating.
func tally(s *reach.Scale, distances ...int) *reach.Tally {
	t := &reach.Tally{}
	for _, d := range distances {
		t.Add(s.BandOf(d), slices.Values([]int8{2, scorer.Missing}))
	}
	return t
}

func TestBands(t *testing.T) {
	t.Parallel()
	s := scale(1)
	for distance, want := range map[int]reach.Band{
		1: reach.Near, 69: reach.Near, 70: reach.Edge, 89: reach.Edge, 90: reach.Far, 1 << 20: reach.Far,
	} {
		if got := s.BandOf(distance); got != want {
			t.Errorf("distance %d is %v, want %v", distance, got, want)
		}
	}
	for want, distances := range map[reach.Band][]int{
		reach.Near: {1, 1, 95}, reach.Edge: {1, 75, 95, 1}, reach.Far: {1, 95},
	} {
		if got := tally(s, distances...).Band(); got != want {
			t.Errorf("a source at %v is %v, want %v", distances, got, want)
		}
	}
}

// TestReport checks that the farthest source comes first, that there are forecasts only with a sufficient correlation,
// and that there are no sources if the user's annotations were used.
func TestReport(t *testing.T) {
	t.Parallel()
	s := scale(0.3)
	tallies := map[string]*reach.Tally{
		"near": tally(s, 5, 6, 7), "far": tally(s, 99, 99, 1, 75), "none": {}, "edge": tally(s, 75),
	}
	got := s.Report(tallies)
	off := func(v float64) *float64 { return &v }
	want := []reach.Source{
		{Source: "far", Samples: 4, Far: 0.5, Edge: 0.25, Band: reach.Far, Error: off((2.2 + 2.2 + 0.2 + 1.2) / 4)},
		{Source: "edge", Samples: 1, Edge: 1, Band: reach.Edge, Error: off(1.2)},
		{Source: "near", Samples: 3, Band: reach.Near, Error: off((0.2 + 0.2 + 0.2) / 3)},
	}
	close := cmp.Comparer(func(a, b float64) bool { return a-b < 1e-9 && b-a < 1e-9 })
	if diff := cmp.Diff(want, got.Sources, close); diff != "" {
		t.Errorf("sources (-want +got):\n%s", diff)
	}
	if got.Samples != 8 || got.Far != 0.25 || got.FarSources() != 1 {
		t.Errorf("%d samples, %v of them far, %d sources", got.Samples, got.Far, got.FarSources())
	}
	text, err := json.Marshal(got)
	if err != nil {
		t.Fatal(err)
	}
	again := &reach.Report{}
	if err := json.Unmarshal(text, again); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(got, again); diff != "" {
		t.Errorf("written and read (-want +got):\n%s", diff)
	}
	for _, part := range []string{
		"25 % of the samples are far", "0.00 in near sources", "0.57 (0.44 to 0.69)", "gives 0.52", reach.Teach,
	} {
		if !strings.Contains(got.Sentence(), part) {
			t.Errorf("%q lacks %q", got.Sentence(), part)
		}
	}

	weak := scale(0.1).Report(tallies)
	if weak.Sources[0].Error != nil {
		t.Errorf("a forecast despite a correlation of 0.1: %+v", weak.Sources[0])
	}
	taught := &reach.Scale{Own: &reach.Own{Samples: 50, Spearman: 0.7, QWK: 0.72}}
	if own := taught.Report(tallies); own.Sources != nil || !strings.Contains(own.Sentence(), "50 annotated samples") ||
		strings.Contains(own.Sentence(), "--teacher") {
		t.Errorf("with the user's annotations: %+v: %s", own, own.Sentence())
	}
	var unknown *reach.Scale
	if r := unknown.Report(tallies); r != nil {
		t.Errorf("without a scale: %+v", r)
	}
	if r := s.Report(map[string]*reach.Tally{"none": {}}); r != nil {
		t.Errorf("without a sample: %+v", r)
	}
}

func TestReportIsBounded(t *testing.T) {
	t.Parallel()
	s, tallies := scale(1), map[string]*reach.Tally{}
	for i := range 1203 {
		tallies[fmt.Sprint(i)] = tally(s, 10)
	}
	if r := s.Report(tallies); len(r.Sources) != 1000 || r.More != 203 || r.Samples != 1203 {
		t.Errorf("%d sources, %d more, %d samples", len(r.Sources), r.More, r.Samples)
	}
}
