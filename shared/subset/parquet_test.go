package subset_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/parquet-go/parquet-go"

	"github.com/harvest-ml/harvest/shared/events"
	"github.com/harvest-ml/harvest/shared/run"
	"github.com/harvest-ml/harvest/shared/run/runtest"
	"github.com/harvest-ml/harvest/shared/selection"
	"github.com/harvest-ml/harvest/shared/thorough"
)

const parquetManifest = "datasets/demo/a.parquet"

// A parquetRow is a sample as a row of a Parquet file.
type parquetRow struct {
	ID            string           `parquet:"id"`
	Image         []parquetPicture `parquet:"image,list"`
	Source        string           `parquet:"data_source,optional" json:"data_source"`
	Conversations []struct {
		From  string `parquet:"from"`
		Value string `parquet:"value"`
	} `parquet:"conversations,list"`
}

type parquetPicture struct {
	Bytes []byte `parquet:"bytes,optional"`
	Path  string `parquet:"path"`
}

// Equal compares pictures, because cmp takes seconds for their bytes.
func (p parquetPicture) Equal(other parquetPicture) bool {
	return p.Path == other.Path && bytes.Equal(p.Bytes, other.Bytes)
}

// rows returns the samples as rows of a Parquet file.
func (forms twoForms) rows(t *testing.T) []parquetRow {
	t.Helper()
	rows := make([]parquetRow, len(forms.lines))
	for i, line := range forms.lines {
		var record struct {
			parquetRow
			Image []string `json:"image"`
		}
		if err := json.Unmarshal([]byte(line), &record); err != nil {
			t.Fatal(err)
		}
		rows[i] = record.parquetRow
		for _, name := range record.Image {
			rows[i].Image = append(rows[i].Image, parquetPicture{[]byte(forms.images[name]), name})
		}
	}
	return rows
}

// parquetOf writes rows in row groups of seven, with the metadata of Hugging Face's datasets library.
func parquetOf(t *testing.T, rows []parquetRow) []byte {
	t.Helper()
	var out bytes.Buffer
	w := parquet.NewGenericWriter[parquetRow](&out, parquet.MaxRowsPerRowGroup(7), parquet.Compression(&parquet.Zstd),
		parquet.KeyValueMetadata("huggingface", `{"info": {}}`), parquet.KeyValueMetadata("a", "b"))
	if _, err := w.Write(rows); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// TestParquet scores the same samples from a Parquet file and from JSON, and selects from them. The subset of the
// Parquet file has the rows of the selected samples, its schema and its metadata.
func TestParquet(t *testing.T) {
	t.Parallel()
	const n = 80
	forms := inTwoForms(t, n)
	text := runtest.New(t)
	for name, content := range forms.images {
		text.Upload("images/demo/"+name, []byte(content))
	}
	text.Upload("datasets/demo/a.jsonl", runtest.Lines(forms.lines))
	ofText := text.Begin("datasets/demo/a.jsonl")
	text.Finish(ofText)

	f := runtest.New(t)
	f.Limits.RangeBytes = 60 // ranges of a few rows
	rows := forms.rows(t)
	f.Upload(parquetManifest, parquetOf(t, rows))
	plan := f.Begin(parquetManifest)
	if len(plan.Ranges) <= 32 {
		t.Fatalf("%d ranges, want more than one block of parts", len(plan.Ranges))
	}
	finishes := waitsForMemory(t, f)
	counts := f.Finish(plan)
	finishes()
	if diff := cmp.Diff(events.Counts{In: n, Scored: n - 2, Failed: 2}, counts); diff != "" {
		t.Errorf("counts (-want +got):\n%s", diff)
	}
	want, got := comparable(text.Records(ofText)), comparable(f.Records(plan))
	want["id15"] = strings.Replace(want["id15"], `record has no turns, only "id"`, "list is empty", 1)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("scores (-JSON +Parquet):\n%s", diff)
	}
	for _, budget := range []string{"30%", "1", "97%"}[:thorough.Size(1, 3)] {
		sel := selectNow(t, f, plan, atBudget(t, budget, selection.Rules{}))
		picked := map[string]bool{}
		for _, p := range picks(t, f, sel) {
			picked[p.ID] = true
		}
		if !strings.HasSuffix(sel.Outputs.Subset, "/subset.parquet") {
			t.Errorf("the subset is %s", sel.Outputs.Subset)
		}
		want := []parquetRow{}
		for _, row := range rows {
			if picked[row.ID] {
				want = append(want, row)
			}
		}
		checkRows(t, f.Read(sel.Outputs.Subset), want)
		if rejected := string(f.Read(sel.Outputs.Rejected)); strings.Count(rejected, "\n") != n-len(picked) ||
			!strings.Contains(rejected, `"element":16}`) {
			t.Errorf("budget %s: rejected:\n%s", budget, rejected)
		}
	}
}

// waitsForMemory acquires all memory of readers of containers, and releases it after some time. The returned function
// must be called after a run. It checks that the run had to wait, and that it has released all its memory.
func waitsForMemory(t *testing.T, f *runtest.Fixture) (finished func()) {
	t.Helper()
	const all = math.MaxInt64
	release, err := f.Memory.Reader(t.Context(), all)
	if err != nil {
		t.Fatal(err)
	}
	var waited atomic.Bool
	time.AfterFunc(20*time.Millisecond, func() {
		waited.Store(true)
		release()
	})
	return func() {
		if !waited.Load() {
			t.Error("images were read, and there was no memory for what reads them")
		}
		soon, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		release, err := f.Memory.Reader(soon, all)
		if err != nil {
			t.Fatalf("memory was not given back: %v", err)
		}
		release()
	}
}

// checkRows checks the rows of a subset, and that it has the metadata of its source.
func checkRows(t *testing.T, content []byte, want []parquetRow) {
	t.Helper()
	got, err := parquet.Read[parquetRow](bytes.NewReader(content), int64(len(content)))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got, cmpopts.EquateEmpty()); diff != "" {
		t.Errorf("rows (-want +got):\n%s", diff)
	}
	file, err := parquet.OpenFile(bytes.NewReader(content), int64(len(content)))
	if err != nil {
		t.Fatal(err)
	}
	if value, _ := file.Lookup("huggingface"); value != `{"info": {}}` {
		t.Errorf("the metadata is %v", file.Metadata().KeyValueMetadata)
	}
}

// TestParquetTogether accepts two Parquet files with equal columns, and refuses files with unequal columns.
func TestParquetTogether(t *testing.T) {
	t.Parallel()
	forms := inTwoForms(t, 12)
	rows := forms.rows(t)
	f := runtest.New(t)
	f.Upload("datasets/demo/parts/a.parquet", parquetOf(t, rows[:5]))
	f.Upload("datasets/demo/parts/b.parquet", parquetOf(t, rows[5:7]))
	var other bytes.Buffer
	if err := parquet.Write(&other, []struct {
		ID string `parquet:"id"`
	}{{"x"}}); err != nil {
		t.Fatal(err)
	}
	f.Upload("datasets/demo/parts/c.parquet", other.Bytes())
	plan, err := f.Start(run.Spec{Dataset: "demo", Manifests: []string{"parts/a.parquet", "parts/b.parquet"}})
	if err != nil || plan.Samples != 7 {
		t.Fatalf("two files: %v, %v", plan, err)
	}
	f.Finish(plan)
	sel := selectNow(t, f, plan, atBudget(t, "6", selection.Rules{}))
	content := f.Read(sel.Outputs.Subset)
	got, err := parquet.Read[parquetRow](bytes.NewReader(content), int64(len(content)))
	if err != nil || len(got) != 6 {
		t.Errorf("the subset has %d rows: %v", len(got), err)
	}
	_, err = f.Start(run.Spec{Dataset: "demo", Manifests: []string{"parts/a.parquet", "parts/c.parquet"}})
	want := "manifests: datasets/demo/parts/a.parquet and datasets/demo/parts/c.parquet have unequal columns " +
		"(only the first has image.list.element.bytes"
	if got := runtest.Refusal(t, err); !strings.HasPrefix(got, want) {
		t.Errorf("refused with %q, want %q", got, want)
	}
}

// TestParquetKilled kills the process that writes a selection between any two steps. The next process completes the
// same outputs, byte for byte.
func TestParquetKilled(t *testing.T) {
	t.Parallel()
	forms := inTwoForms(t, 20)
	begin := func() (*runtest.Fixture, *run.Plan) {
		f := runtest.New(t)
		f.OneMachine = true
		f.Limits.RangeBytes = 200
		f.Restart()
		f.Upload(parquetManifest, parquetOf(t, forms.rows(t)))
		plan := f.Begin(parquetManifest)
		f.Finish(plan)
		f.Steps = 0
		return f, plan
	}
	request := atBudget(t, "12", selection.Rules{})
	calm, plan := begin()
	selectNow(t, calm, plan, request)
	want := calm.Snapshot()
	for life := 0; life < calm.Steps; life += 5 * thorough.Stride(3) {
		t.Run(fmt.Sprintf("after %d", life), func(t *testing.T) {
			t.Parallel()
			f, plan := begin()
			f.Life = life
			_, err := f.Subsets.Select(t.Context(), plan.Run, request, run.Allowance{})
			if err := errors.Join(err, f.Drain()); !errors.Is(err, runtest.ErrKilled) {
				t.Fatalf("got error %v, want that of a killed process", err)
			}
			f.Queue = nil
			f.Restart()
			f.Pass(time.Hour)
			selectNow(t, f, plan, request)
			if diff := cmp.Diff(want, f.Snapshot()); diff != "" {
				t.Errorf("objects (-undisturbed +got):\n%s", diff)
			}
		})
	}
}

// TestParquetLost replaces a Parquet file before its samples are scored. Each sample with an image fails for this
// reason.
func TestParquetLost(t *testing.T) {
	t.Parallel()
	forms := inTwoForms(t, 20)
	for _, cut := range []bool{false, true} {
		f := runtest.New(t)
		f.Upload(parquetManifest, parquetOf(t, forms.rows(t)))
		plan := f.Begin(parquetManifest)
		isRange := func(d runtest.Delivery) bool { return d.Attributes[events.AttrTask] == events.TaskRange }
		for i := slices.IndexFunc(f.Queue, isRange); cut && i >= 0; i = slices.IndexFunc(f.Queue, isRange) {
			if err := f.Deliver(f.Take(i)); err != nil {
				t.Fatal(err)
			}
		}
		f.Upload(parquetManifest, []byte("gone"))
		f.Touch(parquetManifest, runtest.Uploaded.Add(time.Minute))
		f.Finish(plan)
		changed := 0
		for _, r := range f.Records(plan) {
			if r.Code == run.ManifestChanged {
				changed++
			}
		}
		if withImages := 16; !cut && changed != 20 || cut && changed != withImages {
			t.Errorf("cut before: %v: %d samples fail because the file changed", cut, changed)
		}
	}
}
