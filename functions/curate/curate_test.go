package curate_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/harvest-ml/harvest/functions/curate"
	"github.com/harvest-ml/harvest/functions/ingest"
	"github.com/harvest-ml/harvest/functions/score"
	"github.com/harvest-ml/harvest/shared/api/apitest"
	"github.com/harvest-ml/harvest/shared/events"
	"github.com/harvest-ml/harvest/shared/review"
	"github.com/harvest-ml/harvest/shared/run"
	"github.com/harvest-ml/harvest/shared/run/runtest"
	"github.com/harvest-ml/harvest/shared/subset"
)

// A service has the handlers of all functions, with a fixture of their buckets and topics.
type service struct {
	*runtest.Fixture
	t      testing.TB
	curate http.Handler
	ingest http.Handler
	score  http.Handler
}

// newService makes a service with the manifest datasets/sky/all.jsonl of 5 samples.
func newService(t testing.TB, change func(*run.Limits)) service {
	t.Helper()
	w := runtest.New(t)
	var records []string
	for i := range 5 {
		records = append(records, runtest.Record(fmt.Sprintf("r%02d", i), "Air scatters blue light more than red. "+
			"First, light enters; then it meets molecules, and what is blue goes every way; at last it meets your eye."))
	}
	w.Upload("datasets/sky/all.jsonl", runtest.Lines(records))
	if change != nil {
		change(&w.Limits)
	}
	return service{Fixture: w, t: t}.restart()
}

// restart returns the service with its functions in a new process.
func (s service) restart() service {
	s.t.Helper()
	w := s.Fixture
	w.Restart()
	var errs [5]error
	planner := w.Planner()
	config := curate.Config{
		Runs: w.Runs, Planner: planner, Worker: w.Worker, Subsets: w.Subsets, Memory: w.Memory, Log: w.Log,
	}
	config.Reviews, errs[4] = review.NewStore(w.Work)
	var api, push http.Handler
	api, errs[0] = curate.New(config)
	push, errs[3] = curate.NewPush(config)
	s.ingest, errs[1] = ingest.New(ingest.Config{Planner: planner, Worker: w.Worker, Subsets: w.Subsets, Log: w.Log})
	s.score, errs[2] = score.New(w.Worker, w.Log)
	if err := errors.Join(errs[:]...); err != nil {
		s.t.Fatal(err)
	}
	mux := http.NewServeMux()
	mux.Handle(curate.PushPath, push)
	mux.Handle("/", api)
	s.curate = mux
	return s
}

// uploadWithFailure replaces the manifest. A sample of the new manifest cannot be rated.
func (s service) uploadWithFailure() {
	s.Upload("datasets/sky/all.jsonl", runtest.Lines([]string{
		runtest.Record("good", "Air scatters blue light."), runtest.Record("bad", runtest.Unratable),
	}))
}

// work delivers all published tasks, including tasks that are published meanwhile.
func (s service) work() {
	s.t.Helper()
	for tasks := s.Tasks.Take(); len(tasks) > 0; tasks = s.Tasks.Take() {
		for _, m := range tasks {
			s.deliver(m)
		}
	}
}

// deliver delivers a task to its function. The function must acknowledge it.
func (s service) deliver(m events.Message) {
	s.t.Helper()
	to := s.curate
	switch m.Attributes[events.AttrTask] {
	case events.TaskPlan, events.TaskRange:
		to = s.ingest
	case events.TaskShard:
		to = s.score
	}
	if status := runtest.Push(s.t, to, curate.PushPath, m); status != http.StatusNoContent {
		s.t.Fatalf("delivery of %v %s was answered %d", m.Attributes, m.Data, status)
	}
}

// call makes a request of the API. The request and the answer must be as openapi.yaml describes them.
func (s service) call(method, path, body string) *httptest.ResponseRecorder {
	s.t.Helper()
	answer := httptest.NewRecorder()
	s.api().ServeHTTP(answer, httptest.NewRequest(method, path, strings.NewReader(body)))
	return answer
}

// api returns the API. It compares each request and answer with openapi.yaml.
func (s service) api() http.Handler {
	s.t.Helper()
	return apitest.Described(s.t, s.curate)
}

// want makes a request of the API, requires a status, and decodes the answer.
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
	status, _ := want[subset.RunStatus](s, http.StatusAccepted, "POST", "/v1/runs", startBody)
	s.plan()
	return status.Run
}

// plan delivers the tasks of planning.
func (s service) plan() {
	s.t.Helper()
	for _, m := range s.Tasks.TakeOf(events.TaskPlan) {
		s.deliver(m)
	}
}

// scored starts a run, waits until it is scored, and returns its id.
func (s service) scored() string {
	s.t.Helper()
	id := s.start()
	s.work()
	if status := s.Status(id); status.State != run.StateScored {
		s.t.Fatalf("the run is %s, want it scored", status.State)
	}
	return id
}
