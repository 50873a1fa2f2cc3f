package curate_test

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"

	"github.com/harvest-ml/harvest/functions/curate"
	"github.com/harvest-ml/harvest/shared/api"
	"github.com/harvest-ml/harvest/shared/dataset"
	"github.com/harvest-ml/harvest/shared/events"
	"github.com/harvest-ml/harvest/shared/run"
	"github.com/harvest-ml/harvest/shared/run/runtest"
	"github.com/harvest-ml/harvest/shared/subset"
)

// push delivers a message to curate, which must acknowledge it.
func (s service) push(m events.Message) {
	s.t.Helper()
	if status := runtest.Push(s.t, s.curate, curate.PushPath, m); status != http.StatusNoContent {
		s.t.Fatalf("delivery of %v %s was answered %d, want 204", m.Attributes, m.Data, status)
	}
}

func TestAutomaticSelection(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		start      string
		selections int
		errors     int
	}{
		"with a budget": {`{"dataset": "sky", "manifests": ["all.jsonl"], "budget": "40%"}`, 1, 0},
		"without":       {startBody, 0, 0},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newService(t, nil)
			status, _ := want[subset.RunStatus](s, http.StatusAccepted, "POST", "/v1/runs", tt.start)
			s.work()
			// If the task is redelivered, there is still one selection.
			s.push(events.SelectTask{Run: status.Run}.Message())
			s.work()
			selections := s.Status(status.Run).Selections
			if len(selections) != tt.selections || len(s.Errors()) != tt.errors {
				t.Fatalf("selections %v and errors %v, want %d and %d", selections, s.Errors(), tt.selections, tt.errors)
			}
			published := s.Events.Take()
			if len(published) != 2+tt.selections || published[1].Attributes[events.AttrType] != events.RunScored {
				t.Fatalf("events %v, want run.planned, run.scored, and one event for each selection", published)
			}
			if tt.selections == 0 {
				return
			}
			id := status.Run + "/" + selections[0]
			got := published[2].Attributes
			if got[events.AttrType] != events.SelectionCompleted || got["ce-id"] != id {
				t.Errorf("event %v, want selection.completed of %s", got, id)
			}
		})
	}
}

// A shard whose attempts fail repeatedly stalls its run, until the run is resumed with give_up.
func TestDeadLettersStallARun(t *testing.T) {
	t.Parallel()
	s := newService(t, nil)
	id := s.start()
	for _, m := range s.Tasks.Take() {
		if status := runtest.Push(t, s.ingest, "/", m); status != http.StatusNoContent {
			t.Fatalf("cutting was answered %d", status)
		}
	}
	s.Scorer.Before = func(*dataset.Sample) error { return errors.New("the scorer's disk is on fire") }
	shards := s.Tasks.Take()
	for runtest.Push(t, s.score, "/", shards[0]) != http.StatusNoContent {
	}
	status := s.Status(id)
	if status.State != run.StateStalled || len(status.DeadLetters) != 1 ||
		!strings.Contains(status.DeadLetters[0].Reason, "disk is on fire") {
		t.Errorf("the run is %s, with dead %v", status.State, status.DeadLetters)
	}
	s.Scorer.Before = nil
	s.Tasks.Take()
	for _, m := range shards[1:] {
		runtest.Push(t, s.score, "/", m)
	}
	s.work()

	want[subset.RunStatus](s, http.StatusAccepted, "POST", "/v1/runs/"+id+":resume", `{"give_up": true}`)
	s.work()
	given := s.Status(id)
	if given.State != run.StateScored || given.Samples.Failed == 0 ||
		given.Samples.In != given.Samples.Scored+given.Samples.Failed {
		t.Errorf("after give_up the run is %s with samples %+v, want it scored with some failed", given.State, given.Samples)
	}
}

// Reconcile logs the age of each unfinished run. An alert counts these lines.
func TestAgeOfARunIsLogged(t *testing.T) {
	t.Parallel()
	s := newService(t, nil)
	id := s.start()
	logged := func() int {
		s.push(events.ReconcileTask{}.Message())
		return len(s.Logged("run is not finished"))
	}
	s.push(events.ReconcileTask{}.Message())
	lines := s.Logged(`msg="run is not finished" run=` + id)
	if len(lines) != 1 || !regexp.MustCompile(`hours=[0-9]{3,}`).MatchString(lines[0]) {
		t.Errorf("logged %q, want one line with the hours since 2026-02-03", lines)
	}
	s.work()
	s.push(events.ReconcileTask{}.Message())
	s.work()
	if before := len(s.Logged("run is not finished")); logged() != before {
		t.Errorf("a finished run is logged as not finished: %q", s.Logged("run is not finished"))
	}
}

// Resuming a run completes a selection whose tasks were lost.
func TestResumeContinuesSelections(t *testing.T) {
	t.Parallel()
	s := newService(t, nil)
	s.OneMachine = true
	id := s.scored()
	path := "/v1/runs/" + id + "/selections"
	selection, _ := want[api.SelectionStatus](s, http.StatusAccepted, "POST", path, `{"budget": 2}`)
	if lost := s.Tasks.Take(); len(lost) == 0 {
		t.Fatal("the selection published no tasks")
	}
	s = s.restart()
	want[subset.RunStatus](s, http.StatusAccepted, "POST", "/v1/runs/"+id+":resume", "")
	s.work()
	if state := s.SelectionState(id, selection.ID); state != subset.StateCompleted {
		t.Errorf("the selection is %s, want it completed", state)
	}
}

func TestWrongMessagesAreAcknowledged(t *testing.T) {
	t.Parallel()
	s := newService(t, nil)
	id := s.scored()
	s.Events.Take()
	path := "/v1/runs/" + id + "/selections"
	selection, _ := want[api.SelectionStatus](s, http.StatusAccepted, "POST", path, `{"budget": 2}`)
	part := events.PartTask{Run: id, Selection: selection.ID}
	garbage := func(m events.Message) events.Message {
		m.Data = []byte("{")
		return m
	}
	for i, m := range []events.Message{
		{},
		garbage(events.SelectTask{Run: id}.Message()),
		events.SelectTask{Run: "sky-000000000000"}.Message(),
		events.SelectTask{Run: id, Request: "000000000000"}.Message(),
		garbage(events.ReconcileTask{}.Message()),
		garbage(part.Message()),
		events.PartTask{Run: "sky-000000000000", Selection: selection.ID}.Message(),
		events.PartTask{Run: id, Selection: "000000000000"}.Message(),
		events.PartTask{Run: id, Selection: selection.ID, Range: 99}.Message(),
		events.PartTask{Run: id, Selection: selection.ID, Range: -1}.Message(),
		events.RangeTask{Run: id}.Message(),
		events.ShardTask{Run: id}.Message("embedded", false),
	} {
		before := len(s.Errors())
		s.push(m)
		if len(s.Errors()) == before {
			t.Errorf("message %d: logged no error", i)
		}
	}
	if state := s.Status(id).State; state != run.StateScored {
		t.Errorf("wrong messages left the run %s", state)
	}
}

func TestPushTakesPOSTOnly(t *testing.T) {
	t.Parallel()
	s := newService(t, nil)
	answer := httptest.NewRecorder()
	s.curate.ServeHTTP(answer, httptest.NewRequest("GET", curate.PushPath, nil))
	if answer.Code != http.StatusMethodNotAllowed || answer.Header().Get("Allow") != "POST" {
		t.Errorf("GET was answered %d with Allow %q, want 405 with POST", answer.Code, answer.Header().Get("Allow"))
	}
}

// TestLateImage starts a scored dataset again after a missing image was uploaded. The answer does not wait for the
// check of the images; the task of the check starts the next attempt. A retry with images_changed starts the next
// attempt even if no sample failed.
func TestLateImage(t *testing.T) {
	t.Parallel()
	s := newService(t, nil)
	s.Upload("datasets/sky/all.jsonl", runtest.Lines([]string{
		runtest.Record("text", "Air scatters blue light."), runtest.Record("late", "It is blue.", "late.png"),
	}))
	first := s.scored()
	const body = `{"dataset": "sky", "manifests": ["all.jsonl"]}`
	ask := func(body string) *subset.RunStatus {
		t.Helper()
		status, _ := want[subset.RunStatus](s, http.StatusAccepted, http.MethodPost, api.RunsPath, body)
		return &status
	}
	s.Upload("images/sky/late.png", runtest.PNG(t, 8, 8))
	if status := ask(body); status.Run != first || status.Samples.Failed != 1 {
		t.Errorf("the answer is of run %s with %+v, want %s with a failed sample", status.Run, status.Samples, first)
	}
	s.work()
	second := ask(`{"dataset": "sky", "manifests": ["all.jsonl"], "no_image_check": true}`)
	if second.Run == first || second.Samples.Scored != 2 || second.TakenOver != 1 || second.Reuse != first {
		t.Errorf("the next attempt is %+v, want 2 scored samples, one of them with a score of %s", second, first)
	}
	if tasks := s.Tasks.Take(); len(tasks) > 0 {
		t.Errorf("no_image_check has %d tasks", len(tasks))
	}
	s.call(http.MethodPost, api.RunPath(second.Run)+":retry", `{"images_changed": true}`)
	s.work()
	if third := ask(body); third.Attempt != 2 || third.TakenOver != 2 {
		t.Errorf("the retry is %+v, want attempt 2 with 2 reused scores", third)
	}
}
