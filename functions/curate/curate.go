// Package curate is the function that answers: the HTTP API of runs and selections, and the push endpoint that makes
// automatic selections, writes parts, and continues what was accepted and is not finished.
package curate

import (
	"errors"
	"log/slog"
	"net/http"

	"github.com/harvest-ml/harvest/shared/run"
	"github.com/harvest-ml/harvest/shared/subset"
)

// Config is what curate needs.
type Config struct {
	Runs    *run.Reader
	Planner *run.Planner
	Worker  *run.Worker
	Subsets *subset.Selector
	Log     *slog.Logger
}

// PushPath is where curate's subscriptions push to.
const PushPath = "/push"

// New serves the API below /v1/ and the push endpoint at PushPath.
func New(c Config) (http.Handler, error) {
	if c.Runs == nil || c.Planner == nil || c.Worker == nil || c.Subsets == nil || c.Log == nil {
		return nil, errors.New("making curate: its reader, planner, worker, selector or log is missing")
	}
	reconciler, err := subset.NewReconciler(c.Planner, c.Worker, c.Subsets)
	if err != nil {
		return nil, err
	}
	mux := http.NewServeMux()
	mux.Handle(PushPath, newPush(c, reconciler))
	server{
		runs: c.Runs, planner: c.Planner, worker: c.Worker, subsets: c.Subsets, reconciler: reconciler, log: c.Log,
	}.register(mux)
	// A browser that may reach the API, on localhost or with a cookie of IAP, must not call it for another site's page.
	guard := http.NewCrossOriginProtection()
	guard.SetDenyHandler(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		writeProblem(w, http.StatusForbidden, "a page of another origin may change nothing here")
	}))
	return guard.Handler(mux), nil
}
