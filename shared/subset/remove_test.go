package subset_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/harvest-ml/harvest/shared/bucket"
	"github.com/harvest-ml/harvest/shared/dataset"
	"github.com/harvest-ml/harvest/shared/events"
	"github.com/harvest-ml/harvest/shared/run"
	"github.com/harvest-ml/harvest/shared/run/runtest"
	"github.com/harvest-ml/harvest/shared/selection"
	"github.com/harvest-ml/harvest/shared/subset"
)

// errKilled ends a removal like a kill.
var errKilled = errors.New("killed")

// A mortal is a bucket that deletes a number of objects, and then simulates a kill of the process.
type mortal struct {
	*bucket.Memory
	left int
}

func (m *mortal) Delete(ctx context.Context, name string) error {
	if m.left == 0 {
		return errKilled
	}
	m.left--
	return m.Memory.Delete(ctx, name)
}

// names returns the names of all objects of a bucket.
func names(t *testing.T, b bucket.Reader) (all []string) {
	t.Helper()
	for attrs, err := range b.List(t.Context(), "", "") {
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, attrs.Name)
	}
	return all
}

// clone returns a bucket with the objects of another.
func clone(t *testing.T, from bucket.Reader) *bucket.Memory {
	t.Helper()
	to := bucket.NewMemory()
	for _, name := range names(t, from) {
		data, err := bucket.ReadAll(t.Context(), from, name)
		if err == nil {
			_, err = bucket.CreateBytes(t.Context(), to, name, data)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	return to
}

// readers returns readers of a bucket in a new process.
func readers(t *testing.T, work bucket.Bucket) (*run.Reader, *subset.Reader, *subset.Remover) {
	t.Helper()
	runs, err := run.NewReader(work, run.DefaultCacheBytes)
	if err != nil {
		t.Fatal(err)
	}
	subsets, err := subset.NewReader(runs, work, subset.DefaultLimits())
	if err != nil {
		t.Fatal(err)
	}
	remover, err := subset.NewRemover(subsets, work)
	if err != nil {
		t.Fatal(err)
	}
	return runs, subsets, remover
}

// TestRemoveKilled kills a removal between any two deletions. From the first step on, the run is in no list. The next
// removal deletes the rest, so that the same objects remain as after a removal without a kill.
func TestRemoveKilled(t *testing.T) {
	t.Parallel()
	f := runtest.New(t)
	const manifest = "datasets/demo/a.json"
	f.Upload(manifest, runtest.Array([]string{runtest.Record("a", "One."), runtest.Record("b", "Two.")}))
	plan := f.Begin(manifest)
	f.Finish(plan)
	request := selection.Request{Budget: runtest.Budget(t, "1")}
	sel, err := f.Subsets.Select(t.Context(), plan.Run, request, run.Allowance{})
	if err == nil {
		err = f.Drain()
	}
	if err != nil {
		t.Fatal(err)
	}

	var want []string
	for kills := 0; ; kills++ {
		work := &mortal{clone(t, f.Work), kills}
		runs, subsets, remover := readers(t, work)
		if err := remover.Check(t.Context(), plan.Run, usersOf(t, remover), nil); err != nil {
			t.Fatal(err)
		}
		if _, err := subsets.Selection(t.Context(), plan.Run, sel.ID); err != nil { // it is in memory now
			t.Fatal(err)
		}
		if err := remover.Mark(t.Context(), plan.Run, time.Now()); err != nil {
			t.Fatal(err)
		}
		_, killed := remover.Delete(t.Context(), plan.Run)
		checkGone(t, runs, subsets, sel, kills)
		runs, subsets, remover = readers(t, work) // of a new process
		checkGone(t, runs, subsets, sel, kills)
		left, err := runs.HalfRemoved(t.Context())
		if err != nil || slices.Contains(left, plan.Run) != (killed != nil) {
			t.Errorf("killed after %d, half removed are %v %v", kills, left, err)
		}
		work.left = -1
		if _, err := remover.Delete(t.Context(), plan.Run); err != nil {
			t.Fatal(err)
		}
		if want == nil {
			want = names(t, work)
			if slices.ContainsFunc(want, func(name string) bool { return !strings.HasPrefix(name, "index/") }) {
				t.Errorf("left is %v", want)
			}
		}
		if diff := cmp.Diff(want, names(t, work)); diff != "" {
			t.Errorf("killed after %d, what is left (-undisturbed +killed):\n%s", kills, diff)
		}
		if killed == nil {
			if kills < 10 {
				t.Errorf("a run has %d objects", kills)
			}
			return
		}
	}
}

// checkGone checks that a process does not find a removed run and its selection.
func checkGone(t *testing.T, runs *run.Reader, subsets *subset.Reader, sel *subset.Selection, kills int) {
	t.Helper()
	if listed, err := runs.Runs(t.Context()); err != nil || len(listed) > 0 {
		t.Errorf("killed after %d, listed are %v %v", kills, listed, err)
	}
	if _, err := runs.Status(t.Context(), sel.Run); !errors.Is(err, run.ErrNoRun) {
		t.Errorf("killed after %d, it has a status: %v", kills, err)
	}
	if _, err := subsets.Selection(t.Context(), sel.Run, sel.ID); !errors.Is(err, subset.ErrNoSelection) ||
		!strings.Contains(err.Error(), "run "+sel.Run+", which was removed") {
		t.Errorf("killed after %d, it has the selection: %v", kills, err)
	}
}

// TestRemovedRunGoesOn delivers messages about a removed run. They are acknowledged, and nothing is written.
func TestRemovedRunGoesOn(t *testing.T) {
	t.Parallel()
	f := runtest.New(t)
	const manifest = "datasets/demo/a.json"
	f.Upload(manifest, runtest.Array([]string{runtest.Record("a", "One."), runtest.Record("b", "Two.")}))
	plan := f.Begin(manifest)
	_, _, remover := readers(t, f.Work)
	needed, ok := errors.AsType[*subset.StillNeededError](remover.Check(t.Context(), plan.Run, usersOf(t, remover), nil))
	if !ok || needed.By != "" {
		t.Fatalf("a run that is not finished can be removed: %v", needed)
	}
	if err := remover.Mark(t.Context(), plan.Run, time.Now()); err != nil {
		t.Fatal(err)
	}
	if _, err := remover.Delete(t.Context(), plan.Run); err != nil {
		t.Fatal(err)
	}
	before := names(t, f.Work)
	for len(f.Queue) > 0 {
		if err := f.Deliver(f.Take(0)); err != nil && !events.IsDataError(err) {
			t.Errorf("a message about a removed run: %v", err)
		}
	}
	if diff := cmp.Diff(before, names(t, f.Work)); diff != "" {
		t.Errorf("objects after messages about the removed run (-before +after):\n%s", diff)
	}
	f.Restart()
	again := f.Begin(manifest)
	if again.Run == plan.Run || again.Removals != 1 {
		t.Errorf("the new run is %s after %d removals; the removed run was %s", again.Run, again.Removals, plan.Run)
	}
	if counts := f.Finish(again); counts.Scored != 2 {
		t.Errorf("counts %+v, want all scored", counts)
	}
}

// TestRemoveWhileRating removes a run while one of its shards is rated. This delivery and the next ones end with a
// permanent error.
func TestRemoveWhileRating(t *testing.T) {
	t.Parallel()
	f := runtest.New(t)
	f.Upload("datasets/demo/a.jsonl", runtest.Lines(runtest.Plain("a", 5)))
	plan := f.Begin("datasets/demo/a.jsonl")
	f.Scorer.Before = func(*dataset.Sample) error {
		remover, err := subset.NewRemover(f.Subsets.Reader, f.Work)
		if err == nil {
			err = remover.Mark(t.Context(), plan.Run, runtest.Uploaded)
		}
		if err == nil {
			_, err = remover.Delete(t.Context(), plan.Run)
		}
		return err
	}
	rated := 0
	for len(f.Queue) > 0 {
		d := f.Take(0)
		err := f.Deliver(d)
		switch {
		case d.Attributes[events.AttrTask] != events.TaskShard:
			if err != nil {
				t.Fatal(err)
			}
		case !events.IsDataError(err) || !errors.Is(err, run.ErrNoRun):
			t.Errorf("delivery of a shard: error %v, want the permanent one that there is no such run", err)
		default:
			rated++
		}
	}
	if rated == 0 {
		t.Error("no shard was delivered")
	}
}

// usersOf returns the unfinished runs that reuse scores of other runs.
func usersOf(t *testing.T, remover *subset.Remover) subset.Users {
	t.Helper()
	users, err := remover.Users(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return users
}

// TestRemoveWhileWritten removes a run while another process still writes objects of the run. No object stays.
func TestRemoveWhileWritten(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		work := bucket.NewMemory()
		_, _, remover := readers(t, work)
		const id = "demo-0123456789ab"
		done := make(chan struct{})
		go func() {
			defer close(done)
			for i := range 3 {
				time.Sleep(900 * time.Millisecond)
				if _, err := bucket.CreateBytes(t.Context(), work, fmt.Sprintf("%slate/%d", run.Folder(id), i), nil); err != nil {
					t.Error(err)
				}
			}
		}()
		freed, err := remover.DeleteLate(t.Context(), id, 2*time.Second)
		<-done
		if left := names(t, work); err != nil || freed.Objects != 3 || len(left) > 0 {
			t.Errorf("%d objects are deleted and %q left, error %v", freed.Objects, left, err)
		}
	})
}
