package embedded_test

import (
	"encoding/json"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/harvest-ml/harvest/shared/scorer/embedded/training"
)

// TestReadmeFigures compares the figures for new sources on both pages with the figures in weights.json.
func TestReadmeFigures(t *testing.T) {
	t.Parallel()
	var origin training.Origin
	if err := json.Unmarshal([]byte(read(t, "weights.json")), &origin); err != nil {
		t.Fatal(err)
	}
	p := origin.Pools
	own, top := read(t, "README.md"), read(t, "../../../README.md")
	for _, row := range []struct {
		name   string
		of     [3]float64
		alsoOn bool
	}{
		{"Spearman", [3]float64{float64(p.Spearman.Median), float64(p.Spearman.Low), float64(p.Spearman.High)}, true},
		{"kappa", [3]float64{float64(p.QWK.Median), float64(p.QWK.Low), float64(p.QWK.High)}, true},
		{"styles", [3]float64{float64(p.MicroF1.Median), float64(p.MicroF1.Low), float64(p.MicroF1.High)}, true},
		{"within source", [3]float64{
			float64(p.WithinSource.Median), float64(p.WithinSource.Low), float64(p.WithinSource.High),
		}, false},
		{"selection value", [3]float64{
			float64(p.SelectionValue["0.3"].Median), float64(p.SelectionValue["0.3"].Low), float64(p.SelectionValue["0.3"].High),
		}, false},
	} {
		cell := fmt.Sprintf("**%.2f (%.2f to %.2f)**", row.of[0], row.of[1], row.of[2])
		if !strings.Contains(own, cell) || row.alsoOn && !strings.Contains(top, cell) {
			t.Errorf("the pages do not have the figure for %s of new sources in weights.json: %s", row.name, cell)
		}
	}
	for name, f := range p.Capabilities {
		row := fmt.Sprintf("| %s | %.2f (%.2f to %.2f) | %.2f | %.2f | %.2f |", name, f.Spearman.Median, f.Spearman.Low,
			f.Spearman.High, f.QWK.Median, f.WithinSource.Median, p.SourceMeans[name].Median)
		if !strings.Contains(own, row) {
			t.Errorf("the page lacks the row %s", row)
		}
	}
	if samples := fmt.Sprintf("%d,%03d annotated samples of %d public sources", origin.Samples/1000, origin.Samples%1000,
		origin.Sources); !strings.Contains(own, samples) {
		t.Errorf("the page does not contain %q", samples)
	}
}

func read(t *testing.T, name string) string {
	t.Helper()
	data, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return strings.ReplaceAll(string(data), "\n", " ")
}
