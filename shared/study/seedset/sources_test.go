package seedset_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/harvest-ml/harvest/shared/selection"
	"github.com/harvest-ml/harvest/shared/study/seedset"
)

// perSource counts chosen samples by source and by source and main style.
func perSource(samples []made, chosen []int) (sources, styles map[string]int) {
	sources, styles = map[string]int{}, map[string]int{}
	for _, i := range chosen {
		sources[samples[i].source]++
		styles[samples[i].source+" "+samples[i].style]++
	}
	return sources, styles
}

// The requested number of samples is chosen from each source, of any size, and from its styles in turn. The set is
// within its limits.
func TestChooseOfEach(t *testing.T) {
	t.Parallel()
	samples := skewed() // 12 sources
	samples = append(samples, made{source: "tiny", style: "word", scores: []uint16{1, 1, 1, 1}})
	p := pool(t, 4, samples, 1)
	choose := func(p *selection.Pool, each, least, most int) (sources, styles map[string]int, all int) {
		chosen := seedset.ChooseOfEach(p, each, least, most)
		sources, styles = perSource(samples, chosen)
		return sources, styles, len(chosen)
	}
	sources, styles, all := choose(p, 10, 0, 1000)
	if sources["large"] != 10 || sources["middle"] != 10 || sources["small 3"] != 10 || sources["tiny"] != 1 ||
		all != 121 {
		t.Errorf("10 of each source: %v, %d in total", sources, all)
	}
	if styles["large word"] != 5 || styles["large essay"] != 5 {
		t.Errorf("10 of a source with two styles: %v", styles)
	}
	if sources, _, all = choose(p, 10, 200, 1000); all != 200 || sources["large"] <= sources["small 3"] {
		t.Errorf("at least 200: %v, %d in total", sources, all)
	}
	if sources, _, all = choose(p, 10, 0, 40); all > 40 || sources["small 3"] != 3 || sources["large"] != 3 {
		t.Errorf("at most 40: %v, %d in total", sources, all)
	}
	again := seedset.ChooseOfEach(p, 10, 0, 1000)
	if diff := cmp.Diff(again, seedset.ChooseOfEach(p, 10, 0, 1000)); diff != "" {
		t.Errorf("chosen again (-first +second):\n%s", diff)
	}
	other := seedset.ChooseOfEach(pool(t, 4, samples, 2), 10, 0, 1000)
	if cmp.Equal(again, other) {
		t.Error("another seed chose the same")
	}
}
