package forms

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/harvest-ml/harvest/shared/dataset"
	"github.com/klauspost/compress/zstd"
)

// pool reads the manifest of real data, which lies next to the repository.
func pool(tb testing.TB) []byte {
	tb.Helper()
	data, err := os.ReadFile(filepath.Join("..", "..", "..", "..", "shared", "data", "pool", "dataset.json"))
	if err != nil {
		tb.Skipf("no pool of real data: %v", err)
	}
	return data
}

// packParsed packs samples without their records.
func packParsed(b *testing.B, samples []dataset.Sample) []byte {
	var out bytes.Buffer
	packer, err := zstd.NewWriter(&out, zstd.WithEncoderConcurrency(1), zstd.WithEncoderLevel(zstd.SpeedFastest))
	if err != nil {
		b.Fatal(err)
	}
	lines := json.NewEncoder(packer)
	lines.SetEscapeHTML(false)
	for _, s := range samples {
		s.Raw = nil
		if err := lines.Encode(s); err != nil {
			b.Fatal(err)
		}
	}
	if err := packer.Close(); err != nil {
		b.Fatal(err)
	}
	return out.Bytes()
}

// BenchmarkParsedSamples measures the alternative to shards of records: parsed samples of the pool, compressed like
// records. The README of package dataset compares the two.
func BenchmarkParsedSamples(b *testing.B) {
	manifest := pool(b)
	var samples []dataset.Sample
	err := dataset.EachSample(bytes.NewReader(manifest), "dataset.json", dataset.Limits{MaxRecordBytes: 1 << 20}, Parse,
		func(s *dataset.Sample) error {
			samples = append(samples, *s)
			return nil
		})
	if err != nil {
		b.Fatal(err)
	}
	shards := slices.Collect(slices.Chunk(samples, 200))
	var stored [][]byte
	size := 0
	for _, shard := range shards {
		stored = append(stored, packParsed(b, shard))
		size += len(stored[len(stored)-1])
	}
	for name, do := range map[string]func(shard int) error{
		"parse": func(shard int) error {
			for _, s := range shards[shard] {
				Parse(s.Raw, s.Place)
			}
			return nil
		},
		"store": func(shard int) error {
			packParsed(b, shards[shard])
			return nil
		},
		"load": func(shard int) error {
			unpacker, err := zstd.NewReader(bytes.NewReader(stored[shard]), zstd.WithDecoderConcurrency(1))
			if err != nil {
				return err
			}
			defer unpacker.Close()
			lines := json.NewDecoder(unpacker)
			for range shards[shard] {
				if err := lines.Decode(new(dataset.Sample)); err != nil {
					return err
				}
			}
			return nil
		},
	} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				for shard := range shards {
					if err := do(shard); err != nil {
						b.Fatal(err)
					}
				}
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*len(samples)), "ns/sample")
			b.ReportMetric(float64(size)/float64(len(manifest)), "stored/manifest")
		})
	}
}
