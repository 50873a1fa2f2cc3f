package run_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/harvest-ml/harvest/shared/bucket"
	"github.com/harvest-ml/harvest/shared/events"
	"github.com/harvest-ml/harvest/shared/run"
	"github.com/harvest-ml/harvest/shared/run/runtest"
	"github.com/harvest-ml/harvest/shared/thorough"
)

// An openedImages is an input bucket that records which images are opened.
type openedImages struct {
	bucket.Reader
	mu    sync.Mutex
	names []string
}

func (b *openedImages) Open(
	ctx context.Context, name string, generation, offset, length int64,
) (io.ReadCloser, error) {
	if image, ok := strings.CutPrefix(name, "images/demo/"); ok {
		b.mu.Lock()
		b.names = append(b.names, image)
		b.mu.Unlock()
	}
	return b.Reader.Open(ctx, name, generation, offset, length)
}

// take returns the names of the opened images since the last call, each once.
func (b *openedImages) take() []string {
	b.mu.Lock()
	defer b.mu.Unlock()
	names := b.names
	b.names = nil
	slices.Sort(names)
	return slices.Compact(names)
}

const picturesManifest = "datasets/demo/all.json"

var picturesSpec = run.Spec{Dataset: "demo", Manifests: []string{"all.json"}}

// newPictures returns a fixture with a scored dataset of samples with images. The samples a and b share one image. The
// second image of c and the only image of d are missing. The sample bad cannot be rated.
func newPictures(t testing.TB) (*runtest.Fixture, *run.Plan, *openedImages) {
	t.Helper()
	f := runtest.New(t)
	opened := &openedImages{Reader: f.Input}
	f.Input = opened
	f.Limits.Budget = runtest.Budget(t, "50%")
	f.Restart()
	for i, name := range []string{"common.png", "b.png", "c1.png", "e.png"} {
		f.Upload("images/demo/"+name, runtest.PNG(t, 4+i, 4))
	}
	f.Upload(picturesManifest, runtest.Array([]string{
		runtest.Record("text", "Nothing but good."),
		runtest.Record("a", "Fine.", "common.png"),
		runtest.Record("b", "Fine.", "b.png", "common.png"),
		runtest.Record("c", "Fine.", "c1.png", "c2.png"),
		runtest.Record("d", "Fine.", "d.png"),
		runtest.Record("e", "Fine.", "e.png"),
		runtest.Record("bad", runtest.Unratable),
	}))
	plan := f.Begin(picturesManifest)
	if counts := f.Finish(plan); counts != (events.Counts{In: 7, Scored: 4, Failed: 3}) || len(plan.Ranges) < 2 {
		t.Fatalf("counts %+v in %d ranges, want 4 of 7 scored in several", counts, len(plan.Ranges))
	}
	opened.take()
	f.Scorer.Rated = map[string]int{}
	return f, plan, opened
}

// attemptAfter returns the plan of the next attempt of a run; nil if there is none.
func attemptAfter(t testing.TB, f *runtest.Fixture, plan *run.Plan) *run.Plan {
	t.Helper()
	next, err := f.Planner().NextAttempt(t.Context(), plan.Run)
	if err != nil {
		t.Fatal(err)
	}
	next, err = f.Runs.Plan(t.Context(), next.Run)
	if errors.Is(err, run.ErrNoRun) {
		return nil
	} else if err != nil {
		t.Fatal(err)
	}
	return next
}

// An imageCheckCase is a change of images, and the expected result of another request for the dataset.
type imageCheckCase struct {
	name   string
	change func(*testing.T, *runtest.Fixture)
	rated  []string // samples that the next attempt rates; nil if no attempt is expected
	opened []string
	kept   int64
}

func TestImageCheck(t *testing.T) {
	t.Parallel()
	put := func(name string, size int) func(*testing.T, *runtest.Fixture) {
		return func(t *testing.T, f *runtest.Fixture) {
			f.Upload("images/demo/"+name, runtest.PNG(t, size, size))
			f.Touch("images/demo/"+name, runtest.Uploaded.Add(time.Hour))
		}
	}
	for _, test := range []imageCheckCase{
		{"nothing", func(*testing.T, *runtest.Fixture) {}, nil, nil, 0},
		{"late", put("d.png", 8), []string{"bad", "d"}, []string{"d.png"}, 4},
		{"late, the second of two", put("c2.png", 8), []string{"bad", "c"}, []string{"c1.png", "c2.png"}, 4},
		{"changed", put("e.png", 9), []string{"bad", "e"}, []string{"e.png"}, 3},
		{"changed, of two samples", put("common.png", 9), []string{"a", "b", "bad"},
			[]string{"b.png", "common.png"}, 2},
		{"uploaded again with equal bytes", func(_ *testing.T, f *runtest.Fixture) {
			f.Touch("images/demo/e.png", runtest.Uploaded.Add(time.Hour))
		}, []string{"bad"}, []string{"e.png"}, 4},
		{"removed", func(t *testing.T, f *runtest.Fixture) {
			if err := os.Remove(filepath.Join(f.Folder, "images", "demo", "e.png")); err != nil {
				t.Fatal(err)
			}
		}, []string{"bad"}, nil, 3},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			test.check(t)
		})
	}
}

// check requests a dataset again after a change.
func (test imageCheckCase) check(t *testing.T) {
	t.Helper()
	f, plan, opened := newPictures(t)
	test.change(t, f)
	f.Restart()
	if _, err := f.Start(picturesSpec); err != nil {
		t.Fatal(err)
	}
	if names := opened.take(); len(names) > 0 {
		t.Errorf("the request opened %v", names)
	}
	if err := f.Drain(); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(test.opened, opened.take()); diff != "" {
		t.Errorf("opened images (-want +got):\n%s", diff)
	}
	next := attemptAfter(t, f, plan)
	if (next != nil) != (test.rated != nil) {
		t.Fatalf("the next attempt is %v, want one that rates %v", next, test.rated)
	}
	if next == nil {
		return
	}
	f.Account(next)
	checkAttempt(t, f, plan, next, "a", "b", "c", "d", "e")
	if diff := cmp.Diff(test.rated, ratedSince(f, nil)); diff != "" {
		t.Errorf("rated samples (-want +got):\n%s", diff)
	}
	if st := f.Status(next.Run); st.TakenOver != test.kept || st.Reuse != plan.Run || len(st.Selections) != 1 {
		t.Errorf("%d scores reused from %s, selections %v; want %d from %s, and one", st.TakenOver, st.Reuse,
			st.Selections, test.kept, plan.Run)
	}
	checkAskedAgain(t, f, next, opened)
}

// checkAskedAgain requests a dataset again that has not changed since its last attempt.
func checkAskedAgain(t *testing.T, f *runtest.Fixture, last *run.Plan, opened *openedImages) {
	t.Helper()
	f.Pass(time.Second)
	plan, err := f.Start(picturesSpec)
	if err != nil || plan.Run != last.Run {
		t.Fatalf("the dataset has run %v (%v), want %s", plan, err, last.Run)
	}
	if err := f.Drain(); err != nil {
		t.Fatal(err)
	}
	if next, names := attemptAfter(t, f, last), opened.take(); next != nil || len(names) > 0 {
		t.Errorf("requested again without a change, the dataset has attempt %v, and %v were opened", next, names)
	}
	f.Reconcile()
	if open := openEntries(f); len(open) > 0 {
		t.Errorf("open in the index: %v", open)
	}
}

// openEntries returns the names of the unfinished entries in the index.
func openEntries(f *runtest.Fixture) []string {
	finished := map[string]bool{}
	for _, name := range f.Objects("index/finished/") {
		finished[strings.TrimPrefix(name, "index/finished/")] = true
	}
	var open []string
	for _, name := range f.Objects("index/accepted/") {
		if name = strings.TrimPrefix(name, "index/accepted/"); !finished[name] {
			open = append(open, name)
		}
	}
	return open
}

// TestImageCheckOfUploads checks images after another upload of a manifest, but not after a redelivered notification.
func TestImageCheckOfUploads(t *testing.T) {
	t.Parallel()
	f, plan, _ := newPictures(t)
	f.Upload("images/demo/d.png", runtest.PNG(t, 8, 8))
	f.Begin(picturesManifest)
	if len(f.Queue) > 0 {
		t.Errorf("after the redelivered notification there are %d messages", len(f.Queue))
	}
	spec := picturesSpec
	spec.NoImageCheck = true
	if _, err := f.Start(spec); err != nil || len(f.Queue) > 0 {
		t.Errorf("without a check there are %d messages (%v)", len(f.Queue), err)
	}
	f.Touch(picturesManifest, runtest.Uploaded.Add(time.Hour))
	for range 3 { // notifications of one upload
		f.Begin(picturesManifest)
	}
	if len(f.Queue) != 1 {
		t.Errorf("after another upload there are %d messages, want one", len(f.Queue))
	}
	if err := f.Drain(); err != nil {
		t.Fatal(err)
	}
	if next := attemptAfter(t, f, plan); next == nil || f.Status(next.Run).Samples.Scored != 5 {
		t.Errorf("the next attempt is %+v, want one with the late image", next)
	}
}

// TestImageCheckWhileScoring requests a dataset again while it is scored. An image that was added after its sample
// failed is found when the run is scored, and no attempt is started before.
func TestImageCheckWhileScoring(t *testing.T) {
	t.Parallel()
	f := runtest.New(t)
	f.Upload(picturesManifest, runtest.Array(append(
		[]string{runtest.Record("d", "Fine.", "d.png"), runtest.Record("d2", "Fine.", "d.png")}, runtest.Plain("a", 10)...)))
	plan := f.Begin(picturesManifest)
	for len(f.Objects("runs/"+plan.Run+"/rated/")) == 0 {
		if err := f.Deliver(f.Take(0)); err != nil {
			t.Fatal(err)
		}
	}
	f.Upload("images/demo/d.png", runtest.PNG(t, 8, 8))
	messages := len(f.Queue)
	for range 2 {
		if _, err := f.Start(picturesSpec); err != nil {
			t.Fatal(err)
		}
	}
	f.Reconcile()
	_, err := f.Planner().NextAttempt(t.Context(), plan.Run)
	if !errors.Is(err, run.ErrNotScored) || len(f.Queue) != messages {
		t.Errorf("%d messages (%v), want %d as before: the run is not scored", len(f.Queue), err, messages)
	}
	if counts := f.Finish(plan); counts.Failed != 2 {
		t.Fatalf("counts %+v, want two failed", counts)
	}
	f.Reconcile()
	if err := f.Drain(); err != nil {
		t.Fatal(err)
	}
	next := attemptAfter(t, f, plan)
	if next == nil || f.Account(next) != (events.Counts{In: 12, Scored: 12}) {
		t.Fatalf("the next attempt is %+v, want one with all scored", next)
	}
	if again := attemptAfter(t, f, next); again != nil {
		t.Errorf("two requests made two attempts, the second is %s", again.Run)
	}
}

// TestImageCheckOfReplacedManifest replaces the manifest between a request and its check.
func TestImageCheckOfReplacedManifest(t *testing.T) {
	t.Parallel()
	f, plan, _ := newPictures(t)
	f.Upload("images/demo/d.png", runtest.PNG(t, 8, 8))
	if _, err := f.Start(picturesSpec); err != nil {
		t.Fatal(err)
	}
	f.Upload(picturesManifest, runtest.Array(runtest.Plain("b", 2)))
	if err := f.Drain(); err != nil {
		t.Fatal(err)
	}
	f.Reconcile()
	if open, runs := openEntries(f), f.Objects("runs/"); len(open) > 0 ||
		slices.ContainsFunc(runs, func(name string) bool { return !strings.HasPrefix(name, "runs/"+plan.Run+"/") }) {
		t.Errorf("open %v, objects %v; want an ended check and no other run", open, runs)
	}
}

// A brokenImages is an input bucket in which looking up an image fails.
type brokenImages struct{ bucket.Reader }

var errImages = errors.New("the images' bucket is closed")

func (b brokenImages) Stat(ctx context.Context, name string) (bucket.Attrs, error) {
	if strings.HasPrefix(name, "images/") {
		return bucket.Attrs{}, errImages
	}
	return b.Reader.Stat(ctx, name)
}

// TestImageCheckThatFails runs a check with a step that always fails, or with a lost object. The check ends with the
// reason.
func TestImageCheckThatFails(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		spoil    func(*runtest.Fixture, *run.Plan)
		failures int
		reason   string
	}{
		"bucket closed": {
			func(f *runtest.Fixture, _ *run.Plan) { f.Input = brokenImages{f.Input} }, 20, errImages.Error(),
		},
		"scores lost": {
			func(f *runtest.Fixture, plan *run.Plan) {
				f.Replace("runs/"+plan.Run+"/scores/0000.parquet", []byte("PAR1"))
			}, 1, "scores/0000.parquet",
		},
	} {
		f, plan, _ := newPictures(t)
		tc.spoil(f, plan)
		f.Restart()
		if _, err := f.Start(picturesSpec); err != nil {
			t.Fatal(err)
		}
		check := f.Take(0)
		for n := 1; ; n++ {
			err := f.Deliver(check)
			if err == nil || n > tc.failures {
				t.Fatalf("%s: failure %d: %v", name, n, err)
			}
			if events.IsDataError(err) {
				if n != tc.failures {
					t.Errorf("%s: given up after %d failures, want %d", name, n, tc.failures)
				}
				break
			}
		}
		f.Reconcile()
		if open := openEntries(f); len(open) > 0 {
			t.Errorf("%s: open %v", name, open)
		}
		var done run.CheckResult
		for _, object := range f.Objects("runs/" + plan.Run + "/checks/") {
			if strings.HasSuffix(object, "/done") {
				f.ReadJSON(object, &done)
			}
		}
		if !strings.Contains(done.Problem, tc.reason) {
			t.Errorf("%s: the check ended with %+v", name, done)
		}
		if err := f.Deliver(check); err != nil {
			t.Errorf("%s: delivered again: %v", name, err)
		}
	}
}

// TestImageCheckKilled kills the process before each write and publication after the request. In each case there is
// exactly one next attempt, as without a kill, and no unchanged image is read.
func TestImageCheckKilled(t *testing.T) {
	t.Parallel()
	late := func(f *runtest.Fixture) {
		f.Upload("images/demo/d.png", runtest.PNG(t, 8, 8))
		f.Touch(picturesManifest, runtest.Uploaded.Add(time.Hour))
	}
	calm, plan, _ := newPictures(t)
	late(calm)
	before := calm.Steps
	calm.Begin(picturesManifest)
	if err := calm.Drain(); err != nil {
		t.Fatal(err)
	}
	next := attemptAfter(t, calm, plan)
	if next == nil || calm.Account(next).Scored != 5 {
		t.Fatalf("the next attempt is %+v, want one with the late image", next)
	}
	want := calm.Snapshot()
	for name, recover := range checkRecoveries {
		for life := 0; life < calm.Steps-before; life += thorough.Stride(7) {
			t.Run(fmt.Sprintf("%s after %d", name, life), func(t *testing.T) {
				t.Parallel()
				f, _, opened := newPictures(t)
				late(f)
				accepted := arriveAndDie(t, f, picturesManifest, life)
				if err := recover(f, accepted); err != nil {
					t.Fatal(err)
				}
				if diff := cmp.Diff(want, f.Snapshot()); diff != "" {
					t.Errorf("objects (-undisturbed +got):\n%s", diff)
				}
				for _, image := range opened.take() {
					if image != "d.png" {
						t.Errorf("%s was read, although it has not changed", image)
					}
				}
			})
		}
	}
}

// checkRecoveries are the ways to continue after a process was killed, as in recoveries.
var checkRecoveries = map[string]func(f *runtest.Fixture, accepted bool) error{
	"redelivery": func(f *runtest.Fixture, accepted bool) error {
		f.Pass(afterLease)
		if !accepted {
			f.Begin(picturesManifest)
		}
		return f.Drain()
	},
	"schedule": func(f *runtest.Fixture, accepted bool) error {
		f.Queue = nil
		f.Pass(7 * time.Hour)
		if !accepted {
			f.Begin(picturesManifest)
		}
		for range 3 { // the check, the attempt, and its selection
			f.Reconcile()
			if err := f.Drain(); err != nil {
				return err
			}
		}
		return nil
	},
}
