package curate_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/harvest-ml/harvest/shared/api"
	"github.com/harvest-ml/harvest/shared/run"
	"github.com/harvest-ml/harvest/shared/run/runtest"
	"github.com/harvest-ml/harvest/shared/selection"
	"github.com/harvest-ml/harvest/shared/subset"
)

// accepted is the time at which the runs and selections of a service are accepted.
var accepted = time.Date(2026, 2, 3, 4, 5, 6, 0, time.UTC)

// TestClient makes every call of the API through its client.
func TestClient(t *testing.T) {
	t.Parallel()
	s := newService(t, func(l *run.Limits) { l.CostPerMillion, l.MaxRunCost = run.Prices{runtest.Kind: 1000}, 0.001 })
	server := httptest.NewServer(s.api())
	t.Cleanup(server.Close)
	client, err := api.NewClient(server.URL, server.Client())
	if err != nil {
		t.Fatal(err)
	}
	ctx := t.Context()
	state := func(want string) func(*subset.RunStatus, error) string {
		return func(status *subset.RunStatus, err error) string {
			t.Helper()
			if err != nil || status.State != want {
				t.Fatalf("the run is %+v (%v), want it %s", status, err, want)
			}
			return status.Run
		}
	}
	dataset := run.Spec{Dataset: "sky", Manifests: []string{"all.jsonl"}}
	id := state(run.StatePlanning)(client.StartRun(ctx, dataset))
	s.plan()
	state(run.StateAwaitingApproval)(client.Run(ctx, id))
	state(run.StateScoring)(client.Approve(ctx, id))
	state(run.StateScoring)(client.Resume(ctx, id, api.Resume{}))
	s.work()
	state(run.StateScored)(client.Run(ctx, id))
	list, err := client.Runs(ctx, api.Page{Size: 1})
	if err != nil {
		t.Fatal(err)
	}
	entry := api.RunEntry{
		Run: id, Dataset: "sky", Samples: 5, SamplesDone: 5, State: run.StateScored, Created: accepted,
		Scorer: list.Runs[0].Scorer, Size: list.Runs[0].Size,
	}
	if diff := cmp.Diff(&api.RunList{Runs: []api.RunEntry{entry}}, list, amounts); diff != "" {
		t.Errorf("%v; runs (-want +got):\n%s", err, diff)
	}

	checkSelectionCalls(s, client, id)

	if _, err := client.Retry(ctx, id, api.Retry{}); !api.HasStatus(err, http.StatusConflict) {
		t.Errorf("retrying a run without failures: %v, want it refused", err)
	}
	s.uploadWithFailure()
	next := state(run.StatePlanning)(client.StartRun(ctx, dataset))
	s.plan()
	state(run.StateCancelled)(client.Cancel(ctx, next))
	if _, err := client.Cancel(ctx, id); !api.HasStatus(err, http.StatusUnprocessableEntity) {
		t.Errorf("cancelling a scored run: %v, want it refused", err)
	}
}

// checkSelectionCalls makes all calls about selections, on a scored run.
func checkSelectionCalls(s service, client *api.Client, id string) {
	s.t.Helper()
	t, ctx := s.t, s.t.Context()
	budget := func(text string) selection.Budget {
		t.Helper()
		b, err := selection.ParseBudget(text)
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	spec := selection.Request{Budget: budget("2")}
	started, err := client.StartSelection(ctx, id, api.SelectionRequest{Request: spec})
	if err != nil || started.State != api.Writing || started.Selected != 2 {
		t.Fatalf("selection %+v, error %v", started, err)
	}
	s.work()
	waited, err := client.WaitSelection(ctx, id, started.ID)
	if err != nil || waited.State != api.Completed {
		t.Fatalf("selection %+v, error %v", waited, err)
	}
	got, err := client.Selection(ctx, id, started.ID)
	if diff := cmp.Diff(waited, got, amounts); err != nil || diff != "" {
		t.Errorf("%v; the selection (-want +got):\n%s", err, diff)
	}
	nested, err := client.StartSelections(ctx, id, api.SelectionRequest{
		Budgets: []selection.Budget{budget("1"), budget("3")},
	})
	if err != nil || len(nested) != 2 || nested[0].Selected != 1 || nested[1].Selected != 3 {
		t.Errorf("selections %+v, error %v", nested, err)
	}
	if _, err := client.StartSelections(ctx, id, api.SelectionRequest{Request: spec}); err == nil {
		t.Error("nested selections without budgets: no error")
	}
	shown, err := client.Show(ctx, id, "r01", "r00")
	if err != nil || len(shown) != 2 || shown[0].ID != "r01" || shown[1].ID != "r00" || len(shown[0].Rated) == 0 ||
		!strings.Contains(string(shown[0].Record), `"r01"`) {
		t.Errorf("shown %+v, error %v", shown, err)
	}
	swept, err := client.Sweep(ctx, id, api.SweepRequest{SweepRequest: subset.SweepRequest{Request: selection.Request{
		Budget: started.Parameters.AsRequest(nil).Budget,
	}}})
	if err != nil || len(swept.Rows) != 9 {
		t.Errorf("swept %+v, error %v", swept, err)
	}
	compared, err := client.Compare(ctx, id, subset.CompareRequest{Selection: started.ID, IDs: []string{"r01"}})
	if err != nil || compared.B != 1 || compared.A != started.Selected {
		t.Errorf("compared %+v, error %v", compared, err)
	}
	list, err := client.Selections(ctx, id, api.Page{})
	if err != nil || len(list.Selections) != 3 {
		t.Errorf("selections %+v, error %v, want 3", list, err)
	}
	explained, err := client.Explain(ctx, id, started.ID, "r01", "r00")
	if err != nil || len(explained) != 2 || explained[0].ID != "r01" || explained[1].ID != "r00" {
		t.Errorf("explained %+v, error %v", explained, err)
	}
}
