package curate_test

import (
	"net/http"
	"net/http/httptest"
	"path"
	"strings"
	"sync"
	"testing"

	"github.com/harvest-ml/harvest/shared/api"
	"github.com/harvest-ml/harvest/shared/run"
)

// While one selection is computed and one waits, a third is answered 429.
func TestSelectionsQueue(t *testing.T) {
	t.Parallel()
	s := newService(t, nil)
	s.Selections.Waiting = 1
	s = s.restart()
	at := "/v1/runs/" + s.scored() + "/selections"
	writing, goOn := make(chan struct{}), make(chan struct{})
	var first sync.Once
	s.LostAnswer = func(name string) bool {
		if path.Base(name) == "selection.json" {
			first.Do(func() { close(writing); <-goOn })
		}
		return false
	}
	answers := make(chan *httptest.ResponseRecorder, 3)
	ask := func(body string) { answers <- s.call("POST", at, body) }
	go ask(`{"budget": 1}`)
	<-writing
	go ask(`{"budget": 2}`)
	go ask(`{"budget": 3}`)
	// One of the last two requests waits. The other is refused while the first selection is still computed.
	if busy := <-answers; busy.Code != http.StatusTooManyRequests || busy.Header().Get("Retry-After") != "5" {
		t.Errorf("a third selection was answered %d %s with Retry-After %q, want 429 and 5",
			busy.Code, busy.Body, busy.Header().Get("Retry-After"))
	}
	close(goOn)
	for range 2 {
		if answer := <-answers; answer.Code != http.StatusAccepted {
			t.Errorf("a selection that computed or waited was answered %d, want 202", answer.Code)
		}
	}
	for _, body := range []string{`{"budget": 2}`, `{"budget": 3}`} {
		want[api.SelectionStatus](s, http.StatusAccepted, "POST", at, body)
	}
}

// A run may be too large for the API to compute selections during the call. Tasks compute them later.
func TestLargeRunByAPI(t *testing.T) {
	t.Parallel()
	s := newService(t, nil)
	s.Selections.AnsweredSamples = 4
	s = s.restart()
	id := s.scored()
	at := "/v1/runs/" + id + "/selections"
	const body = `{"budgets": [1, 2], "exclude": ["r04"], "max_failed": 0}`
	asked, _ := want[api.NestedSelections](s, http.StatusAccepted, "POST", at, body)
	if made := s.Status(id).Selections; len(made) > 0 {
		t.Fatalf("selections %v were made during the call", made)
	}
	for i, sel := range asked.Selections {
		one, header := want[api.SelectionStatus](s, http.StatusOK+2, "GET", at+"/"+sel.ID, "")
		if one.State != api.Writing || one.ID != sel.ID || one.Total != 5 || one.Parameters.Budget != i+1 ||
			!strings.HasSuffix(header.Get("Location"), sel.ID) {
			t.Errorf("selection %d is %+v at %s", i, one, header.Get("Location"))
		}
	}
	want[api.Problem](s, http.StatusUnprocessableEntity, "POST", at, `{"budget": 6}`)
	s.Tasks.Take() // the tasks are lost
	s.Pass(2 * run.GraceTime)
	s.Reconcile()
	s.work()
	made, _ := want[api.NestedSelections](s, http.StatusOK, "POST", at, body)
	for i, sel := range made.Selections {
		if sel.State != api.Completed || sel.Selected != i+1 || sel.ID != asked.Selections[i].ID {
			t.Errorf("selection %d is %s with %d samples, id %s", i, sel.State, sel.Selected, sel.ID)
		}
	}

	refused, _ := want[api.SelectionStatus](s, http.StatusAccepted, "POST", at, `{"budget": 2, "include": ["zz"]}`)
	s.work()
	status, _ := want[api.SelectionStatus](s, http.StatusOK, "GET", at+"/"+refused.ID, "")
	if status.State != api.Failed || !strings.Contains(status.Problem, `"zz"`) {
		t.Errorf("a selection of an unknown sample is %s: %s", status.State, status.Problem)
	}
}
