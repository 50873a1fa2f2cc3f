package run_test

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"github.com/harvest-ml/harvest/shared/dataset"
	"github.com/harvest-ml/harvest/shared/images"
	"github.com/harvest-ml/harvest/shared/run"
	"github.com/harvest-ml/harvest/shared/run/runtest"
	"github.com/harvest-ml/harvest/shared/selection"
)

// BenchmarkRun takes 20,000 text samples of about 600 bytes from the manifest to the written subset,
// with a scorer that costs next to nothing: what is left is the machinery.
func BenchmarkRun(b *testing.B) {
	const samples = 20_000
	var manifest bytes.Buffer
	for i := range samples {
		fmt.Fprintln(&manifest, runtest.Record(fmt.Sprintf("sample%05d", i),
			strings.Repeat("An answer of some length. ", 8+i%16)))
	}
	limits := run.Limits{
		Scorer: "fake", Records: dataset.Limits{MaxRecordBytes: 32 << 20},
		Images: images.Limits{
			MaxBytes: 64 << 20, MaxPixels: 100_000_000,
			MaxDecodedBytes: 1 << 29, MaxImages: 64, MaxSampleBytes: 1 << 28,
		},
		PlanBytes: 8 << 30, RangeBytes: 16 << 20, ShardSamples: 200, ShardBytes: 64 << 20,
	}
	var err error
	if limits.Budget, err = selection.ParseBudget("30%"); err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	b.SetBytes(int64(manifest.Len()))
	for b.Loop() {
		b.StopTimer()
		f := runtest.New(b)
		f.Limits = limits
		f.Upload("datasets/demo/a.jsonl", manifest.Bytes())
		b.StartTimer()
		plan := f.Begin("datasets/demo/a.jsonl")
		if err := f.Drain(); err != nil {
			b.Fatal(err)
		}
		if st := f.Status(plan.Run); st.State != run.StateScored || len(st.Selections) != 1 {
			b.Fatalf("state %s with selections %v", st.State, st.Selections)
		}
	}
	b.ReportMetric(samples*float64(b.N)/b.Elapsed().Seconds(), "samples/s")
}
