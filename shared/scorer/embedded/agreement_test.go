package embedded

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"testing"

	"github.com/harvest-ml/harvest/shared/dataset"
	"github.com/harvest-ml/harvest/shared/dataset/forms"
	"github.com/harvest-ml/harvest/shared/rubric"
	"github.com/harvest-ml/harvest/shared/scorer"
	"github.com/harvest-ml/harvest/shared/study/agreement"
	"github.com/harvest-ml/harvest/shared/study/annotation"
)

// dataFolder has the annotated samples. It is next to the repository, not in it.
const dataFolder = "../../../../shared/data"

// TestAgreement measures the agreement of the embedded weights with annotations that were used neither for training nor
// to choose parameters.
func TestAgreement(t *testing.T) {
	t.Parallel()
	if _, err := os.Stat(dataFolder); err != nil {
		t.Skipf("the annotated samples are not here: %v", err)
	}
	r := rubric.Default()
	file, err := os.Open(filepath.Join(dataFolder, "annotations/dev.jsonl"))
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	annotations, err := annotation.Read(file, "dev.jsonl", r)
	if err != nil {
		t.Fatal(err)
	}
	items := annotatedItems(t, annotations)
	results := mustRate(t, defaultScorer(t), items)
	samples := make([]agreement.Sample, len(items))
	for i, a := range annotations {
		if results[i].Reason != "" {
			t.Fatalf("sample %s: %s", a.ID, results[i].Reason)
		}
		given := agreement.Opinion{Styles: results[i].Styles}
		for c, rating := range results[i].Ratings {
			given.Ratings = append(given.Ratings, rating)
			given.Expected = append(given.Expected, float64(results[i].Expected[c]))
		}
		samples[i] = agreement.Sample{
			ID: a.ID, Source: items[i].Sample.Source, Annotated: agreement.Opinion{Ratings: a.Scores, Styles: a.Styles},
			Given: given,
		}
	}
	report, err := agreement.Measure(samples,
		agreement.Options{Capabilities: r.Capabilities, Styles: r.Styles, Resamples: 200, Seed: 1})
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range r.Capabilities {
		c := report.Capabilities[name]
		t.Logf("%-30s Spearman %.3f, kappa %.3f, within source %.3f",
			name, c.Spearman, c.QWK, report.WithinSource.Capabilities[name].Spearman)
	}
	for _, figure := range []struct {
		name         string
		got, atLeast agreement.Value
	}{
		{"mean Spearman", report.Mean.Spearman, 0.86},
		{"mean quadratic-weighted kappa", report.Mean.QWK, 0.89},
		{"micro-F1 of styles", report.Styles.MicroF1, 0.96},
		{"capabilities above 0 within sources", agreement.Value(report.WithinSource.Above), 10},
		{"selection overlap at 10 %, against chance", report.Overlap["0.1"] / report.RandomOverlap["0.1"], 2},
	} {
		t.Logf("%-45s %.3f on %d samples", figure.name, figure.got, report.Samples)
		if !(figure.got >= figure.atLeast) {
			t.Errorf("%s is %.3f, want at least %.2f", figure.name, figure.got, figure.atLeast)
		}
	}
}

// annotatedItems returns the samples that annotations name, in order.
func annotatedItems(t *testing.T, annotations []annotation.Annotation) []scorer.Item {
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
		s := forms.Parse(bytes.TrimSpace(record), dataset.Place{Manifest: "dataset.json", Element: int64(i + 1)})
		samples[s.ID] = s
	}
	items := make([]scorer.Item, len(annotations))
	for i, a := range annotations {
		s := samples[a.ID]
		if s == nil || s.Problem != nil {
			t.Fatalf("annotated sample %s is not a valid record: %v", a.ID, s)
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
	return items
}
