package run_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/harvest-ml/harvest/shared/dataset"
	"github.com/harvest-ml/harvest/shared/events"
	"github.com/harvest-ml/harvest/shared/images"
	"github.com/harvest-ml/harvest/shared/run"
	"github.com/harvest-ml/harvest/shared/run/runtest"
	"github.com/harvest-ml/harvest/shared/selection"
	"github.com/harvest-ml/harvest/shared/thorough"
	"github.com/klauspost/compress/zstd"
)

// BenchmarkRun runs 20,000 text samples of about 600 bytes from the manifest to the written subset. Its scorer takes
// almost no time, so it measures everything except scoring. It also reports the CPU time of a sample.
func BenchmarkRun(b *testing.B) {
	const samples = 20_000
	var manifest bytes.Buffer
	for i := range samples {
		fmt.Fprintln(&manifest, runtest.Record(fmt.Sprintf("sample%05d", i),
			strings.Repeat("An answer of some length. ", 8+i%16)))
	}
	limits := realLimits()
	var err error
	if limits.Budget, err = selection.ParseBudget("30%"); err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	b.SetBytes(int64(manifest.Len()))
	var took time.Duration
	for b.Loop() {
		b.StopTimer()
		f := runtest.New(b)
		f.Limits = limits
		f.Upload("datasets/demo/a.jsonl", manifest.Bytes())
		b.StartTimer()
		before := thorough.ProcessorTime()
		plan := f.Begin("datasets/demo/a.jsonl")
		if err := f.Drain(); err != nil {
			b.Fatal(err)
		}
		if st := f.Status(plan.Run); st.State != run.StateScored || len(st.Selections) != 1 {
			b.Fatalf("state %s with selections %v", st.State, st.Selections)
		}
		took += thorough.ProcessorTime() - before
	}
	b.ReportMetric(samples*float64(b.N)/b.Elapsed().Seconds(), "samples/s")
	b.ReportMetric(took.Seconds()*1e6/(samples*float64(b.N)), "cpu-µs/sample")
}

// realLimits returns the default limits of a service.
func realLimits() run.Limits {
	return run.Limits{
		Scorer: "fake", Records: dataset.Limits{MaxRecordBytes: 32 << 20},
		Images: images.Limits{
			MaxBytes: 64 << 20, MaxPixels: 100_000_000,
			MaxDecodedBytes: 1 << 29, MaxImages: 64, MaxSampleBytes: 1 << 28,
		},
		PlanBytes: 8 << 30, RangeBytes: 16 << 20, ShardSamples: 200, ShardBytes: 64 << 20,
	}
}

// BenchmarkIngest plans and cuts 20 MB of real records. For comparison, it also does the minimal work with the same
// bytes: finding the records, SHA-256, zstd.
func BenchmarkIngest(b *testing.B) {
	for name, pool := range realManifests(b) {
		manifest := bytes.Repeat(pool.records, repeats)
		manifest = append(append([]byte(pool.before), manifest[:len(manifest)-pool.separator]...), pool.after...)
		b.Run(name, func(b *testing.B) {
			benchCPU(b, len(manifest), func(timed func(func())) {
				f := runtest.New(b)
				f.Limits = realLimits()
				f.Upload("datasets/demo/a.json", manifest)
				timed(func() {
					plan := f.Begin("datasets/demo/a.json")
					for r := range plan.Ranges {
						if _, err := f.Worker.CutRange(b.Context(), events.RangeTask{Run: plan.Run, Range: r}, "1"); err != nil {
							b.Fatal(err)
						}
					}
				})
			})
		})
		packer, err := zstd.NewWriter(nil, zstd.WithEncoderConcurrency(1), zstd.WithEncoderLevel(zstd.SpeedFastest))
		if err != nil {
			b.Fatal(err)
		}
		b.Run(name+", scanner, sha256 and zstd alone", func(b *testing.B) {
			benchCPU(b, len(manifest), func(timed func(func())) {
				timed(func() {
					_, err := dataset.Split(bytes.NewReader(manifest), 16<<20)
					sha256.Sum256(manifest)
					for range repeats { // so that zstd does not find the same records again
						packer.Reset(io.Discard)
						_, errWrite := packer.Write(pool.records)
						err = errors.Join(err, errWrite, packer.Close())
					}
					if err != nil {
						b.Fatal(err)
					}
				})
			})
		})
	}
}

// benchCPU reports the number of bytes per CPU-second, measured while do runs the function timed.
func benchCPU(b *testing.B, size int, do func(timed func(func()))) {
	b.SetBytes(int64(size))
	b.ReportAllocs()
	var took time.Duration
	for b.Loop() {
		b.StopTimer()
		do(func(part func()) {
			b.StartTimer()
			before := thorough.ProcessorTime()
			part()
			took += thorough.ProcessorTime() - before
		})
	}
	b.ReportMetric(float64(size)*float64(b.N)/1e6/took.Seconds(), "MB/cpu-s")
}

// repeats is the number of times that a manifest of BenchmarkIngest has the records of the pool.
const repeats = 8

// A manifestText is a manifest whose records can be repeated. Each record ends in a separator of a number of bytes.
type manifestText struct {
	before, after string
	records       []byte
	separator     int
}

// realManifests returns the pool of real data as it is, a JSON array, and as JSONL.
func realManifests(b *testing.B) map[string]manifestText {
	b.Helper()
	pool, err := os.ReadFile(filepath.Join("..", "..", "..", "shared", "data", "pool", "dataset.json"))
	if err != nil {
		b.Skipf("no pool of real data: %v", err)
	}
	var records []json.RawMessage
	if err := json.Unmarshal(pool, &records); err != nil {
		b.Fatal(err)
	}
	var lines, array bytes.Buffer
	for _, record := range records {
		if err := json.Compact(&lines, record); err != nil {
			b.Fatal(err)
		}
		lines.WriteByte('\n')
		array.Write(record)
		array.WriteString(",\n ")
	}
	return map[string]manifestText{
		"JSON array": {before: "[\n ", records: array.Bytes(), separator: len(",\n "), after: "\n]\n"},
		"JSONL":      {records: lines.Bytes()},
	}
}
