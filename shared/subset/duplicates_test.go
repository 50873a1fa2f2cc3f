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

// leaders returns the name of the object of a run's near duplicates.
func leaders(plan *run.Plan) string { return run.Folder(plan.Run) + "duplicates/leaders.parquet" }

// TestClustersAsked calls for a search of near duplicates twice. The search is made once, and its result is stored.
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

// TestClustersKept makes a selection with a cap on clusters. It stores the near duplicates with the same bytes as a
// call for them.
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
}

func drain(t *testing.T, f *runtest.Fixture) {
	t.Helper()
	if err := f.Drain(); err != nil {
		t.Fatal(err)
	}
}

// loseLeaders damages or removes the object of the near duplicates while the process runs.
func loseLeaders(t *testing.T, f *runtest.Fixture, plan *run.Plan, damage func([]byte) []byte) {
	t.Helper()
	whole := f.Read(leaders(plan))
	if err := f.Work.Delete(t.Context(), leaders(plan)); err != nil {
		t.Fatal(err)
	}
	if damage == nil {
		return
	}
	if _, err := bucket.CreateBytes(t.Context(), f.Work, leaders(plan), damage(whole)); err != nil {
		t.Fatal(err)
	}
}

// TestClustersLost removes or damages the stored near duplicates, and searches again. The reported state is that of the
// stored objects, in the same process and in the next process.
func TestClustersLost(t *testing.T) {
	t.Parallel()
	for name, damage := range map[string]func(content []byte) []byte{
		"removed":   nil,
		"cut short": func(content []byte) []byte { return content[:len(content)/2] },
		"empty":     func([]byte) []byte { return nil },
		"flipped": func(content []byte) []byte {
			content[len(content)/2] ^= 0x55
			return content
		},
	} {
		for _, restart := range []bool{false, true} {
			f, plan := pictured(t)
			ask := func() *subset.RunStatus {
				t.Helper()
				if err := f.Subsets.AskClusters(t.Context(), plan.Run); err != nil {
					t.Fatal(err)
				}
				return f.Status(plan.Run)
			}
			ask()
			drain(t, f)
			loseLeaders(t, f, plan, damage)
			if restart {
				f.Restart()
				f.Reconcile()
			}
			lost := subset.ClustersDamaged
			if name == "removed" {
				lost = ""
			}
			status := f.Status(plan.Run)
			if status.Clusters != lost || (lost != "") != strings.Contains(status.ClustersProblem, leaders(plan)) {
				t.Errorf("%s: they are %q: %s", name, status.Clusters, status.ClustersProblem)
			}
			if found, err := f.Subsets.Clusters(t.Context(), plan); found != nil || err != nil {
				t.Errorf("%s: clusters %v, error %v", name, found, err)
			}
			if shown, err := f.Subsets.ShowOne(t.Context(), plan.Run, "twin"); err != nil || shown.Cluster != nil {
				t.Errorf("%s: shown as %+v, error %v", name, shown, err)
			}
			if status := ask(); status.Clusters != subset.ClustersSearched {
				t.Errorf("%s: after another call they are %q", name, status.Clusters)
			}
			drain(t, f)
			if status := f.Status(plan.Run); status.Clusters != subset.ClustersFound || status.ClustersProblem != "" {
				t.Errorf("%s: after another search they are %q", name, status.Clusters)
			}
			if found, err := f.Subsets.Clusters(t.Context(), plan); err != nil || found.Size(4) != 2 {
				t.Errorf("%s: clusters %v, error %v", name, found, err)
			}
		}
	}
}

// TestClustersFailed starts a search that cannot succeed. The search ends, and its state has the reason.
func TestClustersFailed(t *testing.T) {
	t.Parallel()
	f, plan := pictured(t)
	if err := f.Subsets.AskClusters(t.Context(), plan.Run); err != nil {
		t.Fatal(err)
	}
	table := run.RangeScoresName(plan.Run, 0)
	whole := f.Read(table)
	f.Replace(table, []byte("PAR1"))
	f.Restart()
	f.Reconcile()
	drain(t, f)
	status := f.Status(plan.Run)
	if status.Clusters != subset.ClustersFailed || !strings.Contains(status.ClustersProblem, table) {
		t.Errorf("they are %q: %s", status.Clusters, status.ClustersProblem)
	}
	f.Replace(table, whole)
	f.Restart()
	if err := f.Subsets.AskClusters(t.Context(), plan.Run); err != nil {
		t.Fatal(err)
	}
	drain(t, f)
	if status := f.Status(plan.Run); status.Clusters != subset.ClustersFound {
		t.Errorf("they are %q after another call", status.Clusters)
	}
}

// TestClustersKilled kills the process before every write of a search, and loses its message. The schedule continues
// the search, and the objects are the same as without a kill.
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
	for life := 1; life < calm.Steps-before; life += thorough.Stride(5) {
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
