package subset

import (
	"bufio"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/harvest-ml/harvest/shared/scorer/embedded"
	"github.com/harvest-ml/harvest/shared/selection"
)

// TestMeasure selects from annotated samples by a scorer's ratings, and measures the picks by the annotations: the mean
// rating over all capabilities. It is a measurement, and runs only on request:
//
//	harvest curate --budget 30% --images IMAGES --out OUT MANIFEST
//	HARVEST_SCORES='OUT/scores-*.parquet' HARVEST_ANNOTATIONS=FILE go test -v -run Measure ./shared/subset
//
// HARVEST_SOURCES=3 uses pools of three random sources. HARVEST_NOISE=1 uses the annotations with the embedded scorer's
// error instead of its scores.
func TestMeasure(t *testing.T) {
	if os.Getenv("HARVEST_SCORES") == "" {
		t.Skip("HARVEST_SCORES names no scores")
	}
	m := readMeasurement(t)
	t.Logf("%d annotated samples", len(m.samples))
	for _, share := range []float64{0.05, 0.1, 0.3, 0.6} {
		values := map[string][]float64{}
		for resample := range uint64(20) {
			rng := rand.New(rand.NewPCG(resample, 11))
			pool := m.draw(t, rng)
			for _, arm := range measuredArms {
				values[arm.name] = append(values[arm.name], pool.measure(t, arm, share))
			}
		}
		for _, arm := range measuredArms {
			mean, low, high := spread(values[arm.name])
			gain := make([]float64, len(values[arm.name]))
			for i, v := range values[arm.name] {
				gain[i] = v - values["threshold 2"][i]
			}
			by, lowBy, highBy := spread(gain)
			t.Logf("%3.0f %%  %-12s %.3f (%.3f to %.3f)  against threshold 2: %+.3f (%+.3f to %+.3f)",
				100*share, arm.name, mean, low, high, by, lowBy, highBy)
		}
	}
}

// A measuredArm is a way to select.
type measuredArm struct {
	name  string
	rules selection.Rules
}

var measuredArms = []measuredArm{
	{"paper", selection.Rules{}}, {"threshold 1", selection.Rules{Threshold: 1}},
	{"threshold 2", selection.Rules{Threshold: 2}}, {"threshold 3", selection.Rules{Threshold: 3}},
	{"descending", selection.Rules{Strategy: selection.Descending}}, {"top", selection.Rules{Strategy: selection.Top}},
	{"random", selection.Rules{Strategy: selection.Random}},
	{"longest", selection.Rules{Strategy: selection.Longest}},
}

// spread returns the mean of 20 values, and the second lowest and highest: about 90 % are between these.
func spread(values []float64) (mean, low, high float64) {
	sorted := slices.Sorted(slices.Values(values))
	for _, v := range sorted {
		mean += v / float64(len(sorted))
	}
	return mean, sorted[1], sorted[len(sorted)-2]
}

// A measurement has annotated samples with their scores.
type measurement struct {
	capabilities []string
	samples      []selection.Sample
	truth        [][]int8
}

func readMeasurement(t *testing.T) *measurement {
	t.Helper()
	truth := map[string][]int8{}
	file, err := os.Open(os.Getenv("HARVEST_ANNOTATIONS"))
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	for lines := bufio.NewScanner(file); lines.Scan(); {
		var line struct {
			ID     string
			Scores []int8
		}
		if err := json.Unmarshal(lines.Bytes(), &line); err != nil {
			t.Fatal(err)
		}
		truth[line.ID] = line.Scores
	}
	names, err := filepath.Glob(os.Getenv("HARVEST_SCORES"))
	if err != nil || len(names) == 0 {
		t.Fatalf("HARVEST_SCORES: no files, %v", err)
	}
	files := make([][]byte, len(names))
	for i, name := range names {
		if files[i], err = os.ReadFile(name); err != nil {
			t.Fatal(err)
		}
	}
	pool, err := ReadPool(t.Context(), files, selection.Request{Rules: selection.Rules{Strategy: selection.Longest}})
	if err != nil {
		t.Fatal(err)
	}
	m := &measurement{capabilities: pool.Pool.Capabilities}
	for s := range pool.Pool.Len() {
		id, err := pool.ID(t.Context(), s)
		if err != nil {
			t.Fatal(err)
		}
		if truth[id] != nil {
			m.samples, m.truth = append(m.samples, sampleOf(pool.Pool, s)), append(m.truth, truth[id])
		}
	}
	return m
}

func sampleOf(p *selection.Pool, s int) selection.Sample {
	one := selection.Sample{
		Tie: p.Tie[s], Index: int64(s), Source: p.SourceNames[p.Source[s]], Tokens: p.Tokens[s],
		Answers: p.Answers[s],
	}
	for _, style := range p.Style[p.StyleStart[s]:p.StyleStart[s+1]] {
		one.Styles = append(one.Styles, p.StyleNames[style])
	}
	for c := range p.Capabilities {
		one.Ratings, one.Expected = append(one.Ratings, p.Ratings[c][s]), append(one.Expected, p.Expected[c][s])
	}
	return one
}

// A measuredPool is a pool and the annotations of its samples.
type measuredPool struct {
	*Pool
	truth [][]int8
}

// draw returns a random four fifths of the samples, or all samples of some random sources.
func (m *measurement) draw(t *testing.T, rng *rand.Rand) measuredPool {
	t.Helper()
	sources := map[string]bool{}
	for _, s := range m.samples {
		sources[s.Source] = true
	}
	kept := sources
	var most int
	if _, err := fmt.Sscan(os.Getenv("HARVEST_SOURCES"), &most); err == nil {
		names := slices.Sorted(func(yield func(string) bool) {
			for name := range sources {
				if !yield(name) {
					return
				}
			}
		})
		rng.Shuffle(len(names), func(i, j int) { names[i], names[j] = names[j], names[i] })
		kept = map[string]bool{}
		for _, name := range names[:most] {
			kept[name] = true
		}
	}
	build := selection.NewBuilder(m.capabilities...)
	var truth [][]int8
	for i, s := range m.samples {
		if !kept[s.Source] || most == 0 && rng.IntN(5) == 0 {
			continue
		}
		if os.Getenv("HARVEST_NOISE") != "" {
			s.Ratings, s.Expected = m.truth[i], nil
		}
		if err := build.Add(s); err != nil {
			t.Fatal(err)
		}
		truth = append(truth, m.truth[i])
	}
	catalog, err := selection.NewCatalog(build.Pool)
	if err != nil {
		t.Fatal(err)
	}
	pool := &Pool{Catalog: catalog}
	if os.Getenv("HARVEST_NOISE") != "" {
		if pool, err = pool.perturbed(embedded.RatingErrors(m.capabilities), rng.Uint64()); err != nil {
			t.Fatal(err)
		}
	}
	return measuredPool{pool, truth}
}

// measure returns the mean annotated rating of the samples that an arm picks at a share of the pool.
func (p measuredPool) measure(t *testing.T, arm measuredArm, share float64) float64 {
	t.Helper()
	n := max(int(float64(p.Pool.Pool.Len())*share), 1)
	result, err := p.Select(selection.Params{Budget: n, Rules: arm.rules})
	if err != nil {
		t.Fatal(strings.Join([]string{arm.name, err.Error()}, ": "))
	}
	picks := result.Samples()
	sum := 0.0
	for _, s := range picks {
		for _, rating := range p.truth[s] {
			sum += float64(rating) / float64(len(p.truth[s]))
		}
	}
	return sum / float64(max(len(picks), 1))
}
