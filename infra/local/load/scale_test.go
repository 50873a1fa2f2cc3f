//go:build load

package load

import (
	"bytes"
	"context"
	"fmt"
	"image"
	"image/color"
	"image/jpeg"
	"math"
	"math/rand/v2"
	"os"
	"runtime/debug"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/harvest-ml/harvest/infra/local"
	"github.com/harvest-ml/harvest/shared/bucket"
	"github.com/harvest-ml/harvest/shared/run/runtest"
	"github.com/harvest-ml/harvest/shared/thorough"
)

// scalePatience is the maximum time of all work of a row of BenchmarkScale.
const scalePatience = time.Hour

// A scaleRow is one row of BenchmarkScale: the uploaded datasets, and their number of samples.
type scaleRow struct {
	name    string
	samples int
	drop    func(context.Context, *system) (manifestBytes int, err error)
}

// scaleRows returns the rows. The largest dataset has HARVEST_BENCH_SAMPLES samples (100,000).
func scaleRows(b *testing.B) []scaleRow {
	b.Helper()
	const many, manifests, perManifest, each, pictured = 300, 10_000, 10, 20_000, 2000
	rows := []scaleRow{
		{"300 datasets together", many * samples, func(ctx context.Context, s *system) (size int, err error) {
			for range many {
				if err := s.drop(ctx); err != nil {
					return 0, err
				}
			}
			return many * len(runtest.Array(runtest.Plain("d000-", samples))), nil
		}},
		{"10,000 manifests", manifests * perManifest, func(ctx context.Context, s *system) (size int, err error) {
			for m := range manifests {
				text := texts(m, perManifest, 250)
				size += len(text)
				if _, err := bucket.CreateBytes(ctx, s.input, fmt.Sprintf("datasets/many/parts/%05d.jsonl", m), text); err != nil {
					return 0, err
				}
			}
			return size, s.dropOne(ctx, "datasets/many/dataset.yaml", []byte("manifests: [\"parts/*.jsonl\"]\n"))
		}},
		{"texts of 1.2 kB", each, oneManifest(each, 1200)},
		{"images of 768 px", pictured, dropImages(pictured)},
		{"texts of 250 bytes", each, oneManifest(each, 250)},
	}
	largest := 100_000
	if text := os.Getenv("HARVEST_BENCH_SAMPLES"); text != "" {
		var err error
		if largest, err = strconv.Atoi(text); err != nil {
			b.Fatal(err)
		}
	}
	return append(rows, scaleRow{fmt.Sprintf("%d rows of 250 bytes", largest), largest, oneManifest(largest, 250)})
}

// BenchmarkScale uploads datasets to a system of one process, with folders and the embedded scorer, and waits until all
// subsets are written, at 30 %.
func BenchmarkScale(b *testing.B) {
	for _, row := range scaleRows(b) {
		b.Run(row.name, func(b *testing.B) {
			if b.N > 1 {
				b.Fatal("a dataset is uploaded once: use -benchtime 1x")
			}
			s := startWith(b, func(o *local.Options) { o.Reconcile = time.Minute })
			debug.FreeOSMemory()
			_ = os.WriteFile("/proc/self/clear_refs", []byte("5"), 0) // without this file, the peak is that of all rows
			before := thorough.ProcessorTime()
			b.ResetTimer()
			size, err := row.drop(b.Context(), s)
			if err != nil {
				b.Fatal(err)
			}
			s.settle(b, scalePatience)
			b.StopTimer()
			took, cpu := b.Elapsed().Seconds(), (thorough.ProcessorTime() - before).Seconds()
			b.ReportMetric(float64(row.samples)/took, "samples/s")
			b.ReportMetric(float64(size)/1e6/took, "MB/s")
			b.ReportMetric(cpu, "cpu-s")
			b.ReportMetric(float64(row.samples)/cpu, "samples/cpu-s")
			b.ReportMetric(peakMB(b), "peak-MB")
		})
	}
}

// dropOne uploads the only dataset of a system.
func (s *system) dropOne(ctx context.Context, object string, content []byte) error {
	s.mu.Lock()
	s.dropped++
	s.mu.Unlock()
	return s.upload(ctx, object, content)
}

// oneManifest uploads a manifest of n records, each with this number of bytes of text.
func oneManifest(n, size int) func(context.Context, *system) (int, error) {
	return func(ctx context.Context, s *system) (int, error) {
		text := texts(0, n, size)
		return len(text), s.dropOne(ctx, "datasets/one/all.jsonl", text)
	}
}

// words are the words of generated texts.
var words = strings.Fields("the left bar is higher than right one because values in table show that sales rose from " +
	"12 to 40 percent between 2019 and 2023 which means a larger share of people chose train over car so answer must " +
	"be B first we compute total area by multiplying width with height then subtract what was removed")

// texts returns n text records as JSONL. Equal arguments give equal records. The answer fills each record up to `size`
// bytes.
func texts(seed, n, size int) []byte {
	rng := rand.New(rand.NewPCG(uint64(seed), 7))
	var out bytes.Buffer
	for i := range n {
		var answer strings.Builder
		for answer.Len() < size-60 {
			answer.WriteString(words[rng.IntN(len(words))] + " ")
		}
		fmt.Fprintln(&out, runtest.Record(fmt.Sprintf("s%05d-%07d", seed, i), answer.String()))
	}
	return out.Bytes()
}

// dropImages uploads a dataset of n samples, each with one of 64 JPEGs of 768 x 768 pixels.
func dropImages(n int) func(context.Context, *system) (int, error) {
	return func(ctx context.Context, s *system) (size int, err error) {
		const files = 64
		for i := range files {
			name, data := fmt.Sprintf("images/pictures/%02d.jpg", i), photograph(i)
			if _, err := bucket.CreateBytes(ctx, s.input, name, data); err != nil {
				return 0, err
			}
			size += len(data) * n / files
		}
		var out bytes.Buffer
		for i := range n {
			id, image := fmt.Sprintf("p%05d", i), fmt.Sprintf("%02d.jpg", i%files)
			fmt.Fprintln(&out, runtest.Record(id, "The left bar is higher.", image))
		}
		return size + out.Len(), s.dropOne(ctx, "datasets/pictures/all.jsonl", out.Bytes())
	}
}

// photograph returns a JPEG with about as many bits a pixel as photographs have, 1.0 to 1.4.
func photograph(seed int) []byte {
	rng := rand.New(rand.NewPCG(uint64(seed), 3))
	picture := image.NewRGBA(image.Rect(0, 0, 768, 768))
	for y := range 768 {
		for x := range 768 {
			grain := func(v, period int) uint8 {
				return uint8(90 + 60*math.Sin(float64(v+seed)/float64(period)) + float64(rng.IntN(14)))
			}
			picture.SetRGBA(x, y, color.RGBA{grain(x, 37), grain(y, 23), grain(x+y, 51), 255})
		}
	}
	var out bytes.Buffer
	_ = jpeg.Encode(&out, picture, &jpeg.Options{Quality: 85}) // a buffer has no write errors
	return out.Bytes()
}

// peakMB returns the peak memory of the process since the last reset, in MB.
func peakMB(b *testing.B) float64 {
	b.Helper()
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return 0 // only Linux reports it
	}
	_, rest, _ := strings.Cut(string(status), "VmHWM:")
	kilobytes, _ := strconv.ParseFloat(strings.Fields(rest)[0], 64)
	return kilobytes / 1000
}
