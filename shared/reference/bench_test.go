package reference

import (
	"bufio"
	"bytes"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/harvest-ml/harvest/shared/selection"
)

// samplesVariable is the variable with the number of samples of BenchmarkFiles. LLaVA-OneVision's single-image pool has
// 2,600,000 samples, which need 3 GB of disk.
const samplesVariable = "HARVEST_BENCH_SAMPLES"

// BenchmarkFiles reads the reference's score files, selects a subset of 30 % and writes it. It reports the seconds of
// each phase and the peak memory of the process.
func BenchmarkFiles(b *testing.B) {
	samples, err := strconv.Atoi(os.Getenv(samplesVariable))
	if err != nil {
		b.Skipf("set %s to a number of samples, such as 2600000 (3 GB in %s)", samplesVariable, os.TempDir())
	}
	folder := b.TempDir()
	size := generate(b, folder, samples)
	out, err := os.Create(filepath.Join(folder, "subset.json"))
	if err != nil {
		b.Fatal(err)
	}
	defer out.Close()
	var load, choose, write time.Duration
	for b.Loop() {
		if _, err := out.Seek(0, 0); err != nil {
			b.Fatal(err)
		}
		begin := time.Now()
		data, err := Load(b.Context(), folder, filepath.Join(folder, "manifest.json"))
		if err != nil {
			b.Fatal(err)
		}
		loaded := time.Now()
		result, err := selection.Select(data.Pool, selection.Params{Budget: samples * 3 / 10})
		if err != nil {
			b.Fatal(err)
		}
		chosen := time.Now()
		if err := data.Write(b.Context(), out, result.Samples()); err != nil {
			b.Fatal(err)
		}
		load, choose, write = load+loaded.Sub(begin), choose+chosen.Sub(loaded), write+time.Since(chosen)
		data.Close()
	}
	for name, phase := range map[string]time.Duration{"load-s/op": load, "select-s/op": choose, "write-s/op": write} {
		b.ReportMetric(phase.Seconds()/float64(b.N), name)
	}
	b.ReportMetric(float64(size)/1e9, "GB-read")
	b.ReportMetric(peakMB(b), "peak-MB")
}

// peakMB returns the largest resident size of the process in MB, if Linux reports it.
func peakMB(b *testing.B) float64 {
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return 0
	}
	for line := range strings.Lines(string(status)) {
		if kilobytes, ok := strings.CutPrefix(line, "VmHWM:"); ok {
			n, err := strconv.Atoi(strings.TrimSuffix(strings.TrimSpace(kilobytes), " kB"))
			if err != nil {
				b.Fatal(err)
			}
			return float64(n) / 1e3
		}
	}
	return 0
}

// generate writes score files and a manifest like those of the reference: 14 capabilities, 90 sources of uneven size,
// one to three of 9 styles, ratings as frequent as in the fixtures, and conversations of one to four turns. It returns
// their size in bytes.
func generate(b *testing.B, folder string, samples int) (size int64) {
	rng := rand.New(rand.NewPCG(1, 2))
	for _, capability := range shortNames {
		size += writeFile(b, folder, capability+extension, samples, func(out *bufio.Writer, i int) {
			at, rating := rng.IntN(100), 0
			for _, bound := range []int{45, 68, 85, 94, 98} {
				if at >= bound {
					rating++
				}
			}
			fmt.Fprintf(out, "{\"idx\": %d, \"pred_response\": \"%d\"}\n", i, rating)
		})
	}
	names := []string{
		"multi-choice", "coordinate", "yes/no", "word/short-phrase", "short description",
		"detailed description", "comparison", "chain-of-thought (step-by-step)", "specified style",
	}
	size += writeFile(b, folder, styleFile+extension, samples, func(out *bufio.Writer, i int) {
		first := rng.IntN(len(names))
		answer := names[first]
		for n := range rng.IntN(3) {
			answer += ", " + names[(first+2*n+2)%len(names)]
		}
		fmt.Fprintf(out, "{\"idx\": %d, \"pred_response\": \"%s\"}\n", i, answer)
	})
	const (
		question = `What is written on the sign, and to whom is it addressed?\nAnswer \"briefly\".`
		answer   = "A word in the middle of it."
	)
	size += writeFile(b, folder, "manifest.json", samples, func(out *bufio.Writer, i int) {
		separator := ", "
		if i == 0 {
			separator = "["
		}
		source := min(rng.IntN(90), rng.IntN(90))
		fmt.Fprintf(out, `%s{"id": "s%d", "idx": %d, "image": "images/%d.jpg", `, separator, i, i, i)
		fmt.Fprintf(out, `"image_source": "source %d(web)", "conversations": [`, source)
		for turn := range 1 + rng.IntN(4) {
			if turn > 0 {
				out.WriteString(", ")
			}
			fmt.Fprintf(out, `{"from": "human", "value": "%s"}, {"from": "gpt", "value": "%s"}`, question, answer)
		}
		out.WriteString("]}")
	})
	return size
}

// writeFile writes the items of a file, and returns its size in bytes.
func writeFile(b *testing.B, folder, name string, samples int, item func(out *bufio.Writer, i int)) int64 {
	b.Helper()
	file, err := os.Create(filepath.Join(folder, name))
	if err != nil {
		b.Fatal(err)
	}
	defer file.Close()
	out := bufio.NewWriterSize(file, readBytes)
	for i := range samples {
		item(out, i)
	}
	if strings.HasSuffix(name, ".json") {
		fmt.Fprint(out, "]")
	}
	if err := out.Flush(); err != nil {
		b.Fatal(err)
	}
	info, err := file.Stat()
	if err != nil {
		b.Fatal(err)
	}
	return info.Size()
}

// BenchmarkParseAnswer measures reading one line of the reference's form.
func BenchmarkParseAnswer(b *testing.B) {
	line := []byte(`{"idx": 1234567, "pred_response": "4"}`)
	b.SetBytes(int64(len(line)))
	for b.Loop() {
		if _, err := parseAnswer(line); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkDump measures writing one item.
func BenchmarkDump(b *testing.B) {
	item := []byte(`{"id": "s1", "idx": 1, "image": "images/1.jpg", "conversations": [` +
		`{"from": "human", "value": "What is written on the sign?\nAnswer \"briefly\"."}, ` +
		`{"from": "gpt", "value": "` + string(bytes.Repeat([]byte("a word, "), 40)) + `"}]}`)
	b.SetBytes(int64(len(item)))
	var p python
	for b.Loop() {
		p.src, p.out = item, p.out[:0]
		if err := p.value(1); err != nil {
			b.Fatal(err)
		}
	}
}
