package run_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/harvest-ml/harvest/shared/run"
	"github.com/harvest-ml/harvest/shared/run/runtest"
)

// TestListByAge lists runs page by page, the newest first. The index also has entries of selections, requests and
// checks, and of a dataset whose name looks like a request. A run that is accepted in the meantime changes no later
// page.
func TestListByAge(t *testing.T) {
	t.Parallel()
	f := runtest.New(t)
	index := run.NewIndex(f.Work)
	at := time.Date(2026, 1, 2, 3, 4, 5, 6, time.UTC)
	var want []string
	accept := func(dataset string) {
		t.Helper()
		plan, err := f.Worker.Refuse(t.Context(), dataset, run.Upload{}, &run.RefusedError{Reason: "no good"})
		if err != nil {
			t.Fatal(err)
		}
		const id = "0123456789ab"
		for since, e := range map[string]run.Entry{
			"a": {Run: plan.Run, Selection: id}, "b": {Run: plan.Run, Request: id}, "c": {Run: plan.Run, Check: id},
		} {
			if err := index.Accept(t.Context(), e, run.Folder(plan.Run)+since, at); err != nil {
				t.Fatal(err)
			}
		}
		want = append([]string{plan.Run}, want...)
		f.Pass(time.Second)
	}
	for _, dataset := range []string{"a", "b", "sky-0123456789ab.request", "c", "sky-0123456789ab"} {
		accept(dataset)
	}
	var got []string
	for cursor, pages := "", 0; cursor != "" || pages == 0; pages++ {
		listed, next, err := f.Runs.List(t.Context(), cursor, 2)
		if err != nil || len(listed) > 2 || pages > 5 {
			t.Fatalf("page %d: %d runs, error %v", pages, len(listed), err)
		}
		for _, l := range listed {
			got = append(got, l.Run)
			if accepted, err := f.Runs.Accepted(t.Context(), l.Run); err != nil || !l.Accepted.Equal(accepted) {
				t.Errorf("%s was accepted at %v, not %v (%v)", l.Run, accepted, l.Accepted, err)
			}
		}
		if cursor = next; pages == 0 {
			accept("later")
			want = want[1:]
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("runs (-want +got):\n%s", diff)
	}
}

// TestRestoreIndex deletes the entry of a run in the index. The run is not listed until the index is restored. A run
// that was removed is not restored.
func TestRestoreIndex(t *testing.T) {
	t.Parallel()
	f := runtest.New(t)
	var ids []string
	for _, dataset := range []string{"a", "b"} {
		plan, err := f.Worker.Refuse(t.Context(), dataset, run.Upload{}, &run.RefusedError{Reason: "no good"})
		if err != nil {
			t.Fatal(err)
		}
		ids = append(ids, plan.Run)
		f.Pass(time.Second)
	}
	restore := func(want ...string) {
		t.Helper()
		got, err := run.NewIndex(f.Work).Restore(t.Context(), f.Runs)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("restored (-want +got):\n%s", diff)
		}
	}
	restore()
	var entry string
	for attrs, err := range f.Work.List(t.Context(), "index/accepted/", "") {
		if err != nil {
			t.Fatal(err)
		}
		if strings.HasSuffix(attrs.Name, "-"+ids[0]) {
			entry = attrs.Name
		}
	}
	f.Remove(entry)
	f.Restart()
	if listed, _, err := f.Runs.List(t.Context(), "", 10); err != nil || len(listed) != 1 {
		t.Fatalf("%d runs are listed, error %v; want 1", len(listed), err)
	}
	restore(ids[0])
	restore()
	listed, _, err := f.Runs.List(t.Context(), "", 10)
	if err != nil || len(listed) != 2 || listed[1].Run != ids[0] {
		t.Errorf("listed %v, error %v; want %s last", listed, err, ids[0])
	}
}
