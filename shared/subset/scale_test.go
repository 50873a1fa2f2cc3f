package subset_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"math/rand/v2"
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/harvest-ml/harvest/shared/bucket"
	"github.com/harvest-ml/harvest/shared/dataset"
	"github.com/harvest-ml/harvest/shared/dataset/forms"
	"github.com/harvest-ml/harvest/shared/events"
	"github.com/harvest-ml/harvest/shared/memory"
	"github.com/harvest-ml/harvest/shared/rubric"
	"github.com/harvest-ml/harvest/shared/run"
	"github.com/harvest-ml/harvest/shared/run/runtest"
	"github.com/harvest-ml/harvest/shared/scorer"
	"github.com/harvest-ml/harvest/shared/scores"
	"github.com/harvest-ml/harvest/shared/selection"
	"github.com/harvest-ml/harvest/shared/subset"
	"github.com/harvest-ml/harvest/shared/thorough"
)

// scaleRun is the run that BenchmarkSelectRun selects from.
const scaleRun = "scale-0123456789ab"

// rangeSamples is the number of records of about 1 kB in a range of 16 MiB.
const rangeSamples = 16_000

// maxParts is the size of the largest run whose parts are written.
const maxParts = 2_000_000

// scaleFolder is the variable with the folder of a run. If it is set, TestMain only selects from this run.
const scaleFolder = "HARVEST_SCALE_FOLDER"

// BenchmarkSelectRun makes two selections of a scored run of HARVEST_BENCH_SAMPLES samples (100,000) in a separate
// process. The first selection reads the scores, and the second finds them in memory. Then all parts are written, if
// the run has at most 2 million samples. It reports the CPU time and the elapsed time of each step, and the peak memory
// of the process. GOMEMLIMIT applies to that process.
func BenchmarkSelectRun(b *testing.B) {
	samples := 100_000
	if text := os.Getenv("HARVEST_BENCH_SAMPLES"); text != "" {
		var err error
		if samples, err = strconv.Atoi(text); err != nil {
			b.Fatal(err)
		}
	}
	folder := b.TempDir()
	if err := writeScaleRun(b.Context(), folder, samples); err != nil {
		b.Fatal(err)
	}
	var total scaleFigures
	for b.Loop() {
		// Remove the earlier selections of the run, which would be found again.
		if err := os.RemoveAll(folder + "/" + run.Folder(scaleRun) + "selections"); err != nil {
			b.Fatal(err)
		}
		child := exec.CommandContext(b.Context(), os.Args[0], "-test.run=^$")
		child.Env = append(os.Environ(), scaleFolder+"="+folder)
		child.Stderr = os.Stderr
		out, err := child.Output()
		if err != nil {
			b.Fatal(err)
		}
		var one scaleFigures
		if err := json.Unmarshal(out, &one); err != nil {
			b.Fatalf("%s: %v", out, err)
		}
		total.add(one)
		total.Peak = max(total.Peak, child.ProcessState.SysUsage().(*syscall.Rusage).Maxrss<<10)
	}
	n := float64(b.N)
	b.ReportMetric(total.FirstCPU/n, "first-cpu-s")
	b.ReportMetric(total.SecondCPU/n, "second-cpu-s")
	b.ReportMetric(total.Second/n, "second-s")
	b.ReportMetric(total.PartsCPU/n, "parts-cpu-s")
	b.ReportMetric(float64(total.Peak)/1e6, "peak-MB")
	b.ReportMetric(float64(total.Peak-total.Base/int64(b.N))/float64(samples), "B/sample")
}

// A scaleFigures has the measurements of a process, in seconds and bytes.
type scaleFigures struct {
	FirstCPU, Second, SecondCPU, PartsCPU float64
	Base                                  int64 // of the process before it read anything
	Peak                                  int64
}

func (f *scaleFigures) add(one scaleFigures) {
	f.FirstCPU += one.FirstCPU
	f.Second += one.Second
	f.SecondCPU += one.SecondCPU
	f.PartsCPU += one.PartsCPU
	f.Base += one.Base
}

// taskList keeps the tasks that are published.
type taskList []events.Message

func (l *taskList) Publish(_ context.Context, messages ...events.Message) error {
	*l = append(*l, messages...)
	return nil
}

// selectAlone makes two selections of the run in a folder, and writes the figures as JSON.
func selectAlone(ctx context.Context, folder string, w io.Writer) error {
	var tasks, published taskList
	feed, errFeed := events.NewFeed(&published, runtest.Origin(), time.Now)
	work, errWork := bucket.OpenFolder(folder)
	if err := errors.Join(errFeed, errWork); err != nil {
		return err
	}
	runs, err := run.NewReader(work, run.DefaultCacheBytes)
	if err != nil {
		return err
	}
	subsets, err := subset.NewSelector(subset.Config{
		Runs: runs, Work: work, Input: work, Tasks: &tasks, Events: feed, Now: time.Now,
		Process: run.Process{ID: "scale"}, Limits: subset.DefaultLimits(), Reports: runtest.Report{},
		Memory: new(memory.Budget), // there are no images
	})
	if err != nil {
		return err
	}
	base, err := residentBytes()
	if err != nil {
		return err
	}
	figures := scaleFigures{Base: base}
	var cpu float64
	var sel *subset.Selection
	for i, text := range []string{"20%", "30%"} {
		budget, err := selection.ParseBudget(text)
		if err != nil {
			return err
		}
		start, before := time.Now(), thorough.ProcessorTime().Seconds()
		if sel, err = subsets.Select(ctx, scaleRun, selection.Request{Budget: budget}, run.Allowance{}); err != nil {
			return err
		}
		cpu = thorough.ProcessorTime().Seconds() - before
		if i == 0 {
			figures.FirstCPU, tasks = cpu, nil
		} else {
			figures.Second, figures.SecondCPU = time.Since(start).Seconds(), cpu
		}
	}
	before := thorough.ProcessorTime().Seconds()
	for len(tasks) > 0 && sel.Total <= maxParts {
		var task events.PartTask
		if err := json.Unmarshal(tasks[0].Data, &task); err != nil {
			return err
		}
		tasks = tasks[1:]
		if err := subsets.WritePart(ctx, task); err != nil {
			return err
		}
	}
	figures.PartsCPU = thorough.ProcessorTime().Seconds() - before
	if len(published) != 1 && sel.Total <= maxParts {
		return fmt.Errorf("%d events, want one: all parts of the selection are written", len(published))
	}
	return json.NewEncoder(w).Encode(figures)
}

// residentBytes returns the current memory of the process in bytes.
func residentBytes() (int64, error) {
	runtime.GC()
	text, err := os.ReadFile("/proc/self/statm")
	if err != nil {
		return 0, err
	}
	pages, err := strconv.ParseInt(strings.Fields(string(text))[1], 10, 64)
	return pages * int64(os.Getpagesize()), err
}

// writeScaleRun writes a scored run of synthetic samples into a folder. From the 65th range on, ranges repeat.
func writeScaleRun(ctx context.Context, folder string, samples int) error {
	work, err := bucket.OpenFolder(folder)
	if err != nil {
		return err
	}
	plan := &run.Plan{
		Layout: run.LayoutVersion, Reading: dataset.ReadingVersion, Run: scaleRun, Dataset: "scale",
		Samples: int64(samples), Rubric: rubric.Default(), Scorer: "fake", ScorerID: "fake-1",
		Manifests: []run.Manifest{{
			Name: "datasets/scale/a.jsonl", Records: int64(samples), Framing: dataset.Framing{Format: dataset.Lines},
		}},
	}
	shard, err := scaleShard()
	if err != nil {
		return err
	}
	rng := rand.New(rand.NewPCG(1, 2))
	for first := 0; first < samples; first += rangeSamples {
		n := min(rangeSamples, samples-first)
		plan.Ranges = append(plan.Ranges, run.Range{
			FirstIndex: int64(first), Span: dataset.Span{Records: int64(n), FirstElement: int64(first) + 1},
		})
		if err := writeScaleRange(ctx, work, plan, rng, shard, n); err != nil {
			return err
		}
	}
	if _, err := bucket.CreateJSON(ctx, work, run.Folder(scaleRun)+"plan.json", plan); err != nil {
		return err
	}
	scored := run.Scored{Counts: run.Counts{Samples: events.Counts{In: int64(samples), Scored: int64(samples)}}}
	_, err = bucket.CreateJSON(ctx, work, run.Folder(scaleRun)+"scored", scored)
	return err
}

// scaleShard returns the records of every shard: 200 of about 1 kB.
func scaleShard() ([]dataset.Sample, error) {
	samples := make([]dataset.Sample, 200)
	for i := range samples {
		raw, err := json.Marshal(map[string]any{
			"id": fmt.Sprint("sample", i), "image": "a.png", "conversations": []map[string]string{
				{"from": "human", "value": "<image>\nWhat is said of it?"},
				{"from": "gpt", "value": strings.Repeat(fmt.Sprintf("Number %d is all good. ", 7919*i%1000), 40)},
			},
		})
		if err != nil {
			return nil, err
		}
		samples[i] = *forms.Parse(raw, dataset.Place{Manifest: "a.jsonl", Element: int64(i) + 1, Line: int64(i) + 1})
	}
	return samples, nil
}

// writeScaleRange writes the shards, the report and the scores of the plan's last range.
func writeScaleRange(
	ctx context.Context, work bucket.Bucket, plan *run.Plan, rng *rand.Rand, shard []dataset.Sample, n int,
) error {
	r := len(plan.Ranges) - 1
	report := run.RangeReport{Range: r, Samples: int64(n)}
	for first := 0; first < n && plan.Samples <= maxParts; first += len(shard) {
		size := min(len(shard), n-first)
		name := fmt.Sprintf("%sshards/%04d/%07d.zst", run.Folder(scaleRun), r, len(report.Shards))
		if _, err := bucket.CreateOnce(ctx, work, name, func(w io.Writer) error {
			return dataset.WriteShard(w, shard[:size])
		}); err != nil {
			return err
		}
		report.Shards = append(report.Shards, size)
	}
	if _, err := bucket.CreateJSON(ctx, work,
		fmt.Sprintf("%sranges/%04d.json", run.Folder(scaleRun), r), report); err != nil {
		return err
	}
	if earlier := r % 64; earlier != r && n == rangeSamples {
		file, err := bucket.ReadAll(ctx, work, run.RangeScoresName(scaleRun, earlier))
		if err == nil {
			_, err = bucket.CreateBytes(ctx, work, run.RangeScoresName(scaleRun, r), file)
		}
		return err
	}
	_, err := bucket.CreateOnce(ctx, work, run.RangeScoresName(scaleRun, r), func(w io.Writer) error {
		return scores.Write(w, plan.Rubric.Capabilities, scaleRecords(plan, rng, r, n))
	})
	return err
}

// scaleRecords returns scores like those of the embedded scorer: most ratings are low, one to three styles, 90 sources.
func scaleRecords(plan *run.Plan, rng *rand.Rand, r, n int) []scores.Record {
	records := make([]scores.Record, n)
	hash := plan.Rubric.Hash()
	for i := range records {
		rec := scores.Record{
			ID: fmt.Sprintf("llava/%09d", r*rangeSamples+i), Range: r, Position: i,
			Source:  fmt.Sprintf("source %d", min(rng.IntN(90), rng.IntN(90))),
			Content: fmt.Sprintf("%016x%016x", rng.Uint64(), rng.Uint64()),
			Twin:    fmt.Sprintf("%016x%016x", rng.Uint64(), rng.Uint64()), Tokens: dataset.Tokens{Text: rng.IntN(2000)},
			Images: []string{fmt.Sprintf("%016x", rng.Uint64())}, Sizes: []string{"640x480"},
			Seen:   []string{"123456:1764374400000000000"},
			Status: scores.OK, ScorerID: plan.ScorerID, Rubric: hash,
		}
		first := rng.IntN(len(plan.Rubric.Styles))
		for style := range 1 + rng.IntN(3) {
			rec.Styles = append(rec.Styles, plan.Rubric.Styles[(first+2*style)%len(plan.Rubric.Styles)])
		}
		for range plan.Rubric.Capabilities {
			expected := math.Pow(rng.Float64(), 2) * scorer.MaxRating
			rec.Ratings = append(rec.Ratings, int8(math.Floor(expected+0.5)))
			rec.Expected = append(rec.Expected, scorer.RoundExpected(expected))
		}
		records[i] = rec
	}
	return records
}
