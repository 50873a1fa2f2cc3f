package curate_test

import (
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/harvest-ml/harvest/shared/api"
	"github.com/harvest-ml/harvest/shared/events"
	"github.com/harvest-ml/harvest/shared/run"
	"github.com/harvest-ml/harvest/shared/run/runtest"
	"github.com/harvest-ml/harvest/shared/selection"
	"github.com/harvest-ml/harvest/shared/subset"
)

// amounts compares budgets, caps, visual tokens and allowances by their values.
var amounts = cmpopts.EquateComparable(
	selection.Budget{}, selection.Cap{}, selection.VisualTokens{}, run.Allowance{})

func TestRunByAPI(t *testing.T) {
	t.Parallel()
	s := newService(t, nil)
	started, header := want[subset.RunStatus](s, http.StatusAccepted, "POST", "/v1/runs", startBody)
	if started.State != run.StatePlanning {
		t.Errorf("started %+v, want it planning", started)
	}
	location := "/v1/runs/" + started.Run
	if status, _ := want[subset.RunStatus](s, http.StatusOK, "GET", location, ""); status.State != run.StatePlanning {
		t.Errorf("the run is %+v, want it planning", status)
	}
	want[api.Problem](s, http.StatusConflict, "POST", location+"/selections", `{"budget": 1}`)
	if got := header.Get("Location"); got != location {
		t.Errorf("Location %q, want %q", got, location)
	}
	again, _ := want[subset.RunStatus](s, http.StatusAccepted, "POST", "/v1/runs", startBody)
	if again.Run != started.Run {
		t.Errorf("the same dataset started again is run %s, want %s", again.Run, started.Run)
	}
	s.work()
	status, _ := want[subset.RunStatus](s, http.StatusOK, "GET", location, "")
	if diff := cmp.Diff(events.Counts{In: 5, Scored: 5}, status.Samples); status.State != run.StateScored || diff != "" {
		t.Errorf("the run is %s, with samples (-want +got):\n%s", status.State, diff)
	}
	if status := s.call("HEAD", location, "").Code; status != http.StatusOK {
		t.Errorf("HEAD was answered %d, want 200", status)
	}
	list, _ := want[api.RunList](s, http.StatusOK, "GET", "/v1/runs", "")
	expected := api.RunList{Runs: []api.RunEntry{{
		Run: started.Run, Dataset: "sky", Samples: 5, SamplesDone: 5, State: run.StateScored, Created: accepted,
		Scorer: status.Scorer, Size: status.Size, Parameters: status.Parameters,
	}}}
	if diff := cmp.Diff(expected, list, amounts); diff != "" {
		t.Errorf("runs (-want +got):\n%s", diff)
	}
}

func TestListRuns(t *testing.T) {
	t.Parallel()
	s := newService(t, nil)
	if body := s.call("GET", "/v1/runs", "").Body.String(); !strings.Contains(body, `"runs": []`) {
		t.Errorf("without runs the list is %s, want an empty array", body)
	}
	id := s.start()
	s.Pass(time.Second)
	refused, err := s.Worker.Refuse(t.Context(), "bog", run.Upload{}, &run.RefusedError{Reason: "there is nothing in it"})
	if err != nil {
		t.Fatal(err)
	}
	stray := func(w io.Writer) error { return nil }
	if err := s.Work.Create(t.Context(), "runs/stray/notes.txt", stray); err != nil {
		t.Fatal(err)
	}
	list, _ := want[api.RunList](s, http.StatusOK, "GET", "/v1/runs", "")
	expected := api.RunList{Runs: []api.RunEntry{
		{
			Run: refused.Run, Dataset: "bog", State: run.StateRefused, Problem: "there is nothing in it",
			Created: accepted.Add(time.Second),
		},
		{
			Run: id, Dataset: "sky", Samples: 5, State: run.StateScoring, Created: accepted, Scorer: list.Runs[1].Scorer,
			Size: list.Runs[1].Size, Parameters: list.Runs[1].Parameters,
		},
	}}
	if one := list.Runs[1]; one.Size == 0 || one.Scorer == "" {
		t.Errorf("the size and scorer of a run are %+v", one)
	}
	if diff := cmp.Diff(expected, list, amounts); diff != "" {
		t.Errorf("runs (-want +got):\n%s", diff)
	}
}

func TestSelectionByAPI(t *testing.T) {
	t.Parallel()
	s := newService(t, nil)
	runs := "/v1/runs/" + s.scored()
	first, header := want[api.SelectionStatus](s, http.StatusAccepted, "POST", runs+"/selections", `{"budget": "40%"}`)
	if first.State != api.Writing || first.Selected != 2 {
		t.Errorf("the selection is %s with %d samples, want it writing with 2", first.State, first.Selected)
	}
	location := runs + "/selections/" + first.ID
	if got := header.Get("Location"); got != location {
		t.Errorf("Location %q, want %q", got, location)
	}
	if got, _ := want[api.SelectionStatus](s, http.StatusAccepted, "GET", location, ""); got.State != api.Writing {
		t.Errorf("the selection is %s, want it writing", got.State)
	}
	s.work()
	completed, header := want[api.SelectionStatus](s, http.StatusOK, "GET", location, "")
	if completed.State != api.Completed || header.Get("Location") != "" {
		t.Errorf("the selection is %s at %q, want it completed", completed.State, header.Get("Location"))
	}
	// 40 % of 5 samples are 2, so this request names the same selection.
	again, _ := want[api.SelectionStatus](s, http.StatusOK, "POST", runs+"/selections", `{"budget": 2}`)
	if diff := cmp.Diff(completed, again, amounts); diff != "" {
		t.Errorf("the same parameters (-first +again):\n%s", diff)
	}
	other, _ := want[api.SelectionStatus](s, http.StatusAccepted, "POST", runs+"/selections", `{"budget": 3, "seed": 7}`)
	if other.ID == first.ID {
		t.Error("other parameters have the same selection id")
	}
	s.work()
	expected := []string{first.ID, other.ID}
	slices.Sort(expected)
	status, _ := want[subset.RunStatus](s, http.StatusOK, "GET", runs, "")
	if diff := cmp.Diff(expected, status.Selections); diff != "" {
		t.Errorf("the run's selections (-want +got):\n%s", diff)
	}
	body, err := s.Work.Open(t.Context(), completed.Outputs.Subset, 0, 0, -1)
	if err != nil {
		t.Fatal(err)
	}
	defer body.Close()
	subset, err := io.ReadAll(body)
	if err != nil || strings.Count(string(subset), "\n") != 2 {
		t.Errorf("the subset is %q (%v), want 2 lines", subset, err)
	}
}

// A problemCase is a request and the expected problem.
type problemCase struct {
	method, path, body string
	status             int
	detail             string
}

// problemCases returns requests that are answered with a problem. scored, scoring and refused are paths of runs in
// these states.
func problemCases(scored, scoring, refused string) map[string]problemCase {
	return map[string]problemCase{
		"no such path":      {"GET", "/v2/runs", "", 404, "/v1/runs"},
		"below the docs":    {"GET", "/docs/x", "", 404, "/docs"},
		"method of root":    {"POST", "/", "", 405, "GET, HEAD"},
		"no such run":       {"GET", "/v1/runs/sky-000000000000", "", 404, "sky-000000000000"},
		"no run id":         {"GET", "/v1/runs/sky%2F..", "", 404, "is not a run id"},
		"no such selection": {"GET", scored + "/selections/000000000000", "", 404, "no such selection"},
		"selection of no run": {
			"POST", "/v1/runs/sky-000000000000/selections", `{"budget": 2}`, 404, "sky-000000000000",
		},
		"call of unknown run":   {"POST", "/v1/runs/sky-000000000000:cancel", "", 404, "sky-000000000000"},
		"call without a run":    {"POST", "/v1/runs/:cancel", "", 404, "is not a run id"},
		"unknown call":          {"POST", scored + ":explode", "", 404, ":resume, :retry, :cancel, :approve"},
		"no call":               {"POST", scored, "", 404, ":resume, :retry, :cancel, :approve"},
		"method of runs":        {"DELETE", "/v1/runs", "", 405, "GET, HEAD, POST"},
		"method of a run":       {"PUT", scored, "", 405, "GET, HEAD, POST"},
		"method of selections":  {"PUT", scored + "/selections", "", 405, "GET, HEAD, POST"},
		"selections of no run":  {"GET", "/v1/runs/sky-000000000000/selections", "", 404, "sky-000000000000"},
		"page size 0":           {"GET", "/v1/runs?page_size=0", "", 400, `page_size: "0" is not a page size; give 1 to`},
		"page too large":        {"GET", scored + "/selections?page_size=201", "", 400, "give 1 to 200"},
		"invalid page token":    {"GET", "/v1/runs?page_token=%3F", "", 400, `page_token: "?" is not a token of this list`},
		"method of a selection": {"POST", scored + "/selections/000000000000", "", 405, "GET, HEAD"},
		"OPTIONS":               {"OPTIONS", "/v1/runs", "", 405, "GET, HEAD, POST"},
		"body is not JSON":      {"POST", "/v1/runs", "dataset=sky", 400, "reading the request's body"},
		"body of another type":  {"POST", "/v1/runs", `[]`, 400, "body: give values with the names dataset, "},
		"body cut off":          {"POST", "/v1/runs", `{"dataset": "sky"`, 400, "unexpected EOF"},
		"unknown field":         {"POST", "/v1/runs", `{"data_set": "sky"}`, 400, `unknown field "data_set"`},
		"field in another case": {"POST", "/v1/runs", `{"dataset": "sky", "Budget": 2}`, 400, `unknown field "Budget"; did`},
		"two JSON values":       {"POST", scored + "/selections", `{"budget": 2} {"budget": 3}`, 400, "text follows"},
		"a brace too many":      {"POST", scored + "/selections", `{"budget": 2}}`, 400, "invalid character '}'"},
		"body too large": {
			"POST", "/v1/runs", `{"dataset": "` + strings.Repeat("x", 1<<20) + `"}`, 413, "longer than 1048576 bytes",
		},
		"too many spaces": {
			"POST", "/v1/runs", startBody + strings.Repeat(" ", 1<<20), 413, "longer than 1048576 bytes",
		},
		"budget is no number":     {"POST", scored + "/selections", `{"budget": "half"}`, 400, `budget "half"`},
		"no budget":               {"POST", scored + "/selections", ``, 422, "budget: it is missing"},
		"budget beyond the run":   {"POST", scored + "/selections", `{"budget": 6}`, 422, "the most is 5"},
		"budget below one sample": {"POST", scored + "/selections", `{"budget": "1%"}`, 422, "the least is 1"},
		"unknown capability": {
			"POST", scored + "/selections", `{"budget": 2, "capabilities": ["charm"]}`, 422, `"charm"`,
		},
		"threshold beyond ratings": {"POST", scored + "/selections", `{"budget": 2, "threshold": 5}`, 422, "threshold"},
		"no dataset":               {"POST", "/v1/runs", ``, 422, "dataset"},
		"dataset elsewhere": {
			"POST", "/v1/runs", `{"dataset": "../sky", "manifests": ["all.jsonl"]}`, 422, "dataset",
		},
		"manifest missing": {
			"POST", "/v1/runs", `{"dataset": "sky", "manifests": ["absent.jsonl"]}`, 422, "absent.jsonl",
		},
		"selection before scoring": {"POST", scoring + "/selections", `{"budget": 1}`, 409, "not scored"},
		"retry before scoring":     {"POST", scoring + ":retry", "", 409, "resume it instead"},
		"resume of a refused run":  {"POST", refused + ":resume", "", 422, "there is <nothing> in it"},
		"retry of a refused run":   {"POST", refused + ":retry", "", 422, "there is <nothing> in it"},
		"unknown option of resume": {"POST", scored + ":resume", `{"giveup": true}`, 400, `unknown field "giveup"`},
		"option of retry":          {"POST", scored + ":retry", `{"give_up": true}`, 400, `unknown field "give_up"`},
	}
}

func TestProblems(t *testing.T) {
	t.Parallel()
	s := newService(t, nil)
	scored := "/v1/runs/" + s.scored()
	s.Upload("datasets/new/all.jsonl", []byte("{}\n"))
	fresh, _ := want[subset.RunStatus](s, http.StatusAccepted, "POST", "/v1/runs",
		`{"dataset": "new", "manifests": ["all.jsonl"]}`)
	s.plan()
	scoring := "/v1/runs/" + fresh.Run
	nothing := &run.RefusedError{Reason: "there is <nothing> in it"}
	refusal, err := s.Worker.Refuse(t.Context(), "bog", run.Upload{}, nothing)
	if err != nil {
		t.Fatal(err)
	}
	refused := "/v1/runs/" + refusal.Run
	for name, tt := range problemCases(scored, scoring, refused) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := s
			s.t = t
			problem, header := want[api.Problem](s, tt.status, tt.method, tt.path, tt.body)
			if problem.Status != tt.status || problem.Title != http.StatusText(tt.status) ||
				!strings.Contains(problem.Detail, tt.detail) {
				t.Errorf("problem %+v, want status %d and a detail with %q", problem, tt.status, tt.detail)
			}
			if allow := header.Get("Allow"); tt.status == http.StatusMethodNotAllowed && allow != tt.detail {
				t.Errorf("Allow: %q, want %q", allow, tt.detail)
			}
		})
	}
}

// A transient error is logged, and answered with status 500.
func TestServerError(t *testing.T) {
	t.Parallel()
	s := newService(t, nil)
	s.Tasks.Fail = errors.New("Pub/Sub is unreachable")
	want[api.Problem](s, http.StatusInternalServerError, "POST", "/v1/runs", startBody)
	if len(s.Errors()) != 1 {
		t.Errorf("logged errors %v, want one", s.Errors())
	}
}

func TestCancel(t *testing.T) {
	t.Parallel()
	s := newService(t, nil)
	id := s.start()
	for range 2 {
		status, _ := want[subset.RunStatus](s, http.StatusAccepted, "POST", "/v1/runs/"+id+":cancel", "")
		if status.State != run.StateCancelled {
			t.Errorf("the run is %s, want it cancelled", status.State)
		}
	}
	s.work()
	if progress := s.Status(id).Progress; progress.RangesCut != 0 {
		t.Errorf("a cancelled run continues: %+v", progress)
	}
}

func TestApprove(t *testing.T) {
	t.Parallel()
	s := newService(t, func(l *run.Limits) { l.CostPerMillion, l.MaxRunCost = run.Prices{runtest.Kind: 1000}, 0.001 })
	started := s.Status(s.start())
	if started.State != run.StateAwaitingApproval || started.EstimatedCost != 0.005 {
		t.Errorf("the run is %s at $%g, want it awaiting-approval at $0.005", started.State, started.EstimatedCost)
	}
	if tasks := s.Tasks.Take(); len(tasks) > 0 {
		t.Errorf("tasks %v before approval", tasks)
	}
	approved, _ := want[subset.RunStatus](s, http.StatusAccepted, "POST", "/v1/runs/"+started.Run+":approve", "")
	if approved.State != run.StateScoring {
		t.Errorf("the run is %s, want it scoring", approved.State)
	}
	s.work()
	if state := s.Status(started.Run).State; state != run.StateScored {
		t.Errorf("the run is %s, want it scored", state)
	}
}

func TestRetry(t *testing.T) {
	t.Parallel()
	s := newService(t, nil)
	problem, _ := want[api.Problem](s, http.StatusConflict, "POST", "/v1/runs/"+s.scored()+":retry", "")
	if !strings.Contains(problem.Detail, "has no failed samples: there is nothing to retry") {
		t.Errorf("a run without failures is retried: %q", problem.Detail)
	}
	s.uploadWithFailure()
	id := s.start()
	s.work()
	next, header := want[subset.RunStatus](s, http.StatusAccepted, "POST", "/v1/runs/"+id+":retry", "")
	if next.Run == id || next.Attempt != 1 || header.Get("Location") != "/v1/runs/"+next.Run {
		t.Errorf("retried as %+v at %q, want another run of attempt 1", next, header.Get("Location"))
	}
	s.work()
	if status := s.Status(next.Run); !status.IsScored() || status.Samples.Failed != 1 {
		t.Errorf("the run is %+v, want it scored with the failure", status)
	}
	problem, _ = want[api.Problem](s, http.StatusConflict, "POST", "/v1/runs/"+id+":retry", "")
	if !strings.Contains(problem.Detail, "the latest attempt is "+next.Run) {
		t.Errorf("a run that was retried before is retried: %q", problem.Detail)
	}
}

// Resuming a run publishes a lost task again.
func TestResume(t *testing.T) {
	t.Parallel()
	s := newService(t, nil)
	id := s.start()
	if lost := s.Tasks.Take(); len(lost) == 0 {
		t.Fatal("starting published no tasks")
	}
	for _, body := range []string{"", "{}", `{"give_up": false}`} {
		want[subset.RunStatus](s, http.StatusAccepted, "POST", "/v1/runs/"+id+":resume", body)
	}
	s.work()
	if state := s.Status(id).State; state != run.StateScored {
		t.Errorf("the run is %s, want it scored", state)
	}
}

// The answer to any body is JSON, and never an error of the server.
func FuzzSelectionBody(f *testing.F) {
	for _, body := range []string{
		`{"budget": "40%"}`, `{"budget": 1e9, "threshold": -1}`, `{"capabilities": [null]}`, "null", "{}}", "\x00",
	} {
		f.Add([]byte(body))
	}
	s := newService(f, nil)
	path := "/v1/runs/" + s.scored() + "/selections"
	f.Fuzz(func(t *testing.T, body []byte) {
		s := s
		s.t = t
		answer := s.call("POST", path, string(body))
		if answer.Code >= 500 || !json.Valid(answer.Body.Bytes()) {
			t.Errorf("answered %d %s", answer.Code, answer.Body)
		}
	})
}
