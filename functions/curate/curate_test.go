package curate_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/harvest-ml/harvest/functions/curate"
	"github.com/harvest-ml/harvest/functions/ingest"
	"github.com/harvest-ml/harvest/functions/internal/pushtest"
	"github.com/harvest-ml/harvest/functions/score"
	"github.com/harvest-ml/harvest/shared/events"
	"github.com/harvest-ml/harvest/shared/run"
)

// A service is curate with the other functions beside it.
type service struct {
	*pushtest.World
	t      testing.TB
	curate http.Handler
	ingest http.Handler
	score  http.Handler
}

// newService makes a service with the manifest datasets/sky/all.jsonl of 5 samples.
func newService(t testing.TB, change func(*run.Limits)) service {
	t.Helper()
	w := pushtest.New(t)
	w.Upload("datasets/sky/all.jsonl", pushtest.Records(5))
	if change != nil {
		change(&w.Limits)
	}
	return service{
		World: w, t: t,
		curate: curate.New(curate.Config{Limits: w.Limits}, w.Store, w.Log),
		ingest: ingest.New(ingest.Config{Limits: w.Limits}, w.Store, w.Log),
		score:  score.New(w.Store, w.Log),
	}
}

// work does all tasks there are.
func (s service) work() {
	s.t.Helper()
	pushtest.PushAll(s.t, s.Tasks, curate.PushPath, func(m events.Message) http.Handler {
		switch m.Attributes[events.AttrTask] {
		case events.TaskRange:
			return s.ingest
		case events.TaskShard:
			return s.score
		default:
			return s.curate
		}
	})
}

// call makes a request of the API.
func (s service) call(method, path, body string) *httptest.ResponseRecorder {
	s.t.Helper()
	answer := httptest.NewRecorder()
	s.curate.ServeHTTP(answer, httptest.NewRequest(method, path, strings.NewReader(body)))
	return answer
}

// want makes a request of the API that should be answered with a status, and decodes what is answered.
func want[T any](s service, status int, method, path, body string) (v T, header http.Header) {
	s.t.Helper()
	answer := s.call(method, path, body)
	if answer.Code != status {
		s.t.Fatalf("%s %s %s: answered %d %s, want %d", method, path, body, answer.Code, answer.Body, status)
	}
	kind := "application/json"
	if status >= 400 {
		kind = "application/problem+json"
	}
	if got := answer.Header().Get("Content-Type"); got != kind {
		s.t.Errorf("%s %s: Content-Type %q, want %q", method, path, got, kind)
	}
	dec := json.NewDecoder(answer.Body)
	dec.DisallowUnknownFields()
	if err := dec.Decode(&v); err != nil {
		s.t.Fatalf("%s %s: %v", method, path, err)
	}
	return v, answer.Header()
}

const startBody = `{"dataset": "sky", "manifests": ["all.jsonl"]}`

// start starts the run of datasets/sky/all.jsonl and returns its id.
func (s service) start() string {
	s.t.Helper()
	status, _ := want[run.Status](s, http.StatusAccepted, "POST", "/v1/runs", startBody)
	return status.Run
}

// scored is the id of a run that is scored.
func (s service) scored() string {
	s.t.Helper()
	id := s.start()
	s.work()
	if status := s.Status(id); status.State != run.StateScored {
		s.t.Fatalf("the run is %s, want it scored", status.State)
	}
	return id
}
