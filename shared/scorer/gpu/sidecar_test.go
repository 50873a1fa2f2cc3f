package gpu_test

import (
	"encoding/json"
	"math"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/harvest-ml/harvest/shared/dataset"
	"github.com/harvest-ml/harvest/shared/images"
	"github.com/harvest-ml/harvest/shared/rubric"
	"github.com/harvest-ml/harvest/shared/scorer"
	"github.com/harvest-ml/harvest/shared/scorer/gpu"
	"github.com/harvest-ml/harvest/shared/scorer/gpu/sidecartest"
	"github.com/harvest-ml/harvest/shared/scorer/remote"
)

// An expectation is the result of the reference implementation for a sample, in single precision.
type expectation struct {
	ID            string `json:"id"`
	Image         string `json:"image"`
	Conversations []struct {
		Value string `json:"value"`
	} `json:"conversations"`
	Prompts []struct {
		DigitLogits []float64 `json:"digit_logits"`
		LogSumExp   float64   `json:"logsumexp"`
	} `json:"prompts"`
}

// Every distribution that this client gets from a real sidecar must equal the distribution of the reference
// implementation.
func TestReference(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("not tested: starting Python takes long")
	}
	data, err := os.ReadFile(sidecartest.Shared(t, "sidecar/expected.json"))
	if err != nil {
		t.Fatal(err)
	}
	var expected []expectation
	if err := json.Unmarshal(data, &expected); err != nil {
		t.Fatal(err)
	}
	items := referenceItems(t, expected)
	process := sidecartest.Start(t, sidecartest.Checkpoint(t), "SIDECAR_MAX_ITEMS=7")
	at := gpu.Address{Scorer: []string{process.URL}, Styler: []string{process.URL}}
	transport := http.DefaultTransport.(*http.Transport).Clone()
	t.Cleanup(transport.CloseIdleConnections)
	o := gpu.Options{Client: &http.Client{Transport: transport}, Retry: remote.Retry{MaxWait: 3 * time.Minute}}
	s, err := gpu.New(at, o).Open(t.Context(), rubric.Default())
	if err != nil {
		t.Fatal(err)
	}
	results, err := s.Rate(t.Context(), items)
	if err != nil {
		t.Fatal(err)
	}
	worst := difference(t, expected, results)
	if worst > 1e-3 {
		t.Errorf("expected scores, masses or margins differ from the reference's by %v", worst)
	}
	last := results[len(expected)]
	if last.Code != images.Undecodable || last.Ratings != nil {
		t.Errorf("the broken image gave %+v", last)
	}
	for i, res := range results[len(expected)+1:] {
		if res.Code != "" || len(res.Ratings) == 0 || !slices.Contains(res.Flags, dataset.OffReference) {
			t.Errorf("the sample %s gave %+v", items[len(expected)+1+i].Sample.ID, res)
		}
	}
	t.Logf("largest difference from the reference: %.1e", worst)
}

// referenceItems returns the samples of the reference and three more. One has an invalid image, and must fail alone.
// The texts of the other two contain the word <image>; one of these samples has an image.
func referenceItems(t *testing.T, expected []expectation) []scorer.Item {
	t.Helper()
	items := make([]scorer.Item, len(expected))
	for i, e := range expected {
		img, err := os.ReadFile(filepath.Join(sidecartest.Shared(t, "sidecar/images"), filepath.FromSlash(e.Image)))
		if err != nil {
			t.Fatal(err)
		}
		s := &dataset.Sample{ID: e.ID, Images: []dataset.Image{{Name: e.Image}}}
		for k, turn := range e.Conversations {
			s.Turns = append(s.Turns, dataset.NewTurn([]dataset.Role{dataset.Human, dataset.Model}[k%2], turn.Value, 1))
		}
		items[i] = scorer.Item{Sample: s, Images: [][]byte{img}}
	}
	broken := *items[3].Sample
	items = append(items, scorer.Item{Sample: &broken, Images: [][]byte{[]byte("no image")}})
	said := func(text string, first int) []dataset.Turn {
		return []dataset.Turn{dataset.NewTurn(dataset.Human, text, first), dataset.NewTurn(dataset.Model, "By <image>.", 0)}
	}
	return append(items,
		scorer.Item{Sample: &dataset.Sample{ID: "text", Turns: said("How is <image> written?", 0)}},
		scorer.Item{
			Sample: &dataset.Sample{ID: "both", Turns: said("See <image>, and?", 1), Images: items[0].Sample.Images},
			Images: items[0].Images,
		})
}

// difference returns the largest difference of expected scores, masses and margins from the values that follow from the
// reference's logits.
func difference(t *testing.T, expected []expectation, results []scorer.Result) float64 {
	t.Helper()
	worst := 0.0
	for i, e := range expected {
		if results[i].Reason != "" {
			t.Errorf("%s has no ratings: %s", e.ID, results[i].Reason)
			continue
		}
		for c := range results[i].Ratings {
			p := e.Prompts[c]
			mass, mean, sorted := 0.0, 0.0, []float64{}
			for digit, logit := range p.DigitLogits {
				probability := math.Exp(logit - p.LogSumExp)
				mass += probability
				mean += float64(digit) * probability
				sorted = append(sorted, probability)
			}
			slices.Sort(sorted)
			worst = max(worst,
				math.Abs(float64(results[i].Expected[c])-mean/mass), math.Abs(float64(results[i].Mass[c])-mass),
				math.Abs(float64(results[i].Margin[c])-(sorted[5]-sorted[4])))
			if mass < 0.5 && results[i].Ratings[c] != scorer.Missing {
				t.Errorf("%s has rating %d where the digits have mass %v", e.ID, results[i].Ratings[c], mass)
			}
		}
	}
	return worst
}
