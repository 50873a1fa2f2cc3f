package subset_test

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"

	"github.com/harvest-ml/harvest/shared/run"
	"github.com/harvest-ml/harvest/shared/run/runtest"
	"github.com/harvest-ml/harvest/shared/selection"
	"github.com/harvest-ml/harvest/shared/subset"
)

// BenchmarkWritePart writes the part of a range with the whole pool of real data: 4,457 samples, of which 30 % are
// selected. The names of images are in another field, so that no image has to exist.
func BenchmarkWritePart(b *testing.B) {
	manifest, err := os.ReadFile(filepath.Join("..", "..", "..", "shared", "data", "pool", "dataset.json"))
	if err != nil {
		b.Skipf("no pool of real data: %v", err)
	}
	manifest = bytes.ReplaceAll(manifest, []byte(`"image":`), []byte(`"title":`))
	f := runtest.New(b)
	f.Limits.Records.MaxRecordBytes, f.Limits.RangeBytes, f.Limits.ShardSamples = 1<<20, 1<<30, 200
	f.Upload("datasets/demo/a.json", manifest)
	plan := f.Begin("datasets/demo/a.json")
	f.Finish(plan)
	budget, err := selection.ParseBudget("30%")
	if err != nil {
		b.Fatal(err)
	}
	sel, err := f.Subsets.Select(b.Context(), plan.Run, selection.Request{Budget: budget}, run.Allowance{})
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	b.SetBytes(int64(len(manifest)))
	for b.Loop() {
		f.Restart() // a process writes each part only once, so the part is not in memory
		if err := subset.WriteRange(f.Subsets, b.Context(), plan, sel, 0); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(plan.Samples), "ns/sample")
}
