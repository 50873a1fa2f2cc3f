package browse

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"maps"
	"math/rand/v2"
	"runtime"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/harvest-ml/harvest/shared/bucket"
	"github.com/harvest-ml/harvest/shared/rubric"
	"github.com/harvest-ml/harvest/shared/run"
	"github.com/harvest-ml/harvest/shared/scores"
	"github.com/harvest-ml/harvest/shared/selection"
	"github.com/harvest-ml/harvest/shared/subset"
	"github.com/harvest-ml/harvest/shared/thorough"
)

// oneFile serves the scores of all ranges of a run from one file, and the numbers from another file. It counts the
// bytes that are read.
type oneFile struct {
	bucket.Bucket
	read *atomic.Int64
}

const scoresFile, numbersFile = "scores.parquet", "numbers.parquet"

// rangeFile returns the name of the file that stands for an object of a range.
func rangeFile(name string) string {
	switch {
	case strings.Contains(name, "/scores/"):
		return scoresFile
	case strings.Contains(name, "/numbers/"):
		return numbersFile
	}
	return name
}

func (f oneFile) Stat(ctx context.Context, name string) (bucket.Attrs, error) {
	return f.Bucket.Stat(ctx, rangeFile(name))
}

func (f oneFile) Open(ctx context.Context, name string, _, offset, length int64) (io.ReadCloser, error) {
	f.read.Add(length)
	return f.Bucket.Open(ctx, rangeFile(name), 0, offset, length)
}

// madeUp returns a run with a number of equal ranges of n samples each, and a reader of the run.
func madeUp(tb testing.TB, ranges, n int) (*run.Plan, []scores.Record, oneFile) {
	tb.Helper()
	asked := rubric.Default()
	rng := rand.New(rand.NewPCG(1, 2))
	records := make([]scores.Record, n)
	for i := range records {
		r := &records[i]
		r.ID, r.Position = fmt.Sprintf("sample-%07d", i), i
		r.Source = fmt.Sprintf("source %d", min(rng.IntN(40), rng.IntN(40)))
		r.Content = fmt.Sprintf("%016x%016x", rng.Uint64(), rng.Uint64())
		r.ScorerID, r.Rubric = "scorer", asked.Hash()
		if i%100 == 99 {
			r.Status, r.Code, r.Reason = scores.Failed, "image_not_found", "image not found: x.png"
			continue
		}
		r.Status, r.Turns, r.Images = scores.OK, 1, []string{r.Content}
		r.Styles = []string{asked.Styles[rng.IntN(len(asked.Styles))], "other"}[:1+rng.IntN(2)]
		for range asked.Capabilities {
			rating := int8(min(rng.IntN(6), rng.IntN(6)))
			if rng.IntN(50) == 0 {
				rating = selection.Missing
			}
			r.Ratings, r.Expected = append(r.Ratings, rating), append(r.Expected, float32(max(rating, 0)))
		}
	}
	var file bytes.Buffer
	if err := scores.Write(&file, asked.Capabilities, records); err != nil {
		tb.Fatal(err)
	}
	memory := bucket.NewMemory()
	if _, err := bucket.CreateBytes(tb.Context(), memory, scoresFile, file.Bytes()); err != nil {
		tb.Fatal(err)
	}
	numbers := &scores.Numbers{Names: []string{"relevance"}, Values: [][]float64{make([]float64, n)}}
	for i := range n {
		numbers.Values[0][i] = float64(i%7) + rng.Float64()
	}
	file.Reset()
	if err := scores.WriteNumbers(&file, numbers); err != nil {
		tb.Fatal(err)
	}
	if _, err := bucket.CreateBytes(tb.Context(), memory, numbersFile, file.Bytes()); err != nil {
		tb.Fatal(err)
	}
	plan := &run.Plan{Run: "big-0123456789ab", Rubric: asked, Samples: int64(ranges * n)}
	for r := range ranges {
		one := run.Range{FirstIndex: int64(r * n)}
		one.Span.Records = int64(n)
		plan.Ranges = append(plan.Ranges, one)
	}
	return plan, records, oneFile{memory, new(atomic.Int64)}
}

// open returns a reader with an empty cache.
func open(tb testing.TB, work bucket.Reader) *Reader {
	tb.Helper()
	runs, err := run.NewReader(work, run.DefaultCacheBytes)
	if err != nil {
		tb.Fatal(err)
	}
	subsets, err := subset.NewReader(runs, work, subset.DefaultLimits())
	if err != nil {
		tb.Fatal(err)
	}
	reader, err := New(runs, subsets)
	if err != nil {
		tb.Fatal(err)
	}
	return reader
}

// keepClusters stores clusters of three samples each, which are far from each other, for a run.
func keepClusters(tb testing.TB, plan *run.Plan, work bucket.Bucket) {
	tb.Helper()
	leaders := make([]uint32, plan.Samples)
	for i := range leaders {
		leaders[i] = uint32(i % (len(leaders) / 3))
	}
	var file bytes.Buffer
	if err := scores.WriteLeaders(&file, leaders); err != nil {
		tb.Fatal(err)
	}
	name := run.Folder(plan.Run) + "duplicates/leaders.parquet"
	if _, err := bucket.CreateBytes(tb.Context(), work, name, file.Bytes()); err != nil {
		tb.Fatal(err)
	}
}

// keepNumbers stores a file of numbers with as many rows as a run has samples, and returns its name. The first rows
// have ids that each range has.
func keepNumbers(tb testing.TB, plan *run.Plan, work bucket.Bucket) string {
	tb.Helper()
	file, rng := bytes.NewBufferString("id,quality,length\n"), rand.New(rand.NewPCG(2, 4))
	for i := range plan.Samples {
		fmt.Fprintf(file, "sample-%07d,%.6f,%d\n", i, 4*rng.Float64(), i%4096)
	}
	name, err := subset.StoreExternal(tb.Context(), work, file.Bytes())
	if err != nil {
		tb.Fatal(err)
	}
	return name
}

// page lists samples without a check that the run is scored.
func (r *Reader) page(ctx context.Context, plan *run.Plan, texts []string, from int64) (*Page, error) {
	filter, err := ParseFilter(texts)
	if err != nil {
		return nil, err
	}
	tests, err := r.tests(ctx, plan, Query{Filter: filter}, nil)
	if err != nil {
		return nil, err
	}
	page, found := scan(plan.Samples, tests, from, 50)
	page.Entries, err = r.entries(ctx, plan, found)
	return page, err
}

// filters are the filters of a benchmark. They have one or two conditions, and match no samples, half of them, or a
// few.
var filters = map[string][]string{
	"all": nil, "none": {"source=moon"}, "half": {"rating.humanities>=2"},
	"few": {"rating.humanities=5", "source=source 38"}, "style": {"style=multi-choice"},
	"two": {"style=multi-choice", "rating.scene understanding>=4"}, "failed": {"status=failed"},
	"number": {"relevance>=6"}, "number and rating": {"relevance>=6", "rating.humanities>=2"},
	"clustered": {"cluster_size>=2"}, "cluster": {"cluster=@2000000"}, "cluster by id": {"cluster=sample-0030000#50"},
	"clustered and rating": {"cluster_size>=2", "rating.humanities=5"},
}

// All pages together have the samples that meet each term, in their order.
func TestList(t *testing.T) {
	t.Parallel()
	plan, records, work := madeUp(t, 3, 700)
	at := func(r scores.Record, name string) int8 {
		if r.Ratings == nil {
			return selection.Missing
		}
		return r.Ratings[slices.Index(plan.Rubric.Capabilities, name)]
	}
	styled := func(r scores.Record) bool { return slices.Contains(r.Styles, "coordinate") }
	reader := open(t, work)
	for name, tt := range map[string]struct {
		terms []string
		holds func(scores.Record) bool
	}{
		"all":    {[]string{""}, func(scores.Record) bool { return true }},
		"rating": {[]string{"rating.humanities>=4"}, func(r scores.Record) bool { return at(r, "humanities") >= 4 }},
		"spelled": {[]string{"rating.Scene_Understanding=5"}, func(r scores.Record) bool {
			return at(r, "scene understanding") == 5
		}},
		"below":    {[]string{"rating.humanities < 1"}, func(r scores.Record) bool { return at(r, "humanities") == 0 }},
		"missing":  {[]string{"rating.humanities=none"}, func(r scores.Record) bool { return at(r, "humanities") < 0 }},
		"rated":    {[]string{"rating.humanities!=none"}, func(r scores.Record) bool { return at(r, "humanities") >= 0 }},
		"style":    {[]string{"style=coordinate"}, styled},
		"no style": {[]string{"style!=coordinate"}, func(r scores.Record) bool { return !styled(r) }},
		"source":   {[]string{"source=source 3"}, func(r scores.Record) bool { return r.Source == "source 3" }},
		"status":   {[]string{"status=failed"}, func(r scores.Record) bool { return r.Status == scores.Failed }},
		"reason":   {[]string{"reason=image_not_found"}, func(r scores.Record) bool { return r.Code != "" }},
		"nowhere":  {[]string{"source=moon"}, func(scores.Record) bool { return false }},
		"two": {[]string{"source!=source 3", "rating.humanities=5"}, func(r scores.Record) bool {
			return r.Source != "source 3" && at(r, "humanities") == 5
		}},
	} {
		var want, got []string
		for range plan.Ranges {
			for _, r := range records {
				if tt.holds(r) {
					want = append(want, r.ID)
				}
			}
		}
		for from := int64(0); from >= 0; {
			page, err := reader.page(t.Context(), plan, tt.terms, from)
			if err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			if page.Matched != len(want) || page.More {
				t.Errorf("%s: %d samples match (more: %t), want %d", name, page.Matched, page.More, len(want))
			}
			for _, e := range page.Entries {
				got = append(got, e.ID)
			}
			from = page.Next
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%.1000s", name, diff)
		}
	}
}

// An invalid condition is refused, and the error names the valid conditions or values.
func TestFilterRefused(t *testing.T) {
	t.Parallel()
	plan, _, work := madeUp(t, 1, 100)
	for term, want := range map[string]string{
		"humanities>=4":        "humanities is a capability; give rating.humanities>=4",
		"rating.humanities>=6": "not a condition",
		"rating.humanities>no": "not a condition",
		"style":                "not a condition",
		"source=":              "not a condition",
		"rating.humanity=1":    `did you mean "humanities"?`,
		"style=cordinate":      `did you mean "coordinate"?`,
		"status=selected":      "known are: ok, failed, skipped",
	} {
		_, err := open(t, work).page(t.Context(), plan, []string{term}, 0)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: error %v, want %s", term, err, want)
		}
	}
}

// For a page of a list, only the columns that the filter names, and the Parquet pages with the list's rows, are read.
func TestReadsLittle(t *testing.T) {
	t.Parallel()
	plan, _, work := madeUp(t, 4, 20_000)
	attrs, err := work.Stat(t.Context(), scoresFile)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := open(t, work).page(t.Context(), plan, []string{"rating.humanities>=2"}, 0); err != nil {
		t.Fatal(err)
	}
	if all := 4 * attrs.Size; work.read.Load() > all/4 {
		t.Errorf("%d of %d bytes are read", work.read.Load(), all)
	}
}

// cpu returns the CPU time of this process in milliseconds.
func cpu() float64 { return thorough.ProcessorTime().Seconds() * 1e3 }

// BenchmarkFirstPage lists the first 50 of 2.6 million samples, with the columns in the cache and without them.
func BenchmarkFirstPage(b *testing.B) {
	defer runtime.GC()
	plan, _, work := madeUp(b, 65, 40_000)
	keepClusters(b, plan, work)
	for _, name := range slices.Sorted(maps.Keys(filters)) {
		reader := open(b, work)
		list := func(b *testing.B) {
			b.Helper()
			page, err := reader.page(b.Context(), plan, filters[name], 0)
			if err != nil {
				b.Fatal(err)
			}
			b.ReportMetric(float64(len(page.Entries)), "samples")
		}
		b.Run(name+"/cold", func(b *testing.B) {
			before, n := cpu(), 0
			for ; b.Loop(); n++ {
				reader = open(b, work)
				list(b)
			}
			b.ReportMetric((cpu()-before)/float64(n), "cpu-ms/op")
		})
		b.Run(name+"/warm", func(b *testing.B) {
			list(b)
			before, n := cpu(), 0
			for ; b.Loop(); n++ {
				list(b)
			}
			b.ReportMetric((cpu()-before)/float64(n), "cpu-ms/op")
		})
	}
}

// BenchmarkExternal lists the first 50 of 2.6 million samples by a column of a file of numbers, and reads the names of
// the file's columns. It measures three cases: a new process reads the file itself, as for selections of earlier
// versions; a new process reads columns that a selection has stored; the columns are in memory. It also measures how
// long storing the columns takes.
func BenchmarkExternal(b *testing.B) {
	defer runtime.GC()
	plan, _, work := madeUp(b, 65, 40_000)
	from := keepNumbers(b, plan, work)
	var reader *Reader
	list := func(b *testing.B) {
		b.Helper()
		if _, err := reader.subsets.ColumnNames(b.Context(), plan, from); err != nil {
			b.Fatal(err)
		}
		values, err := reader.number(b.Context(), plan, from, "quality")
		if err != nil {
			b.Fatal(err)
		}
		_, found := scan(plan.Samples, []test{func(i int) bool { return values[i] >= 2 }}, 0, 50)
		if _, err := reader.entries(b.Context(), plan, found); err != nil {
			b.Fatal(err)
		}
	}
	kept := run.Folder(plan.Run) + "external/" + strings.TrimPrefix(from, selection.ExternalPrefix) + ".parquet"
	for _, one := range []struct {
		name string
		work func(b *testing.B)
	}{
		{"file", func(b *testing.B) { reader = open(b, work); list(b) }},
		{"keep", func(b *testing.B) {
			if err := work.Bucket.(bucket.Deleter).Delete(b.Context(), kept); err != nil {
				b.Fatal(err)
			}
			if err := open(b, work).subsets.KeepNumbers(b.Context(), work, plan, from); err != nil {
				b.Fatal(err)
			}
			attrs, err := work.Stat(b.Context(), kept)
			if err != nil {
				b.Fatal(err)
			}
			given, err := work.Stat(b.Context(), "external/"+strings.TrimPrefix(from, selection.ExternalPrefix))
			if err != nil {
				b.Fatal(err)
			}
			b.ReportMetric(float64(attrs.Size)/1e6, "MB-kept")
			b.ReportMetric(float64(given.Size)/1e6, "MB-given")
		}},
		{"cold", func(b *testing.B) { reader = open(b, work); list(b) }},
		{"warm", list},
	} {
		b.Run(one.name, func(b *testing.B) {
			before, n := cpu(), 0
			for ; b.Loop(); n++ {
				one.work(b)
			}
			b.ReportMetric((cpu()-before)/float64(n), "cpu-ms/op")
		})
	}
}
