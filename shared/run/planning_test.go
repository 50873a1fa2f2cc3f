package run_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/harvest-ml/harvest/shared/bucket"
	"github.com/harvest-ml/harvest/shared/events"
	"github.com/harvest-ml/harvest/shared/run"
	"github.com/harvest-ml/harvest/shared/run/runtest"
	"github.com/harvest-ml/harvest/shared/thorough"
)

// newParts returns a fixture with a dataset of five manifests of every format. Three manifests at a time are split, in
// small steps.
func newParts(t *testing.T) (*runtest.Fixture, run.Spec) {
	t.Helper()
	f := runtest.New(t)
	f.Limits.PlanBytes, f.Limits.InFlight = 300, 3
	f.Restart()
	spec := run.Spec{Dataset: "demo"}
	one := string(runtest.Array(runtest.Plain("d", 5)))
	for name, content := range map[string][]byte{
		"a.json": runtest.Array(runtest.Plain("a", 9)), "b.jsonl": runtest.Lines(runtest.Plain("b", 8)),
		"c.json": []byte(strings.ReplaceAll(string(runtest.Lines(runtest.Plain("c", 4))), "{\"id\"", "{\n\"id\"")),
		"d.json": []byte(`{"version": 1, "data": ` + one + `}`), "e.jsonl": runtest.Lines(runtest.Plain("e", 1)),
	} {
		f.Upload("datasets/demo/parts/"+name, content)
	}
	for _, name := range []string{"a.json", "b.jsonl", "c.json", "d.json", "e.jsonl"} {
		spec.Manifests = append(spec.Manifests, "parts/"+name)
	}
	return f, spec
}

// onePass returns the plan.json of a dataset that is planned in one pass.
func onePass(t *testing.T, f *runtest.Fixture, spec run.Spec) (id, stored string) {
	t.Helper()
	f.Limits.PlanBytes = 1 << 30
	plan, err := f.Planner().Plan(t.Context(), spec)
	if err != nil {
		t.Fatal(err)
	}
	data, err := json.MarshalIndent(plan, "", " ")
	if err != nil {
		t.Fatal(err)
	}
	return plan.Run, string(data) + "\n"
}

func planName(id string) string { return "runs/" + id + "/plan.json" }

// TestPlanInSteps plans a dataset of several manifests in small steps. The stored plan has the same bytes as with one
// pass.
func TestPlanInSteps(t *testing.T) {
	t.Parallel()
	calm, spec := newParts(t)
	id, want := onePass(t, calm, spec)
	for _, size := range []int64{1, 100, 300, 1000, 1 << 30} {
		f, _ := newParts(t)
		f.Limits.PlanBytes = size
		if _, err := f.Start(spec); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, string(f.Read(planName(id)))); diff != "" {
			t.Errorf("steps of %d: plan (-one pass +steps):\n%s", size, diff)
		}
		scans := f.Objects("runs/" + id + "/planning/scans/")
		if none := len(scans) == 0; none != (size == 1<<30) {
			t.Errorf("steps of %d: scans %v", size, scans)
		}
	}
}

// TestPlanPackedInSteps plans a compressed manifest in small steps. Its unpacked text is lost in between.
func TestPlanPackedInSteps(t *testing.T) {
	t.Parallel()
	packed := func() (*runtest.Fixture, run.Spec) {
		f := runtest.New(t)
		var gz bytes.Buffer
		w := gzip.NewWriter(&gz)
		if _, err := w.Write(runtest.Lines(runtest.Plain("a", 20))); err != nil {
			t.Fatal(err)
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
		f.Upload("datasets/demo/parts/a.jsonl.gz", gz.Bytes())
		return f, run.Spec{Dataset: "demo", Manifests: []string{"parts/a.jsonl.gz"}}
	}
	f, spec := packed()
	id, want := onePass(t, f, spec)
	f, _ = packed()
	f.Limits.PlanBytes = 300
	if _, err := f.Subsets.AcceptRun(t.Context(), f.Planner(), f.Worker, spec, run.Upload{}); err != nil {
		t.Fatal(err)
	}
	for steps := 0; len(f.Queue) > 0 && f.Queue[0].Attributes[events.AttrTask] == events.TaskPlan; steps++ {
		if steps == 2 {
			bucket.RemoveTemporary(t.Context(), f.Work, bucket.TemporaryPrefix+"unpacked/")
		}
		if err := f.Deliver(f.Take(0)); err != nil {
			t.Fatal(err)
		}
	}
	if diff := cmp.Diff(want, string(f.Read(planName(id)))); diff != "" {
		t.Errorf("plan (-one pass +steps):\n%s", diff)
	}
	if scans := f.Objects("runs/" + id + "/planning/scans/"); len(scans) < 3 {
		t.Errorf("scans %v, want several", scans)
	}
}

// planned returns the plan.json of a run, and checks that no task of planning is left.
func planned(t *testing.T, f *runtest.Fixture, id string) string {
	t.Helper()
	if left := f.Tasks.TakeOf(events.TaskPlan); len(left) > 0 {
		t.Errorf("%d tasks of planning are left", len(left))
	}
	return string(f.Read(planName(id)))
}

// drainPlans delivers the tasks of planning, including new tasks, until a delivery fails.
func drainPlans(t *testing.T, f *runtest.Fixture) error {
	t.Helper()
	for i := 0; i < len(f.Queue); {
		if f.Queue[i].Attributes[events.AttrTask] != events.TaskPlan {
			i++
			continue
		}
		if err := f.Deliver(f.Queue[i]); err != nil {
			return err
		}
		f.Take(i)
	}
	return nil
}

// TestPlanKilled kills the process before each of the writes and publications of planning.
func TestPlanKilled(t *testing.T) {
	t.Parallel()
	calm, spec := newParts(t)
	id, want := onePass(t, calm, spec)
	calm, _ = newParts(t)
	if _, err := calm.Start(spec); err != nil {
		t.Fatal(err)
	}
	for name, recover := range map[string]func(*runtest.Fixture){
		"redelivery": func(f *runtest.Fixture) { f.Pass(10 * time.Minute) }, // as long as a delivery may take
		"schedule": func(f *runtest.Fixture) {
			f.Queue = nil
			f.Pass(time.Hour)
			f.Reconcile()
		},
	} {
		for life := 0; life < calm.Steps; life += thorough.Stride(7) {
			t.Run(fmt.Sprintf("%s after %d", name, life), func(t *testing.T) {
				t.Parallel()
				f, _ := newParts(t)
				f.Life = life
				_, err := f.Subsets.AcceptRun(t.Context(), f.Planner(), f.Worker, spec, run.Upload{})
				accepted := err == nil
				if accepted {
					err = drainPlans(t, f)
				}
				if !errors.Is(err, runtest.ErrKilled) {
					t.Fatalf("got error %v, want the error of a killed process", err)
				}
				f.Restart()
				if !accepted {
					if _, err := f.Subsets.AcceptRun(t.Context(), f.Planner(), f.Worker, spec, run.Upload{}); err != nil {
						t.Fatal(err)
					}
				}
				recover(f)
				if err := drainPlans(t, f); err != nil {
					t.Fatal(err)
				}
				if diff := cmp.Diff(want, planned(t, f, id)); diff != "" {
					t.Errorf("plan (-one pass +killed):\n%s", diff)
				}
				if started := f.Objects("runs/" + id + "/waves/"); len(started) != 1 {
					t.Errorf("the run was not started: waves %v", started)
				}
			})
		}
	}
}

// TestPlanGivenUp makes a step of planning fail in every attempt, by an error or by a crash. The run is refused with
// the reason, its message is acknowledged, and the same request starts the dataset from the beginning.
func TestPlanGivenUp(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		fail   func(*runtest.Fixture) // before each attempt
		reason string
	}{
		"error": {func(f *runtest.Fixture) { f.Tasks.Fail = errors.New("the topic is down") }, "the topic is down"},
		"death": {func(f *runtest.Fixture) { f.Life = 1 }, "the process ended during the attempt"}, // takes the lease
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f, spec := newParts(t)
			id, err := f.Subsets.AcceptRun(t.Context(), f.Planner(), f.Worker, spec, run.Upload{})
			if err != nil {
				t.Fatal(err)
			}
			message := f.Take(0)
			for attempt := 0; ; attempt++ {
				if tt.fail(f); attempt == 20 {
					f.Life = -1
				}
				err := f.Deliver(message)
				f.Tasks.Fail = nil
				f.Restart()
				f.Pass(time.Hour)
				if err == nil && attempt > 0 {
					break
				} else if attempt == 25 {
					t.Fatalf("delivery %d still fails: %v", attempt, err)
				}
			}
			status := f.Status(id)
			if status.State != run.StateRefused || !strings.Contains(status.Problem, tt.reason) ||
				!strings.Contains(status.Problem, "after 20 failed attempts at step 0 of manifest 0") {
				t.Errorf("the run is %s with problem %q, want refused for %q", status.State, status.Problem, tt.reason)
			}
			f.Queue = nil
			again, err := f.Start(spec)
			if err != nil || again.Run == id || again.Samples != 27 {
				t.Errorf("the same request: plan %+v and error %v, want another run with 27 samples", again, err)
			}
		})
	}
}

// TestPlanLosesEachMessage loses every message of planning: a schedule publishes each step again.
func TestPlanLosesEachMessage(t *testing.T) {
	t.Parallel()
	f, spec := newParts(t)
	id, want := onePass(t, f, spec)
	f.Limits.PlanBytes = 300
	if _, err := f.Subsets.AcceptRun(t.Context(), f.Planner(), f.Worker, spec, run.Upload{}); err != nil {
		t.Fatal(err)
	}
	for range 100 {
		f.Tasks.Take()
		f.Pass(time.Hour)
		f.Reconcile()
		for _, m := range f.Tasks.TakeOf(events.TaskPlan) {
			task := runtest.Decode[events.PlanTask](t, m)
			if _, _, err := f.Subsets.PlanRun(t.Context(), f.Planner(), f.Worker, task, "d"); err != nil {
				t.Fatal(err)
			}
		}
		if _, err := f.Runs.Plan(t.Context(), id); err == nil {
			break
		}
	}
	f.Tasks.Take()
	if diff := cmp.Diff(want, planned(t, f, id)); diff != "" {
		t.Errorf("plan (-one pass +lost):\n%s", diff)
	}
}

// TestPlanTwice delivers each task of planning twice: both have the same successor, which is published once.
func TestPlanTwice(t *testing.T) {
	t.Parallel()
	f, spec := newParts(t)
	id, want := onePass(t, f, spec)
	f.Limits.PlanBytes = 300
	if _, err := f.Subsets.AcceptRun(t.Context(), f.Planner(), f.Worker, spec, run.Upload{}); err != nil {
		t.Fatal(err)
	}
	seen := map[events.PlanTask]bool{}
	for tasks := f.Tasks.TakeOf(events.TaskPlan); len(tasks) > 0; tasks = f.Tasks.TakeOf(events.TaskPlan) {
		if len(tasks) > f.Limits.InFlight {
			t.Errorf("%d tasks at a time, more than %d chains", len(tasks), f.Limits.InFlight)
		}
		for _, m := range tasks {
			task := runtest.Decode[events.PlanTask](t, m)
			if seen[task] {
				t.Errorf("%+v was published twice", task)
			}
			seen[task] = true
			for range 2 {
				if _, _, err := f.Subsets.PlanRun(t.Context(), f.Planner(), f.Worker, task, "d"); err != nil {
					t.Fatal(err)
				}
			}
		}
	}
	if diff := cmp.Diff(want, planned(t, f, id)); diff != "" {
		t.Errorf("plan (-one pass +twice):\n%s", diff)
	}
	for _, task := range []events.PlanTask{{Run: id, Manifest: 5}, {Run: id, Manifest: -1}, {Run: id, Step: -1}} {
		if _, _, err := f.Subsets.PlanRun(t.Context(), f.Planner(), f.Worker, task, "d"); err != nil {
			t.Errorf("%+v of a run that is planned: %v", task, err)
		}
	}
}

// halfPlanned returns a run in which the first step of each chain of planning is done.
func halfPlanned(t *testing.T) (*runtest.Fixture, string) {
	t.Helper()
	f, spec := newParts(t)
	id, err := f.Subsets.AcceptRun(t.Context(), f.Planner(), f.Worker, spec, run.Upload{})
	if err != nil {
		t.Fatal(err)
	}
	for range 3 {
		if err := f.Deliver(f.Take(0)); err != nil {
			t.Fatal(err)
		}
	}
	return f, id
}

// TestPlanOfChangedManifest replaces a manifest while it is split. If the content is equal, planning continues.
func TestPlanOfChangedManifest(t *testing.T) {
	t.Parallel()
	const manifest = "datasets/demo/parts/a.json"
	f, id := halfPlanned(t)
	f.Touch(manifest, runtest.Uploaded.Add(time.Hour))
	f.Upload("datasets/demo/parts/e.jsonl", runtest.Lines(runtest.Plain("e", 1)))
	if err := drainPlans(t, f); err != nil {
		t.Fatal(err)
	}
	if st := f.Status(id); st.State != run.StateScoring || st.Samples.In != 27 {
		t.Errorf("uploaded again: %s with %d samples, problem %q", st.State, st.Samples.In, st.Problem)
	}
	for name, change := range map[string]func(*runtest.Fixture) error{
		"removed": func(f *runtest.Fixture) error { return os.Remove(filepath.Join(f.Folder, manifest)) },
		"replaced": func(f *runtest.Fixture) error {
			f.Upload(manifest, runtest.Array(runtest.Plain("z", 9)))
			f.Touch(manifest, runtest.Uploaded.Add(time.Hour))
			return nil
		},
	} {
		f, id := halfPlanned(t)
		if err := change(f); err != nil {
			t.Fatal(err)
		}
		if err := drainPlans(t, f); err != nil {
			t.Fatal(err)
		}
		if st := f.Status(id); st.State != run.StateRefused || !strings.Contains(st.Problem, "replaced") {
			t.Errorf("%s: %s for %q", name, st.State, st.Problem)
		}
	}
}

// summing counts the checksums that are computed of manifests.
type summing struct {
	bucket.Reader
	sums int
}

func (s *summing) Checksum(ctx context.Context, name string) (uint32, error) {
	s.sums++
	return s.Reader.Checksum(ctx, name)
}

// TestPlanSumsOnce accepts and plans a run. For its checksum, a manifest is read once: when the run is accepted.
func TestPlanSumsOnce(t *testing.T) {
	t.Parallel()
	f := runtest.New(t)
	input := &summing{Reader: f.Input}
	f.Input = input
	f.Upload("datasets/demo/a.json", runtest.Array(runtest.Plain("a", 9)))
	f.Begin("datasets/demo/a.json")
	if input.sums != 1 {
		t.Errorf("the manifest was summed %d times", input.sums)
	}
}

// TestPlanOfLostScan loses the state of splitting a manifest. Planning is given up, with the name of the lost object.
func TestPlanOfLostScan(t *testing.T) {
	t.Parallel()
	f, id := halfPlanned(t)
	f.Replace("runs/"+id+"/planning/scans/0000/0000.json", []byte("{"))
	f.Restart()
	if err := drainPlans(t, f); err != nil {
		t.Fatal(err)
	}
	st := f.Status(id)
	if st.State != run.StateRefused || !strings.Contains(st.Problem, "planning was given up after 1 failed attempts") ||
		!strings.Contains(st.Problem, "scans/0000/0000.json") {
		t.Errorf("%s for %q, want the lost scan of run %s", st.State, st.Problem, id)
	}
}
