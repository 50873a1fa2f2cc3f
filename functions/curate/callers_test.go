package curate_test

import (
	"encoding/base64"
	"net/http"
	"strings"
	"testing"

	"github.com/harvest-ml/harvest/functions/curate"
	"github.com/harvest-ml/harvest/shared/review"
	"github.com/harvest-ml/harvest/shared/run"
	"github.com/harvest-ml/harvest/shared/subset"
)

// behindIAM returns a service whose requests carry a person's token, as Cloud Run forwards it.
func (s service) behindIAM(person string, trusted bool) service {
	s.t.Helper()
	w := s.Fixture
	reviews, err := review.NewStore(w.Work)
	if err != nil {
		s.t.Fatal(err)
	}
	api, err := curate.New(curate.Config{
		Runs: w.Runs, Planner: w.Planner(), Worker: w.Worker, Subsets: w.Subsets, Memory: w.Memory, Log: w.Log,
		Reviews: reviews, IAMCallers: trusted,
	})
	if err != nil {
		s.t.Fatal(err)
	}
	push := s.curate
	claims := base64.RawURLEncoding.EncodeToString([]byte(`{"email": "` + person + `", "email_verified": true}`))
	s.curate = http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		if r.URL.Path == curate.PushPath {
			push.ServeHTTP(rw, r)
			return
		}
		r.Header.Set("Authorization", "Bearer e30."+claims+".SIGNATURE_REMOVED_BY_GOOGLE")
		api.ServeHTTP(rw, r)
	})
	return s
}

// The run's objects, its status and the log name the callers who started, approved, resumed and cancelled the run.
func TestCallersAreNoted(t *testing.T) {
	t.Parallel()
	s := newService(t, func(l *run.Limits) {
		l.CostPerMillion, l.MaxRunCost = run.Prices{"embedded": 1e6, "fake": 1e6}, 1
	})
	call := func(person, path, body string) subset.RunStatus {
		t.Helper()
		status, _ := want[subset.RunStatus](s.behindIAM(person, true), http.StatusAccepted, "POST", path, body)
		return status
	}
	id := call("ann@example.com", "/v1/runs", startBody).Run
	s.work()
	if st := call("bob@example.com", "/v1/runs/"+id+":approve", ""); st.State != run.StateScoring {
		t.Fatalf("after the approval the run is %s", st.State)
	}
	call("cyd@example.com", "/v1/runs/"+id+":resume", "")
	got := call("dan@example.com", "/v1/runs/"+id+":cancel", "").Callers
	if want := (run.Callers{
		AskedBy: "ann@example.com", ApprovedBy: "bob@example.com", ResumedBy: "cyd@example.com",
		CancelledBy: "dan@example.com",
	}); got != want {
		t.Errorf("the run has the callers %+v, want %+v", got, want)
	}
	for person, object := range map[string]string{
		"ann": "accepted", "bob": "approved", "cyd": "waves/1.json", "dan": "cancelled",
	} {
		if content := string(s.Read("runs/" + id + "/" + object)); !strings.Contains(content, person+"@example.com") {
			t.Errorf("%s contains %s, and not the caller", object, content)
		}
		if len(s.Logged("by="+person+"@example.com")) == 0 {
			t.Errorf("the log does not say that %s called", person)
		}
	}
}

// Without IAM in front, a token proves nothing, because the caller can forge it.
func TestCallersAreNotBelieved(t *testing.T) {
	t.Parallel()
	s := newService(t, nil).behindIAM("eve@example.com", false)
	status, _ := want[subset.RunStatus](s, http.StatusAccepted, "POST", "/v1/runs", startBody)
	if status.Callers != (run.Callers{}) || len(s.Logged("eve@example.com")) > 0 {
		t.Errorf("the run has the callers %+v, want none", status.Callers)
	}
}

// A selection names the caller who first requested it.
func TestCallerOfASelection(t *testing.T) {
	t.Parallel()
	s := newService(t, nil)
	path := "/v1/runs/" + s.scored() + "/selections"
	s = s.behindIAM("ann@example.com", true)
	body := s.call("POST", path, `{"budget": 2}`).Body.String()
	again := s.behindIAM("bob@example.com", true).call("POST", path, `{"budget": 2}`).Body.String()
	for call, body := range map[string]string{"first": body, "again": again} {
		if !strings.Contains(body, "ann@example.com") || strings.Contains(body, "bob@example.com") {
			t.Errorf("%s: answered %s, want the first caller", call, body)
		}
	}
}
