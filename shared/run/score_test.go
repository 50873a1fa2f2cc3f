package run_test

import (
	"context"
	"encoding/base64"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/harvest-ml/harvest/shared/bucket"
	"github.com/harvest-ml/harvest/shared/dataset"
	"github.com/harvest-ml/harvest/shared/events"
	"github.com/harvest-ml/harvest/shared/images"
	"github.com/harvest-ml/harvest/shared/memory"
	"github.com/harvest-ml/harvest/shared/memory/memorytest"
	"github.com/harvest-ml/harvest/shared/run"
	"github.com/harvest-ml/harvest/shared/run/runtest"
	"github.com/harvest-ml/harvest/shared/scores"
	"github.com/harvest-ml/harvest/shared/scores/reason"
)

func TestOtherScorer(t *testing.T) {
	t.Parallel()
	f, plan, task := oneShard(t)
	before := f.Snapshot()
	f.Scorer.Name = "fake-2"
	f.Restart()
	_, err := f.Worker.ScoreShard(t.Context(), task, "d")
	if err == nil || events.IsDataError(err) || !strings.Contains(err.Error(), "fake-1") ||
		!strings.Contains(err.Error(), "fake-2") {
		t.Errorf("got error %v, want a transient error that names both scorers", err)
	}
	if diff := cmp.Diff(before, f.Snapshot()); diff != "" || len(f.Scorer.Counts()) > 0 {
		t.Errorf("%v were rated; objects (-before +after):\n%s", f.Scorer.Counts(), diff)
	}
	f.Scorer.Name = "fake-1"
	f.Restart()
	if _, err := f.Worker.ScoreShard(t.Context(), task, "d"); err != nil {
		t.Fatal(err)
	}
	f.Account(plan)
}

// A run whose scorer was replaced is stalled in the end, with the reason.
func TestOtherScorerForever(t *testing.T) {
	t.Parallel()
	f, plan, task := oneShard(t)
	f.Scorer.Name = "fake-2"
	f.Restart()
	for range failures - 1 {
		if _, err := f.Worker.ScoreShard(t.Context(), task, "d"); err == nil {
			t.Fatal("no error of another scorer")
		}
	}
	if _, err := f.Worker.ScoreShard(t.Context(), task, "d"); err != nil {
		t.Fatal(err)
	}
	st := f.Status(plan.Run)
	if st.State != run.StateStalled || len(st.DeadLetters) != 1 ||
		!strings.Contains(st.DeadLetters[0].Reason, "fake-2") {
		t.Errorf("state %s, dead %+v; want a dead letter that names the scorer", st.State, st.DeadLetters)
	}
}

func TestScorerAnswersTooFew(t *testing.T) {
	t.Parallel()
	f, plan, task := oneShard(t)
	f.Scorer.Short = true
	if _, err := f.Worker.ScoreShard(t.Context(), task, "d"); err == nil ||
		!strings.Contains(err.Error(), "2 of 3 samples") {
		t.Errorf("got error %v, want an error with the number of answers", err)
	}
	if got := f.Objects("runs/" + plan.Run + "/scores/"); len(got) > 0 {
		t.Errorf("it wrote %v", got)
	}
}

func TestRecords(t *testing.T) {
	t.Parallel()
	f := runtest.New(t)
	f.Limits.RangeBytes = 1 << 20
	f.Upload("datasets/demo/a.json", runtest.Array(append(mixed(),
		runtest.Record("none", runtest.Unrated), runtest.Record("huge", strings.Repeat("x", 3000)))))
	plan := f.Begin("datasets/demo/a.json")
	f.Finish(plan)
	type outcome struct {
		Status scores.Status
		Code   reason.Code
		Styles int
	}
	want := map[string]outcome{
		"m00": {scores.OK, "", 1}, "odd": {scores.OK, run.NoKnownStyle, 0}, "none": {scores.OK, "", 1},
		"bad": {scores.Failed, "unratable", 0}, "hollow": {scores.Failed, dataset.NoConversation, 0},
		"a.json#14": {scores.Failed, dataset.RecordTooLarge, 0}, // its id is not read
		"m01":       {scores.OK, "", 1},                         // both samples of the id
	}
	got := map[string]outcome{}
	contents := map[string]bool{}
	for _, rec := range f.RangeScores(plan, 0) {
		contents[rec.Content] = true
		if _, asked := want[rec.ID]; asked {
			got[rec.ID] = outcome{rec.Status, rec.Code, len(rec.Styles)}
		}
		if rec.ScorerID != plan.ScorerID || rec.Rubric != plan.Rubric.Hash() {
			t.Errorf("sample %s was rated by %s under %s", rec.ID, rec.ScorerID, rec.Rubric)
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("outcomes (-want +got):\n%s", diff)
	}
	if len(contents) != 14 {
		t.Errorf("14 different samples have %d different contents", len(contents))
	}
	if diff := cmp.Diff([]string{"limerick"}, f.Records(plan)["odd"].OtherStyles); diff != "" {
		t.Errorf("other styles (-want +got):\n%s", diff)
	}
}

func TestRangeReport(t *testing.T) {
	t.Parallel()
	f := runtest.New(t)
	f.Limits.RangeBytes = 1 << 20
	f.Upload("datasets/demo/a.jsonl", []byte(strings.Repeat("{}\n", 25)+runtest.Record("a", "Fine.")))
	plan := f.Begin("datasets/demo/a.jsonl")
	f.Finish(plan)
	var report run.RangeReport
	f.ReadJSON("runs/"+plan.Run+"/ranges/0000.json", &report)
	if diff := cmp.Diff(map[reason.Code]int{dataset.NoConversation: 25}, report.Problems); diff != "" {
		t.Errorf("problems (-want +got):\n%s", diff)
	}
	if len(report.Examples) != 20 || report.Examples[19].Place.String() != "a.jsonl: element 20 (line 20)" {
		t.Errorf("%d examples, the last %v; want the first 20",
			len(report.Examples), report.Examples[len(report.Examples)-1])
	}
}

// Features of a record that the reference does not have are flags in its scores, together with the scorer's flags.
func TestFlagsOfRecords(t *testing.T) {
	t.Parallel()
	f := runtest.New(t)
	system := strings.Replace(runtest.Record("system", "Fine."), `[{`, `[{"from":"system","value":"Be kind."},{`, 1)
	f.Upload("datasets/demo/a.json", runtest.Array([]string{runtest.Record("plain", "Fine."), system}))
	plan := f.Begin("datasets/demo/a.json")
	f.Finish(plan)
	records := f.Records(plan)
	if diff := cmp.Diff([]string{dataset.OffReference}, records["system"].Flags); diff != "" {
		t.Errorf("flags (-want +got):\n%s", diff)
	}
	if records["plain"].Flags != nil || plan.Reading != dataset.ReadingVersion {
		t.Errorf("flags %v of a plain record, reading version %d", records["plain"].Flags, plan.Reading)
	}
	if diff := cmp.Diff(map[string]int64{dataset.OffReference: 1}, f.Status(plan.Run).Flags); diff != "" {
		t.Errorf("counts of flags (-want +got):\n%s", diff)
	}
}

// Records with equal ids are separate samples, in one range or in several.
func TestEqualIDs(t *testing.T) {
	t.Parallel()
	f := runtest.New(t)
	f.Upload("datasets/demo/parts/a.json",
		runtest.Array([]string{runtest.Record("a", "one"), runtest.Record("a", "two")}))
	f.Upload("datasets/demo/dataset.yaml", []byte("manifests: [parts/a.json]"))
	if counts := f.Finish(f.Begin("datasets/demo/dataset.yaml")); counts.Scored != 2 {
		t.Errorf("counts %+v, want both scored", counts)
	}
}

// An imageCase is a sample with these images.
type imageCase struct {
	name   string
	images []string
	code   reason.Code // empty if the sample is scored
	fix    string      // further text of the reason
}

// imageCases returns samples whose images imagesFixture has, or lacks.
func imageCases(valid []byte) []imageCase {
	embedded := "data:image/png;base64," + base64.StdEncoding.EncodeToString(valid)
	return []imageCase{
		{"text only", nil, "", ""},
		{"relative", []string{"a.png"}, "", ""},
		{"in a folder, not clean", []string{"./sub/../sub/b.png"}, "", ""},
		{"two", []string{"a.png", "sub/b.png"}, "", ""},
		{"embedded", []string{embedded}, "", ""},
		{"embedded and named", []string{embedded, "a.png"}, "", ""},
		{"missing", []string{"gone.png"}, images.NotFound, "gone.png"},
		{"second missing", []string{"a.png", "gone.png"}, images.NotFound, "gone.png"},
		{"folder", []string{"sub"}, images.Unreadable, "sub"},
		{"below a file", []string{"a.png/b.png"}, images.NotFound, "a.png/b.png"},
		{"outside", []string{"../other/c.png"}, dataset.ImageNameUnsafe, "inside"},
		{"absolute", []string{"/etc/passwd"}, dataset.ImageNameUnsafe, "relative"},
		{"of the web", []string{"https://example.com/a.png"}, dataset.ImageNameUnsafe, "gs:// URL"},
		{"gs://, own images", []string{"gs://input/images/demo/a.png"}, "", ""},
		{"gs://, others' images", []string{"gs://input/images/other/c.png"}, images.NotAllowed, "images/demo"},
		{"gs://, a dataset", []string{"gs://input/datasets/demo/a.json"}, images.NotAllowed, "images/demo"},
		{"gs://, allowed bucket", []string{"gs://allowed/deep/d.png"}, "", ""},
		{"gs://, allowed bucket, missing", []string{"gs://allowed/gone.png"}, images.NotFound, "gs://allowed/gone.png"},
		{"gs://, other bucket", []string{"gs://secret/a.png"}, images.NotAllowed, "IMAGE_BUCKETS"},
		{"gs://, no object", []string{"gs://allowed"}, dataset.ImageNameUnsafe, "gs://bucket/object"},
		{"too many bytes", []string{"fat.png"}, images.TooLarge, "6000 bytes, but the limit is 5000"},
		{"too many pixels", []string{"wide.png"}, images.TooLarge, "200 x 100 pixels"},
		{"empty", []string{"empty.png"}, images.Empty, "image 1 (empty.png)"},
		{"no image", []string{"text.png"}, images.FormatUnknown, "text.png"},
		{"cut in its header", []string{"cut.png"}, images.Undecodable, "cut.png"},
		{"second cut", []string{"a.png", "cut.png"}, images.Undecodable, "image 2 (cut.png)"},
	}
}

func TestImages(t *testing.T) {
	t.Parallel()
	valid := runtest.PNG(t, 8, 8)
	f := imagesFixture(t, valid)
	tests := imageCases(valid)
	records := make([]string, len(tests))
	for i, test := range tests {
		records[i] = runtest.Record(test.name, "Fine.", test.images...)
	}
	f.Upload("datasets/demo/a.json", runtest.Array(records))
	plan := f.Begin("datasets/demo/a.json")
	f.Finish(plan)
	got := f.Records(plan)
	for _, test := range tests {
		rec := got[test.name]
		wantStatus := scores.OK
		if test.code != "" {
			wantStatus = scores.Failed
		}
		if rec.Status != wantStatus || rec.Code != test.code || !strings.Contains(rec.Reason, test.fix) {
			t.Errorf("%s: %v with code %q and reason %q, want %v with %q and %q", test.name, rec.Status, rec.Code,
				rec.Reason, wantStatus, test.code, test.fix)
		}
		if rated := f.Scorer.Times(test.name) == 1; rated != (wantStatus == scores.OK) {
			t.Errorf("%s: rated: %v", test.name, rated)
		}
	}
}

// imagesFixture returns a fixture with valid and invalid images of the dataset demo, and another bucket that it may
// use.
func imagesFixture(t *testing.T, valid []byte) *runtest.Fixture {
	t.Helper()
	f := runtest.New(t)
	f.Limits.RangeBytes = 1 << 20
	allowedDir := t.TempDir()
	if err := os.MkdirAll(filepath.Join(allowedDir, "deep"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(allowedDir, "deep", "d.png"), valid, 0o644); err != nil {
		t.Fatal(err)
	}
	allowed, err := bucket.OpenFolder(allowedDir)
	if err != nil {
		t.Fatal(err)
	}
	f.ImageBuckets["allowed"] = allowed
	for name, content := range map[string][]byte{
		"demo/a.png": valid, "demo/sub/b.png": runtest.PNG(t, 9, 9), "other/c.png": valid, "demo/fat.png": make([]byte, 6000),
		"demo/wide.png": runtest.PNG(t, 200, 100), "demo/empty.png": nil, "demo/text.png": []byte("this is text"),
		"demo/cut.png": valid[:20],
	} {
		f.Upload("images/"+name, content)
	}
	return f
}

// TestContentOfImages distinguishes samples by their images' bytes, not their names.
func TestContentOfImages(t *testing.T) {
	t.Parallel()
	contentOf := func(image []byte, answer string) string {
		f := runtest.New(t)
		f.Upload("images/demo/a.png", image)
		f.Upload("datasets/demo/a.json", runtest.Array([]string{runtest.Record("a", answer, "a.png")}))
		plan := f.Begin("datasets/demo/a.json")
		f.Finish(plan)
		return f.Records(plan)["a"].Content
	}
	small, large := runtest.PNG(t, 8, 8), runtest.PNG(t, 9, 9)
	base := contentOf(small, "Fine.")
	if again := contentOf(small, "Fine."); again != base {
		t.Errorf("equal samples have contents %s and %s", base, again)
	}
	if other := contentOf(large, "Fine."); other == base {
		t.Error("another image makes the same content")
	}
	if other := contentOf(small, "Finer."); other == base {
		t.Error("another record makes the same content")
	}
}

// A stormy is a bucket whose network fails.
type stormy struct {
	bucket.Reader
	stat bool
	open func(name string) bool // whether opening an object fails
}

var errStorm = errors.New("network unreachable")

func (b *stormy) Stat(ctx context.Context, name string) (bucket.Attrs, error) {
	if b.stat {
		return bucket.Attrs{}, errStorm
	}
	return b.Reader.Stat(ctx, name)
}

func (b *stormy) Open(ctx context.Context, name string, generation, offset, length int64) (io.ReadCloser, error) {
	if b.open != nil && b.open(name) {
		return nil, errStorm
	}
	return b.Reader.Open(ctx, name, generation, offset, length)
}

func TestImagesOutOfReach(t *testing.T) {
	t.Parallel()
	for name, storm := range map[string]func(bucket.Reader) bucket.Reader{
		"stat": func(b bucket.Reader) bucket.Reader { return &stormy{Reader: b, stat: true} },
		"open": func(b bucket.Reader) bucket.Reader {
			return &stormy{Reader: b, open: func(string) bool { return true }}
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := runtest.New(t)
			f.Upload("images/demo/a.png", runtest.PNG(t, 8, 8))
			f.Upload("datasets/demo/a.json", runtest.Array([]string{
				runtest.Record("a", "Fine.", "a.png"), runtest.Record("b", "Text."),
			}))
			plan := f.Begin("datasets/demo/a.json")
			if err := f.Deliver(f.Take(0)); err != nil {
				t.Fatal(err)
			}
			task := runtest.Decode[events.ShardTask](t, f.Take(0).Message)
			calm := f.Input
			f.Input = storm(calm)
			f.Restart()
			_, err := f.Worker.ScoreShard(t.Context(), task, "d")
			if !errors.Is(err, errStorm) || events.IsDataError(err) ||
				!strings.Contains(err.Error(), "images/demo/a.png") {
				t.Errorf("got error %v, want a transient error that names the image", err)
			}
			if got := f.Objects("runs/" + plan.Run + "/rated/"); len(got) > 0 {
				t.Errorf("it wrote %v", got)
			}
			f.Input = calm
			f.Restart()
			if _, err := f.Worker.ScoreShard(t.Context(), task, "d"); err != nil {
				t.Fatal(err)
			}
			if counts := f.Account(plan); counts.Scored != 2 {
				t.Errorf("counts %+v, want both scored", counts)
			}
		})
	}
}

// TestLimitsAboveProcess stops a run whose limits of images exceed the process's limits. The reason names the limits.
func TestLimitsAboveProcess(t *testing.T) {
	t.Parallel()
	f := runtest.New(t)
	f.Upload("images/demo/a.png", runtest.PNG(t, 60, 40))
	f.Upload("datasets/demo/a.json", runtest.Array([]string{runtest.Record("a", "Well.", "a.png")}))
	plan := f.Begin("datasets/demo/a.json")
	var err error
	f.Memory, err = memory.New(memory.Limit{Bytes: memory.Reserve + 64, Source: "the test"}, memory.Need{
		Hold: 32, Step: 32, Settings: "MAX_DECODED_BYTES or MAX_SAMPLE_IMAGE_BYTES",
	})
	if err != nil {
		t.Fatal(err)
	}
	f.Restart()
	f.Reconcile()
	if err := f.Drain(); err != nil {
		t.Fatal(err)
	}
	status := f.Status(plan.Run)
	if status.State != run.StateStalled {
		t.Errorf("the run is %s", status.State)
	}
	for _, words := range []string{
		"MAX_SAMPLE_IMAGE_BYTES=268435456", "MAX_DECODED_BYTES=536870912", "this process allows 32", "resume",
	} {
		if !strings.Contains(status.Stopped, words) {
			t.Errorf("stopped with %q, which lacks %s", status.Stopped, words)
		}
	}
	f.Memory = memorytest.Budget(t)
	f.Restart()
	if err := f.Worker.Resume(t.Context(), plan.Run, false); err != nil {
		t.Fatal(err)
	}
	if counts := f.Finish(plan); counts.Scored != 1 {
		t.Errorf("counts %+v", counts)
	}
}
