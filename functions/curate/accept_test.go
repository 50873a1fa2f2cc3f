package curate_test

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/harvest-ml/harvest/shared/api"
	"github.com/harvest-ml/harvest/shared/events"
	"github.com/harvest-ml/harvest/shared/rubric"
	"github.com/harvest-ml/harvest/shared/run"
	"github.com/harvest-ml/harvest/shared/run/runtest"
	"github.com/harvest-ml/harvest/shared/scorer"
	"github.com/harvest-ml/harvest/shared/subset"
)

// TestScorerUnreachable starts a run while the scorer hangs. A run has no id without the scorer's id, so nothing is
// accepted, and the answer says when to retry.
func TestScorerUnreachable(t *testing.T) {
	t.Parallel()
	s := newService(t, nil)
	open := s.OpenScorer
	s.OpenScorer = func(ctx context.Context, kind string, r *rubric.Rubric) (scorer.Scorer, error) {
		if kind != "gpu" {
			return open(ctx, kind, r)
		}
		<-ctx.Done()
		return nil, fmt.Errorf("asking the sidecar: %w", ctx.Err())
	}
	s.Patience = time.Millisecond
	s = s.restart()
	const body = `{"dataset": "sky", "manifests": ["all.jsonl"], "scorer": "gpu"}`
	if _, header := want[api.Problem](s, http.StatusServiceUnavailable, "POST", "/v1/runs", body); header.Get(
		"Retry-After") != "30" {
		t.Errorf("Retry-After: %q, want 30", header.Get("Retry-After"))
	}
	if got := s.Objects(""); len(got) > 0 || len(s.Queue) > 0 {
		t.Errorf("accepted: %v, %v", got, s.Queue)
	}
	want[subset.RunStatus](s, http.StatusAccepted, "POST", "/v1/runs", startBody) // another scorer is reachable
}

// TestPlanningIsFinished loses the task of planning a run that two callers requested. Reconcile continues the run, and
// both callers get their selections.
func TestPlanningIsFinished(t *testing.T) {
	t.Parallel()
	s := newService(t, nil)
	for _, budget := range []string{`"20%"`, `"40%"`} {
		body := `{"dataset": "sky", "manifests": ["all.jsonl"], "budget": ` + budget + `}`
		status, _ := want[subset.RunStatus](s, http.StatusAccepted, "POST", "/v1/runs", body)
		if status.State != run.StatePlanning {
			t.Errorf("the run is %s, want it planning", status.State)
		}
	}
	if lost := s.Tasks.Take(); len(lost) != 1 || lost[0].Attributes[events.AttrTask] != events.TaskPlan {
		t.Errorf("published %v, want the task of planning once", lost)
	}
	s.Reconcile()
	if tasks := s.Tasks.TakeOf(events.TaskPlan); len(tasks) > 0 {
		t.Errorf("published again before the grace time was over: %v", tasks)
	}
	s.Pass(2 * run.GraceTime)
	s.Reconcile()
	s.work()
	list, _ := want[api.RunList](s, http.StatusOK, "GET", "/v1/runs", "")
	if len(list.Runs) != 1 {
		t.Fatalf("runs %+v, want one", list.Runs)
	}
	if status := s.Status(list.Runs[0].Run); status.State != run.StateScored || len(status.Selections) != 2 {
		t.Errorf("the run is %s with selections %v, want it scored with two", status.State, status.Selections)
	}
}

// TestRefusedAgain requests the run of an invalid dataset twice. Both answers give the reason.
func TestRefusedAgain(t *testing.T) {
	t.Parallel()
	s := newService(t, nil)
	s.Upload("datasets/bog/all.json", []byte("[]"))
	const body = `{"dataset": "bog", "manifests": ["all.json"], "budget": "30%"}`
	started, _ := want[subset.RunStatus](s, http.StatusAccepted, "POST", "/v1/runs", body)
	s.work()
	again, _ := want[subset.RunStatus](s, http.StatusAccepted, "POST", "/v1/runs", body)
	for _, status := range []*subset.RunStatus{&again, s.Status(started.Run)} {
		if status.Run != started.Run || status.State != run.StateRefused || !strings.Contains(status.Problem, "no records") {
			t.Errorf("the run is %+v, want it refused for its records", status)
		}
	}
}

// A request for more samples than the dataset has is refused. A later request with a valid budget starts another run.
func TestRefusedBudget(t *testing.T) {
	t.Parallel()
	s := newService(t, nil)
	ask := func(budget string) string {
		status, _ := want[subset.RunStatus](s, http.StatusAccepted, "POST", "/v1/runs",
			`{"dataset": "sky", "manifests": ["all.jsonl"], "budget": `+budget+`}`)
		s.work()
		return status.Run
	}
	refused, made := ask("6"), ask("2")
	status := s.Status(refused)
	if status.State != run.StateRefused || !strings.Contains(status.Problem, "the most is 5") {
		t.Errorf("a budget of 6: %+v, want it refused", status)
	}
	if status := s.Status(made); status.State != run.StateScored || len(status.Selections) != 1 {
		t.Errorf("a budget of 2: %+v, want it scored, with a selection", status)
	}
	if again := ask("2"); again != made {
		t.Errorf("the same request starts run %s, want %s", again, made)
	}
	if again := ask("6"); again != refused {
		t.Errorf("a second request for 6 samples starts run %s, want %s", again, refused)
	}
}

// TestCancelWhilePlanning cancels a run before it is planned. No sample of the run is scored.
func TestCancelWhilePlanning(t *testing.T) {
	t.Parallel()
	s := newService(t, nil)
	started, _ := want[subset.RunStatus](s, http.StatusAccepted, "POST", "/v1/runs", startBody)
	path := "/v1/runs/" + started.Run
	// Calls that need the plan are answered 409 with Retry-After.
	for _, call := range []string{":approve", ":retry", "/selections"} {
		if _, header := want[api.Problem](s, http.StatusConflict, "POST", path+call, ""); header.Get("Retry-After") != "30" {
			t.Errorf("%s: Retry-After %q, want 30", call, header.Get("Retry-After"))
		}
	}
	cancelled, _ := want[subset.RunStatus](s, http.StatusAccepted, "POST", path+":cancel", "")
	if cancelled.State != run.StateCancelled {
		t.Errorf("the run is %s, want it cancelled", cancelled.State)
	}
	list, _ := want[api.RunList](s, http.StatusOK, "GET", "/v1/runs", "")
	if len(list.Runs) != 1 || list.Runs[0].State != run.StateCancelled {
		t.Errorf("list %+v", list)
	}
	s.work()
	s.Reconcile()
	status, _ := want[subset.RunStatus](s, http.StatusOK, "GET", path, "")
	if status.State != run.StateCancelled || status.Progress.RangesCut > 0 || len(s.Queue) > 0 {
		t.Errorf("finally: %s, progress %+v, %d messages", status.State, status.Progress, len(s.Queue))
	}
	if open, finished := s.Objects("index/accepted/"), s.Objects("index/finished/"); len(open) != len(finished) {
		t.Errorf("accepted %v, finished %v", open, finished)
	}
	again, _ := want[subset.RunStatus](s, http.StatusAccepted, "POST", "/v1/runs", startBody)
	if again.State != run.StateCancelled {
		t.Errorf("requested again, the run is %s", again.State)
	}
}

// TestDamagedRunInList lists two runs. The plan of one of these runs is damaged.
func TestDamagedRunInList(t *testing.T) {
	t.Parallel()
	s := newService(t, nil)
	good := s.scored()
	s.Upload("datasets/bog/all.jsonl", runtest.Lines(runtest.Plain("b", 3)))
	bad, _ := want[subset.RunStatus](s, http.StatusAccepted, "POST", "/v1/runs",
		`{"dataset": "bog", "manifests": ["all.jsonl"]}`)
	s.work()
	s.Replace("runs/"+bad.Run+"/plan.json", []byte("{"))
	s = s.restart()
	list, _ := want[api.RunList](s, http.StatusOK, "GET", "/v1/runs", "")
	states := map[string]string{}
	for _, entry := range list.Runs {
		states[entry.Run] = entry.State
		if fix := "remove the folder runs/" + bad.Run; strings.Contains(entry.Problem, fix) != (entry.Run == bad.Run) {
			t.Errorf("%s: problem %q", entry.Run, entry.Problem)
		}
	}
	if states[good] != run.StateScored || states[bad.Run] != run.StateDamaged || len(states) != 2 {
		t.Errorf("states %v", states)
	}
	want[api.Problem](s, events.StatusLost, "GET", "/v1/runs/"+bad.Run, "")
}
