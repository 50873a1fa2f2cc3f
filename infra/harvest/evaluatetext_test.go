package main

import (
	"regexp"
	"strings"
	"testing"

	"github.com/harvest-ml/harvest/shared/study/agreement"
)

// TestPoolsLine describes pools whose selection value is known at one budget, and unknown at the other.
func TestPoolsLine(t *testing.T) {
	t.Parallel()
	p := &agreement.Pools{Drawn: 200, MicroF1: agreement.Spread{Median: 1, Low: 0.9, High: 1}}
	p.SelectionValue = map[string]agreement.Spread{
		"0.1": {Median: 0.8, Low: -0.39, High: 3.52}, "0.3": {Median: 0.84, Low: 0.2, High: 1.72},
	}
	says(t, poolsLine(p), "the median F1 of styles is 1.00 (0.90 to 1.00)",
		"Over these pools, ", "and the median selection value is 0.80 (-0.39 to 3.52) at 0.1, 0.84 (0.20 to 1.72) at 0.3.",
		"Pools of this size do not show the selection value at 0.1: ")
	p.SelectionValue["0.1"] = agreement.Spread{Median: 0.8, Low: 0.1, High: 0.9}
	if text := poolsLine(p); strings.Contains(text, "do not show") {
		t.Errorf("with narrow intervals: %s", text)
	}
}

// TestNothingWithinSources prints an evaluation of sources that are too small for a correlation within them.
func TestNothingWithinSources(t *testing.T) {
	t.Parallel()
	var samples []agreement.Sample
	for i := range 4 {
		opinion := agreement.Opinion{Ratings: []int8{int8(i)}}
		samples = append(samples, agreement.Sample{Source: "small", Annotated: opinion, Given: opinion})
	}
	e := &evaluation{capabilities: []string{"humanities"}}
	var err error
	e.Report, err = agreement.Measure(samples, agreement.Options{Capabilities: e.capabilities, Resamples: 10})
	if err != nil {
		t.Fatal(err)
	}
	says(t, e.withinLine(), "Within sources: not measured, because no source has 20 samples or more.")
	empty := regexp.MustCompile(`each source's mean .* - │`)
	if text := e.capabilityTable().Render(); !empty.MatchString(text) {
		t.Errorf("the table has a figure within sources:\n%s", text)
	}
	e.WithinSource.Sources, e.WithinSource.Above = 1, 1
	says(t, e.withinLine(), "Within sources: 1 source with 20 samples or more. For 1 of 1 capabilities ")
}

// TestAbsentAnnotations prints the ids of annotations without a sample.
func TestAbsentAnnotations(t *testing.T) {
	t.Parallel()
	var b strings.Builder
	if err := printAbsent(&b, []string{"a", "b c"}); err != nil {
		t.Fatal(err)
	}
	if want := "2 annotations have no sample in the manifests, such as \"a\", \"b c\".\n"; b.String() != want {
		t.Errorf("%s, want %s", b.String(), want)
	}
}
