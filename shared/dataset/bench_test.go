package dataset

import (
	"bytes"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"
)

// benchManifests returns manifests of a few megabytes in common forms: short texts, and images embedded as base64.
func benchManifests() map[string][]byte {
	var short, embedded strings.Builder
	short.WriteString("[")
	for i := range 20_000 {
		if i > 0 {
			short.WriteString(",")
		}
		fmt.Fprintf(&short, "\n {\n  \"id\": \"chart-%d\",\n  \"image\": \"chart/%d.png\",\n  \"conversations\": [\n"+
			"   {\"from\": \"human\", \"value\": \"<image>\\nWhich of the \\\"bars\\\" is the highest, and why? "+
			"Answer in one sentence.\"},\n"+
			"   {\"from\": \"gpt\", \"value\": \"The third one: it stands for the year "+
			"in which both of the plants were at work.\"}\n  ]\n }", i, i)
	}
	short.WriteString("\n]\n")
	for i := range 40 {
		fmt.Fprintf(&embedded, `{"id": %d, "image": "data:image/png;base64,%s", "conversations": [`+
			`{"from": "human", "value": "<image>\nWhat is this?"}, {"from": "gpt", "value": "A cat."}]}`+"\n",
			i, strings.Repeat("iVBORw0KGgoA", 20_000))
	}
	return map[string][]byte{"short": []byte(short.String()), "embedded": []byte(embedded.String())}
}

func BenchmarkSplit(b *testing.B) {
	for name, manifest := range benchManifests() {
		b.Run(name, func(b *testing.B) {
			b.SetBytes(int64(len(manifest)))
			b.ReportAllocs()
			for b.Loop() {
				if _, err := Split(bytes.NewReader(manifest), 16<<20); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkReader(b *testing.B) {
	for name, manifest := range benchManifests() {
		layout, err := Split(bytes.NewReader(manifest), 1<<40)
		if err != nil {
			b.Fatal(err)
		}
		b.Run(name, func(b *testing.B) {
			b.SetBytes(int64(len(manifest)))
			b.ReportAllocs()
			for b.Loop() {
				span := layout.Ranges[0]
				r := newReader(b, bytes.NewReader(manifest[span.Start:]), layout.Framing, span, "bench", Limits{})
				for {
					s, err := r.Next()
					if err == io.EOF {
						break
					}
					if err != nil || s.Problem != nil {
						b.Fatal(err, s)
					}
				}
			}
		})
	}
}

// BenchmarkShard writes shards of the usual size, and reads their records, with and without parsing.
func BenchmarkShard(b *testing.B) {
	manifests := benchManifests()
	manifests["pool"] = pool(b)
	for name, manifest := range manifests {
		samples := readAll(b, manifest, 1<<40, Limits{})
		shards := slices.Collect(slices.Chunk(samples, 200))
		var stored [][]byte
		size := 0
		for _, shard := range shards {
			stored = append(stored, writeShard(b, shard))
			size += len(stored[len(stored)-1])
		}
		for kind, do := range map[string]func(shard int) error{
			"write": func(shard int) error { return WriteShard(io.Discard, shards[shard]) },
			"samples": func(shard int) error {
				_, err := ReadShard(bytes.NewReader(stored[shard]), readID)
				return err
			},
			"records": func(shard int) error {
				for _, err := range ReadRecords(bytes.NewReader(stored[shard])) {
					if err != nil {
						return err
					}
				}
				return nil
			},
			"places": func(shard int) error {
				_, err := ReadPlaces(bytes.NewReader(stored[shard]))
				return err
			},
		} {
			b.Run(kind+"/"+name, func(b *testing.B) {
				benchShards(b, len(shards), do)
				b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*len(samples)), "ns/sample")
				b.ReportMetric(float64(size)/float64(len(manifest)), "stored/manifest")
			})
		}
	}
}

func benchShards(b *testing.B, shards int, do func(shard int) error) {
	b.ReportAllocs()
	for b.Loop() {
		for shard := range shards {
			if err := do(shard); err != nil {
				b.Fatal(err)
			}
		}
	}
}
