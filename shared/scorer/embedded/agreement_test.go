package embedded

import (
	"bufio"
	"bytes"
	"encoding/json"
	"math"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/harvest-ml/harvest/shared/dataset"
	"github.com/harvest-ml/harvest/shared/rubric"
	"github.com/harvest-ml/harvest/shared/scorer"
)

// dataFolder holds the annotated samples, which lie beside the repository and not in it.
const dataFolder = "../../../../shared/data"

type annotation struct {
	ID     string    `json:"id"`
	Scores []float64 `json:"scores"`
	Styles []string  `json:"styles"`
}

// TestAgreement measures the scorer against held-out annotations. Nobody may tune a rule by them:
// the weights come from train.jsonl.
func TestAgreement(t *testing.T) {
	t.Parallel()
	if _, err := os.Stat(dataFolder); err != nil {
		t.Skipf("the annotated samples are not here: %v", err)
	}
	capabilities := rubric.Default().Capabilities
	annotations := readAnnotations(t, filepath.Join(dataFolder, "annotations/dev.jsonl"))
	results := rateAnnotated(t, annotations)

	mean := 0.0
	for c, name := range capabilities {
		given, wanted := make([]float64, len(annotations)), make([]float64, len(annotations))
		for i, a := range annotations {
			given[i], wanted[i] = float64(results[i].Expected[c]), a.Scores[c]
		}
		rho := spearman(given, wanted)
		mean += rho / float64(len(capabilities))
		t.Logf("%-30s Spearman %.3f", name, rho)
	}
	f1, first := styleAgreement(annotations, results)
	t.Logf("%-30s Spearman %.3f on %d samples; styles: micro-F1 %.3f, main style %.3f", "mean", mean, len(annotations), f1, first)
	if mean < 0.30 {
		t.Errorf("mean Spearman is %.3f, want 0.30 at least", mean)
	}
	if f1 < 0.60 {
		t.Errorf("micro-F1 of styles is %.3f, want 0.60 at least", f1)
	}
}

func TestSpearman(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name string
		a, b []float64
		want float64
	}{
		{"same order", []float64{1, 2, 3}, []float64{10, 20, 90}, 1},
		{"reversed", []float64{1, 2, 3}, []float64{3, 2, 1}, -1},
		{"ties share their mean rank", []float64{1, 1, 2, 3}, []float64{1, 2, 3, 4}, 0.9486832980505138},
		{"constant", []float64{1, 1, 1}, []float64{1, 2, 3}, 0},
	} {
		if got := spearman(test.a, test.b); math.Abs(got-test.want) > 1e-12 {
			t.Errorf("%s: %v, want %v", test.name, got, test.want)
		}
	}
}

func readAnnotations(t *testing.T, path string) []annotation {
	t.Helper()
	file, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	var annotations []annotation
	for lines := bufio.NewScanner(file); lines.Scan(); {
		var a annotation
		if err := json.Unmarshal(lines.Bytes(), &a); err != nil {
			t.Fatalf("reading %s: %v", path, err)
		}
		annotations = append(annotations, a)
	}
	return annotations
}

// rateAnnotated rates the samples that annotations name, in their order.
func rateAnnotated(t *testing.T, annotations []annotation) []scorer.Result {
	t.Helper()
	manifest, err := os.ReadFile(filepath.Join(dataFolder, "pool/dataset.json"))
	if err != nil {
		t.Fatal(err)
	}
	var records []json.RawMessage
	if err := json.Unmarshal(manifest, &records); err != nil {
		t.Fatal(err)
	}
	samples := map[string]*dataset.Sample{}
	for i, record := range records {
		s := dataset.Parse(bytes.TrimSpace(record), dataset.Place{Manifest: "dataset.json", Element: int64(i + 1)})
		samples[s.ID] = s
	}
	items := make([]scorer.Item, len(annotations))
	for i, a := range annotations {
		s := samples[a.ID]
		if s == nil || s.Problem != nil {
			t.Fatalf("annotated sample %s is not a sound record: %v", a.ID, s)
		}
		items[i].Sample = s
		for _, img := range s.Images {
			data, err := os.ReadFile(filepath.Join(dataFolder, "pool/images", img.Name))
			if err != nil {
				t.Fatal(err)
			}
			items[i].Images = append(items[i].Images, data)
		}
	}
	results, err := newScorer(t).Rate(t.Context(), items)
	if err != nil {
		t.Fatal(err)
	}
	for i, r := range results {
		if r.Reason != "" {
			t.Fatalf("sample %s: %s", annotations[i].ID, r.Reason)
		}
	}
	return results
}

// styleAgreement is the micro-averaged F1 of the sets of styles, and the share of samples with the
// annotation's main style.
func styleAgreement(annotations []annotation, results []scorer.Result) (f1, first float64) {
	var both, either, main int
	for i, a := range annotations {
		given := results[i].Styles
		either += len(given) + len(a.Styles)
		for _, s := range given {
			if slices.Contains(a.Styles, s) {
				both++
			}
		}
		if len(given) > 0 && given[0] == a.Styles[0] {
			main++
		}
	}
	return 2 * float64(both) / float64(either), float64(main) / float64(len(annotations))
}

// spearman is the correlation of the ranks of a and b; 0 where one of them is constant.
func spearman(a, b []float64) float64 {
	x, y := ranks(a), ranks(b)
	mean := float64(len(a)-1) / 2
	var xy, xx, yy float64
	for i := range x {
		dx, dy := x[i]-mean, y[i]-mean
		xy, xx, yy = xy+dx*dy, xx+dx*dx, yy+dy*dy
	}
	if xx == 0 || yy == 0 {
		return 0
	}
	return xy / math.Sqrt(xx*yy)
}

// ranks gives equal values the mean of the ranks that they take up, from 0.
func ranks(values []float64) []float64 {
	sorted := slices.Sorted(slices.Values(values))
	ranks := make([]float64, len(values))
	for i, v := range values {
		low, _ := slices.BinarySearch(sorted, v)
		high, _ := slices.BinarySearch(sorted, math.Nextafter(v, math.Inf(1)))
		ranks[i] = float64(low+high-1) / 2
	}
	return ranks
}
