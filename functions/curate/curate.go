// Package curate is the function that answers: the HTTP API of runs and selections, and the push
// endpoint that makes automatic selections, writes their parts, and records dead letters.
package curate

import (
	"log/slog"
	"net/http"

	"github.com/harvest-ml/harvest/shared/run"
)

// Config is what curate takes from the environment.
type Config struct {
	Limits run.Limits
}

// PushPath is where curate's subscriptions push to.
const PushPath = "/push"

// New serves the API below /v1/ and the push endpoint at PushPath.
func New(cfg Config, store *run.Store, log *slog.Logger) http.Handler {
	mux := http.NewServeMux()
	mux.Handle(PushPath, newPush(store, log))
	server{cfg: cfg, store: store, log: log}.register(mux)
	// A browser that may reach the API, on localhost or with a cookie of IAP, must not call it for another site's page.
	guard := http.NewCrossOriginProtection()
	guard.SetDenyHandler(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		writeProblem(w, http.StatusForbidden, "a page of another origin may change nothing here")
	}))
	return guard.Handler(mux)
}
