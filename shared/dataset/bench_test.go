package dataset

import (
	"bytes"
	"fmt"
	"io"
	"strings"
	"testing"
)

// benchManifests are manifests of a few megabytes in the forms that people have: short texts, and
// images embedded in base64.
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
				r := newReader(b, bytes.NewReader(manifest[span.Start:]), layout.Form, span, "bench", Limits{})
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

func BenchmarkShard(b *testing.B) {
	for name, manifest := range benchManifests() {
		samples := readAll(b, manifest, 1<<40, Limits{})
		samples = samples[:min(len(samples), 200)]
		var raw int64
		for _, s := range samples {
			raw += int64(len(s.Raw))
		}
		var shard bytes.Buffer
		if err := WriteShard(&shard, samples); err != nil {
			b.Fatal(err)
		}
		b.Run("write/"+name, func(b *testing.B) {
			b.SetBytes(raw)
			b.ReportAllocs()
			for b.Loop() {
				if err := WriteShard(io.Discard, samples); err != nil {
					b.Fatal(err)
				}
			}
		})
		b.Run("read/"+name, func(b *testing.B) {
			b.SetBytes(raw)
			b.ReportAllocs()
			for b.Loop() {
				if _, err := ReadShard(bytes.NewReader(shard.Bytes())); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
