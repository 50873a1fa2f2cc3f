package curate_test

import (
	"maps"
	"net/http"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/harvest-ml/harvest/functions/curate"
	"github.com/harvest-ml/harvest/shared/api"
	"github.com/harvest-ml/harvest/shared/events"
	"github.com/harvest-ml/harvest/shared/run"
	"github.com/harvest-ml/harvest/shared/run/runtest"
	"github.com/harvest-ml/harvest/shared/subset"
)

// push delivers a message that should be acknowledged to curate.
func (s service) push(m events.Message) {
	s.t.Helper()
	if status := runtest.Push(s.t, s.curate, curate.PushPath, m); status != http.StatusNoContent {
		s.t.Fatalf("delivery of %v %s was answered %d, want 204", m.Attributes, m.Data, status)
	}
}

// dead is a message as Pub/Sub moves it to the dead-letter topic.
func dead(m events.Message) events.Message {
	attributes := maps.Clone(m.Attributes)
	if attributes == nil {
		attributes = map[string]string{}
	}
	attributes[events.AttrDeadCount] = "100"
	attributes["CloudPubSubDeadLetterSourceSubscription"] = "score"
	return events.Message{Attributes: attributes, Data: m.Data}
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
			published := s.Events.Take()
			if len(published) != 1 || published[0].Attributes[events.AttrType] != events.RunScored {
				t.Fatalf("events %v, want one of a scored run", published)
			}
			for range 2 { // delivered twice, it is one selection
				s.push(published[0])
				s.work()
			}
			selections := s.Status(status.Run).Selections
			if len(selections) != tt.selections || len(s.Errors()) != tt.errors {
				t.Fatalf("selections %v and errors %v, want %d and %d", selections, s.Errors(), tt.selections, tt.errors)
			}
			completed := s.Events.Take()
			if len(completed) != tt.selections {
				t.Fatalf("events %v, want one for each selection", completed)
			}
			if len(completed) == 0 {
				return
			}
			id := status.Run + "/" + selections[0]
			got := completed[0].Attributes
			if got["ce-type"] != events.SelectionCompleted || got["ce-id"] != id {
				t.Errorf("event %v, want that selection %s is completed", got, id)
			}
		})
	}
}

func TestDeadLettersStallARun(t *testing.T) {
	t.Parallel()
	s := newService(t, nil)
	id := s.start()
	ranges := s.Tasks.Take()
	s.push(dead(ranges[0]))
	status := s.Status(id)
	wantDead := []run.DeadLetter{{
		Range: 0, Shard: -1, Attempts: 100, Reason: "no attempt succeeded; the function's log has the errors",
	}}
	if diff := cmp.Diff(wantDead, status.DeadLetters); status.State != run.StateStalled || diff != "" {
		t.Errorf("the run is %s, with dead (-want +got):\n%s", status.State, diff)
	}

	resumed, _ := want[subset.RunStatus](s, http.StatusAccepted, "POST", "/v1/runs/"+id+":resume", "")
	if resumed.State != run.StateScoring || len(resumed.DeadLetters) > 0 {
		t.Errorf("resumed, the run is %s with dead %v, want it scoring with none", resumed.State, resumed.DeadLetters)
	}
	var shards []events.Message
	for _, m := range s.Tasks.Take() {
		if status := runtest.Push(t, s.ingest, "/", m); status != http.StatusNoContent {
			t.Fatalf("cutting was answered %d", status)
		}
		shards = append(shards, s.Tasks.Take()...)
	}
	s.push(dead(shards[0]))
	for _, m := range shards[1:] {
		runtest.Push(t, s.score, "/", m)
	}
	wantDead[0].Shard = 0
	status = s.Status(id)
	if diff := cmp.Diff(wantDead, status.DeadLetters); status.State != run.StateStalled || diff != "" {
		t.Errorf("the run is %s, with dead (-want +got):\n%s", status.State, diff)
	}

	given, _ := want[subset.RunStatus](s, http.StatusAccepted, "POST", "/v1/runs/"+id+":resume", `{"give_up": true}`)
	if given.State != run.StateScored || given.Samples.Failed == 0 ||
		given.Samples.In != given.Samples.Scored+given.Samples.Failed {
		t.Errorf("given up, the run is %s with samples %+v, want it scored with some failed", given.State, given.Samples)
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
	scored := func(data string) events.Message {
		return events.Message{Attributes: map[string]string{events.AttrType: events.RunScored}, Data: []byte(data)}
	}
	garbage := func(m events.Message) events.Message {
		m.Data = []byte("{")
		return m
	}
	for i, m := range []events.Message{
		{},
		scored("{"),
		scored(`{"run": "sky-000000000000"}`),
		garbage(part.Message()),
		events.PartTask{Run: "sky-000000000000", Selection: selection.ID}.Message(),
		events.PartTask{Run: id, Selection: "000000000000"}.Message(),
		events.PartTask{Run: id, Selection: selection.ID, Range: 99}.Message(),
		events.PartTask{Run: id, Selection: selection.ID, Range: -1}.Message(),
		events.RangeTask{Run: id}.Message(),
		events.ShardTask{Run: id}.Message("embedded"),
		dead(events.Message{}),
		dead(part.Message()),
		dead(garbage(events.ShardTask{}.Message("embedded"))),
		dead(garbage(events.RangeTask{}.Message())),
		dead(events.ShardTask{Run: "sky-000000000000"}.Message("embedded")),
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
	answer := s.call("GET", curate.PushPath, "")
	if answer.Code != http.StatusMethodNotAllowed || answer.Header().Get("Allow") != "POST" {
		t.Errorf("GET was answered %d with Allow %q, want 405 with POST", answer.Code, answer.Header().Get("Allow"))
	}
}
