package subset_test

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/harvest-ml/harvest/shared/bucket"
	"github.com/harvest-ml/harvest/shared/run"
	"github.com/harvest-ml/harvest/shared/run/runtest"
	"github.com/harvest-ml/harvest/shared/selection"
	"github.com/harvest-ml/harvest/shared/subset"
	"github.com/harvest-ml/harvest/shared/thorough"
)

// leaders is the object of the near duplicates of a run.
func leaders(plan *run.Plan) string { return run.Folder(plan.Run) + "duplicates/leaders.parquet" }

// TestClustersAsked searches for near duplicates after a call, keeps them, and does so once.
func TestClustersAsked(t *testing.T) {
	t.Parallel()
	f, plan := pictured(t)
	if none, err := f.Subsets.Clusters(t.Context(), plan); none != nil || err != nil {
		t.Errorf("before the call: error %v", err)
	}
	if state := f.Status(plan.Run).Clusters; state != "" {
		t.Errorf("before the call they are %q", state)
	}
	if err := f.Subsets.AskClusters(t.Context(), plan.Run); err != nil {
		t.Fatal(err)
	}
	if state := f.Status(plan.Run).Clusters; state != subset.ClustersSearched {
		t.Errorf("after the call they are %q", state)
	}
	if err := f.Drain(); err != nil {
		t.Fatal(err)
	}
	if state := f.Status(plan.Run).Clusters; state != subset.ClustersFound {
		t.Errorf("after the task they are %q", state)
	}
	found, err := f.Subsets.Clusters(t.Context(), plan)
	if err != nil {
		t.Fatal(err)
	}
	members := found.Members(4, 9)
	if !slices.Equal(members, []int64{0, 4}) || found.Size(0) != 2 || found.Of(1) != nil || found.Leader(4) != 0 {
		t.Errorf("the twin is with %v: %+v", members, found)
	}
	largest, clusters, samples := found.Largest(3)
	if !slices.Equal(largest, []int64{0}) || clusters != 1 || samples != 2 {
		t.Errorf("largest %v of %d clusters and %d samples", largest, clusters, samples)
	}
	named, err := f.Subsets.Duplicates(t.Context(), plan, 0, 5)
	if diff := cmp.Diff([]subset.Duplicate{{ID: "twin", Index: 4}}, named); diff != "" || err != nil {
		t.Errorf("duplicates (-want +got), error %v:\n%s", err, diff)
	}
	shown, err := f.Subsets.ShowOne(t.Context(), plan.Run, "twin")
	if err != nil || shown.Cluster == nil || *shown.Cluster != (subset.Cluster{Leader: 0, Size: 2}) {
		t.Errorf("shown as %+v, error %v", shown, err)
	}
	before := f.Objects("")
	if err := f.Subsets.AskClusters(t.Context(), plan.Run); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(before, f.Objects("")); diff != "" {
		t.Errorf("a second call writes (-before +after):\n%s", diff)
	}
}

// TestClustersKept keeps what a selection with a cap on clusters finds, with the bytes that a call gives.
func TestClustersKept(t *testing.T) {
	t.Parallel()
	one, err := selection.ParseCap("1")
	if err != nil {
		t.Fatal(err)
	}
	f, plan := pictured(t)
	selectNow(t, f, plan, atBudget(t, "100%", selection.Rules{Caps: selection.Caps{Cluster: one}}))
	kept := f.Read(leaders(plan))
	called, _ := pictured(t)
	if _, err := called.Subsets.FindClusters(t.Context(), called.Work, plan.Run); err != nil {
		t.Fatal(err)
	}
	if string(called.Read(leaders(plan))) != string(kept) {
		t.Error("a call and a selection keep other near duplicates")
	}
	// A damaged object is named, with the fix.
	f.Replace(leaders(plan), []byte("PAR1"))
	f.Restart()
	_, err = f.Subsets.Clusters(t.Context(), plan)
	if lost, ok := errors.AsType[*bucket.LostError](err); !ok || !strings.HasSuffix(lost.Folder, "duplicates") {
		t.Errorf("damaged: error %v", err)
	}
}

// TestClustersKilled kills the process before every write of a search. Without its message, a schedule continues it to
// the same objects.
func TestClustersKilled(t *testing.T) {
	t.Parallel()
	calm, plan := pictured(t)
	before := calm.Steps
	live := func(f *runtest.Fixture) error {
		if err := f.Subsets.AskClusters(t.Context(), plan.Run); err != nil {
			return err
		}
		return f.Drain()
	}
	if err := live(calm); err != nil {
		t.Fatal(err)
	}
	want := calm.Read(leaders(plan))
	for life := 1; life < calm.Steps-before; life += thorough.Stride(2) {
		f, _ := pictured(t)
		f.Life = life
		if err := live(f); !errors.Is(err, runtest.ErrKilled) {
			t.Fatalf("after %d: error %v, want that of a killed process", life, err)
		}
		f.Restart()
		f.Tasks.Take() // the message is lost
		f.Pass(run.GraceTime + 1)
		if err := f.Subsets.AskClusters(t.Context(), plan.Run); err != nil {
			t.Fatal(err)
		}
		f.Tasks.Take()
		f.Pass(2 * run.GraceTime)
		f.Reconcile()
		if err := f.Drain(); err != nil {
			t.Fatal(err)
		}
		if got := f.Read(leaders(plan)); string(got) != string(want) {
			t.Errorf("killed after %d: other near duplicates", life)
		}
	}
}
