//go:build unix

package run_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"iter"
	"os"
	"runtime"
	"runtime/metrics"
	"strings"
	"testing"
	"time"

	"github.com/harvest-ml/harvest/shared/bucket"
	"github.com/harvest-ml/harvest/shared/bucket/buckettest"
	"github.com/harvest-ml/harvest/shared/dataset"
	"github.com/harvest-ml/harvest/shared/dataset/container/hfparquet"
	"github.com/harvest-ml/harvest/shared/dataset/container/hfparquet/table"
	"github.com/harvest-ml/harvest/shared/events"
	"github.com/harvest-ml/harvest/shared/run"
	"github.com/harvest-ml/harvest/shared/run/runtest"
	"github.com/harvest-ml/harvest/shared/thorough"
)

// A generated bucket has one object of any size.
type generated struct {
	name string
	buckettest.Repeated
}

const onlyGeneration = 7

func (g generated) Stat(_ context.Context, name string) (bucket.Attrs, error) {
	if name != g.name {
		return bucket.Attrs{}, fmt.Errorf("%s: %w", name, bucket.ErrNotExist)
	}
	return bucket.Attrs{Name: name, Size: g.Bytes(), Generation: onlyGeneration}, nil
}

func (g generated) Open(ctx context.Context, name string, _, offset, length int64) (io.ReadCloser, error) {
	if _, err := g.Stat(ctx, name); err != nil {
		return nil, err
	}
	if length < 0 {
		length = g.Bytes()
	}
	return io.NopCloser(io.NewSectionReader(g, offset, length)), nil
}

func (g generated) List(ctx context.Context, prefix, after string) iter.Seq2[bucket.Attrs, error] {
	return func(yield func(bucket.Attrs, error) bool) {
		if attrs, err := g.Stat(ctx, g.name); strings.HasPrefix(g.name, prefix) && g.name > after {
			yield(attrs, err)
		}
	}
}

func (g generated) Checksum(context.Context, string) (uint32, error) { return 1, nil }

// largeRecord returns a record of about a number of bytes.
func largeRecord(number, size int) string {
	answer := strings.Repeat(fmt.Sprintf("This is sentence %d of an answer. ", number), size/34)
	return runtest.Record(fmt.Sprintf("%06d", number), answer)
}

// blockRecords is the number of records of a generated block.
const blockRecords = 64

// largeForms make objects of about a size, by their forms. Images have 100 kB. Records without an image have 10 kB.
var largeForms = map[string]func(t *testing.T, size int64) buckettest.Repeated{
	"jsonl": func(_ *testing.T, size int64) buckettest.Repeated {
		var block bytes.Buffer
		for i := range blockRecords {
			block.WriteString(largeRecord(i, 10_000) + "\n")
		}
		return buckettest.Repeated{Block: block.Bytes(), Times: max(1, size/int64(block.Len()))}
	},
	"json": func(_ *testing.T, size int64) buckettest.Repeated {
		var block bytes.Buffer
		for i := range blockRecords {
			block.WriteString(largeRecord(i, 10_000) + ",\n")
		}
		return buckettest.Repeated{
			Head: []byte("[\n"), Block: block.Bytes(), Times: max(1, size/int64(block.Len())),
			Tail: []byte(largeRecord(blockRecords, 10_000) + "\n]\n"),
		}
	},
	"tar": func(t *testing.T, size int64) buckettest.Repeated {
		var members []runtest.Member
		for i := range blockRecords {
			key := fmt.Sprintf("%06d.", i)
			members = append(members, runtest.Member{Name: key + "png", Content: strings.Repeat("\x01", 100_000)},
				runtest.Member{Name: key + "json", Content: largeRecord(i, 500)})
		}
		archive := runtest.Tar(t, members...)
		block, tail := archive[:len(archive)-1024], archive[len(archive)-1024:]
		return buckettest.Repeated{Block: block, Times: max(1, size/int64(len(block))), Tail: tail}
	},
	"parquet": largeParquet,
}

// largeParquet returns a Parquet file whose row groups are equal.
func largeParquet(t *testing.T, size int64) buckettest.Repeated {
	columns := table.NewColumns("images")
	var one, groups, notes, end bytes.Buffer
	must := func(err error) {
		if err != nil {
			t.Fatal(err)
		}
	}
	records, places := make([][]byte, blockRecords), make([]dataset.Record, blockRecords)
	for i := range records {
		var fields map[string]any
		must(json.Unmarshal([]byte(largeRecord(i, 500)), &fields))
		fields["images"] = []string{"a"}
		records[i], _ = json.Marshal(fields)
		places[i].Place.Element = int64(i) + 1
		must(columns.Add(records[i]))
	}
	rows, err := columns.NewWriter(&one)
	must(err)
	for _, record := range records {
		must(rows.Write(record, []table.Image{{Bytes: bytes.Repeat([]byte{1}, 100_000)}}))
	}
	must(rows.Close())
	kind, input := hfparquet.Kind(), generatedSource{generated{Repeated: buckettest.Repeated{Tail: one.Bytes()}}}
	note, err := kind.Part(t.Context(), &groups, input, places, dataset.Part{First: true})
	must(err)
	g := buckettest.Repeated{Head: []byte("PAR1"), Block: groups.Bytes()[4:]}
	g.Times = max(1, size/int64(len(g.Block)))
	for range g.Times {
		notes.Write(note)
	}
	must(kind.End(&end, &notes))
	g.Tail = end.Bytes()
	return g
}

// A generatedSource is a generated object as the source of a container.
type generatedSource struct{ generated }

func (s generatedSource) Size(context.Context) (int64, error) { return s.Bytes(), nil }

func (s generatedSource) Open(ctx context.Context, offset, length int64) (io.ReadCloser, error) {
	return s.generated.Open(ctx, s.name, 0, offset, length)
}

// cutEach is the number of ranges for each range that a soak test cuts. All ranges have the same size.
const cutEach = 8

// TestLargeManifests plans a manifest of each form, of 10 GB with HARVEST_SOAK, and cuts ranges of it. The memory of
// the process stays below 300 MB, and the time is linear in the size. The test is not parallel, because it measures
// both. The README.md of package container has the figures.
func TestLargeManifests(t *testing.T) {
	size, soak := int64(8<<20), os.Getenv("HARVEST_SOAK") != ""
	if soak {
		size = 10_000_000_000
	}
	for form, generate := range largeForms {
		t.Run(form, func(t *testing.T) {
			each := 1
			if soak {
				each = cutEach
			}
			part := planAndCut(t, form, generate(t, size/4), each)
			whole := planAndCut(t, form, generate(t, size), each)
			t.Logf("%s: %s", form, whole)
			if most := int64(300_000_000); whole.memory > most {
				t.Errorf("%d bytes of memory, and %d are allowed", whole.memory, most)
			}
			for what, times := range map[string][2]time.Duration{
				"plan": {part.plan, whole.plan}, "cut": {part.cut, whole.cut},
			} {
				if soak && times[1] > 4*times[0]*3/2+5*time.Second {
					t.Errorf("%s: the manifest takes %v, and a quarter of it %v", what, times[1], times[0])
				}
			}
		})
	}
}

// A largeMeasure has the time and memory that a manifest needed.
type largeMeasure struct {
	samples   int64
	ranges    int
	taken     int64         // samples of the ranges that were cut
	plan, cut time.Duration // of CPU of the process
	memory    int64         // the largest memory of the process, in bytes
}

func (m largeMeasure) String() string {
	return fmt.Sprintf("%d samples in %d ranges, plan %.1f s; cut %d of them, %.1f s of CPU; %d MB of memory", m.samples,
		m.ranges, m.plan.Seconds(), m.taken, m.cut.Seconds(), m.memory/1e6)
}

// planAndCut plans a dataset of one manifest, and cuts every each-th of its ranges. Shards are not kept.
func planAndCut(t *testing.T, form string, file buckettest.Repeated, each int) (m largeMeasure) {
	t.Helper()
	input := generated{"datasets/large/a." + form, file}
	f := runtest.New(t)
	f.Input = input
	f.Limits.Records = dataset.Limits{MaxRecordBytes: 1 << 20}
	f.Limits.PlanBytes, f.Limits.RangeBytes, f.Limits.ShardSamples, f.Limits.ShardBytes = 8<<30, 16<<20, 200, 64<<20
	f.Restart()
	runtime.GC()
	watch := func() { m.memory = max(m.memory, processBytes()) }
	start := thorough.ProcessorTime()
	plan := f.Begin(input.name)
	m.plan = thorough.ProcessorTime() - start
	watch()
	start = thorough.ProcessorTime()
	planned := int64(0)
	for r := 0; r < len(plan.Ranges); r += each {
		planned += plan.Ranges[r].Span.Records
		if _, err := f.Worker.CutRange(t.Context(), events.RangeTask{Run: plan.Run, Range: r}, "m"); err != nil {
			t.Fatal(err)
		}
		m.taken += cutSamples(t, f, plan, r)
		watch()
	}
	m.cut, m.ranges, m.samples = thorough.ProcessorTime()-start, len(plan.Ranges), plan.Samples
	want := file.Times*blockRecords + int64(bytes.Count(file.Tail, []byte(`"data_source"`)))
	if form == "parquet" {
		want = file.Times * blockRecords
	}
	if plan.Samples != want || m.taken != planned {
		t.Errorf("%d samples are planned, want %d; %d are cut of %d", plan.Samples, want, m.taken, planned)
	}
	return m
}

// cutSamples counts the valid samples of a range that is cut, and removes its shards.
func cutSamples(t *testing.T, f *runtest.Fixture, plan *run.Plan, r int) int64 {
	t.Helper()
	report, err := f.Runs.RangeReport(t.Context(), plan.Run, r)
	if err != nil || len(report.Problems) > 0 {
		t.Fatalf("range %d: %v, %v", r, report, err)
	}
	for _, name := range f.Objects(fmt.Sprintf("runs/%s/shards/%04d/", plan.Run, r)) {
		if err := f.Work.Delete(t.Context(), name); err != nil {
			t.Fatal(err)
		}
	}
	return report.Samples
}

// processBytes returns the memory of the process in bytes.
func processBytes() int64 {
	samples := []metrics.Sample{
		{Name: "/memory/classes/total:bytes"}, {Name: "/memory/classes/heap/released:bytes"},
	}
	metrics.Read(samples)
	return int64(samples[0].Value.Uint64() - samples[1].Value.Uint64())
}
