// Package curate is the function with the HTTP API of runs and selections. Its push endpoint makes automatic
// selections, writes the parts of selections, checks a run's images for changes, and continues unfinished work.
package curate

import (
	"errors"
	"log/slog"
	"net/http"
	"sync"

	"github.com/harvest-ml/harvest/shared/api/docs"
	"github.com/harvest-ml/harvest/shared/browse"
	"github.com/harvest-ml/harvest/shared/memory"
	"github.com/harvest-ml/harvest/shared/page/site"
	"github.com/harvest-ml/harvest/shared/report"
	"github.com/harvest-ml/harvest/shared/review"
	"github.com/harvest-ml/harvest/shared/run"
	"github.com/harvest-ml/harvest/shared/subset"
)

// Config has the dependencies of curate.
type Config struct {
	Runs    *run.Reader
	Planner *run.Planner
	Worker  *run.Worker
	Subsets *subset.Selector
	Reviews *review.Store
	Memory  *memory.Budget // the budget of the process, for images on pages
	// Commands makes the commands that pages show.
	Commands report.Commands
	Log      *slog.Logger
	// IAMCallers is true if Cloud Run's IAM is in front of the service. Then the token of a request names its caller.
	IAMCallers bool
}

// PushPath is the path of the endpoint for curate's push subscriptions.
const PushPath = "/push"

// New returns the handler of the API below /v1/, of its documentation, and of the pages.
func New(c Config) (http.Handler, error) {
	reconciler, err := c.reconciler()
	if err != nil {
		return nil, err
	}
	samples, err := browse.New(c.Runs, c.Subsets.Reader)
	if err != nil {
		return nil, err
	}
	pairs, err := review.NewPairs(c.Runs, c.Subsets.Reader)
	if err != nil {
		return nil, err
	}
	web, err := site.New()
	if err != nil {
		return nil, err
	}
	mux := http.NewServeMux()
	server{
		runs: c.Runs, planner: c.Planner, worker: c.Worker, subsets: c.Subsets, samples: samples, memory: c.Memory,
		pairs: pairs, reviews: c.Reviews, reconciler: reconciler, docs: sync.OnceValues(docs.New), site: web,
		commands: c.Commands, log: c.Log, iamCallers: c.IAMCallers,
	}.register(mux)
	return mux, nil
}

// NewPush returns the push endpoint. Serve it at PushPath.
func NewPush(c Config) (http.Handler, error) {
	reconciler, err := c.reconciler()
	if err != nil {
		return nil, err
	}
	return newPush(c, reconciler), nil
}

// reconciler makes the Reconciler. It first checks that no dependency is missing.
func (c Config) reconciler() (*subset.Reconciler, error) {
	if c.Runs == nil || c.Planner == nil || c.Worker == nil || c.Subsets == nil || c.Reviews == nil || c.Memory == nil ||
		c.Log == nil {
		return nil, errors.New("making curate: its reader, planner, worker, selector, reviews, memory or log is missing")
	}
	return subset.NewReconciler(c.Planner, c.Worker, c.Subsets)
}
