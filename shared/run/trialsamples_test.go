package run

import (
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/harvest-ml/harvest/shared/dataset"
)

// TestTrialSamples draws samples of a dataset in which a large source comes first. All sources share the trial, and the
// samples of the large source come from its whole length.
func TestTrialSamples(t *testing.T) {
	t.Parallel()
	tried := newTrialSamples()
	place := 0
	add := func(source string, n int) {
		samples := make([]dataset.Sample, n)
		for i := range samples {
			samples[i].Source, samples[i].ID = source, fmt.Sprint(place)
			place++
		}
		tried.add(len(source), samples)
	}
	counts := func() map[string]int {
		samples, ranges := tried.all()
		bySource := map[string]int{}
		last := -1
		for i, s := range samples {
			var at int
			if _, err := fmt.Sscan(s.ID, &at); err != nil || at <= last || ranges[i] != len(s.Source) {
				t.Errorf("sample %s of range %d after sample %d", s.ID, ranges[i], last)
			}
			last = at
			bySource[s.Source]++
		}
		return bySource
	}
	add("first", 5000)
	add("second", 4)
	if diff := cmp.Diff(map[string]int{"first": 100, "second": 4}, counts()); diff != "" {
		t.Errorf("two sources (-want +got):\n%s", diff)
	}
	samples, _ := tried.all()
	late := 0
	for _, s := range samples {
		if len(s.ID) == 4 && s.ID >= "2500" {
			late++
		}
	}
	if late < 30 || late > 70 {
		t.Errorf("%d of 100 samples are from the second half of the first source", late)
	}
	for i := range 22 {
		add(fmt.Sprintf("source %02d", i), 200)
	}
	got, total := counts(), 0
	for source, n := range got {
		if total += n; source != "second" && (n < 11 || n > 14) {
			t.Errorf("%d samples of %s", n, source)
		}
	}
	if len(got) != 24 || got["second"] != 4 || total > 300 || total < 270 {
		t.Errorf("%d samples of %d sources, %d of the small one", total, len(got), got["second"])
	}
	for i := range 400 {
		add(fmt.Sprintf("small source %03d", i), 2)
	}
	if n := len(counts()); n != 300 {
		t.Errorf("samples of %d sources, want 300", n)
	}
}
