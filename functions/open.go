package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"time"

	"cloud.google.com/go/pubsub/v2"
	"github.com/harvest-ml/harvest/functions/config"
	"github.com/harvest-ml/harvest/functions/curate"
	"github.com/harvest-ml/harvest/functions/ingest"
	"github.com/harvest-ml/harvest/functions/score"
	"github.com/harvest-ml/harvest/shared/bucket"
	"github.com/harvest-ml/harvest/shared/events"
	"github.com/harvest-ml/harvest/shared/run"
	"github.com/harvest-ml/harvest/shared/scorer/gpu"
	"github.com/harvest-ml/harvest/shared/scorer/kinds"
	"github.com/sethvargo/go-envconfig"
)

// readConfig reads the struct of the function that FUNCTION_TARGET names. Limits are those of runs, where it starts any.
func readConfig(ctx context.Context, env envconfig.Lookuper) (f config.Function, l run.Limits, err error) {
	switch target, _ := env.Lookup("FUNCTION_TARGET"); target {
	case config.IngestTarget:
		c, err := config.Read[config.Ingest](ctx, env)
		return c.Function, c.Limits, err
	case config.CurateTarget:
		c, err := config.Read[config.Curate](ctx, env)
		return c.Function, c.Limits, err
	default: // any other name is refused with the rest
		c, err := config.Read[config.Score](ctx, env)
		return c.Function, run.Limits{}, err
	}
}

// newHandler makes what a process serves: the function, behind the check of who pushes, and its health.
func newHandler(ctx context.Context, c config.Function, l run.Limits, store *run.Store, log *slog.Logger) (http.Handler, error) {
	guard := func(push http.Handler) (http.Handler, error) { return c.Push.Guard(ctx, nil, log, push) }
	mux := http.NewServeMux()
	// Google's front end keeps paths that end in z to itself, so only probes of the container get this.
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNoContent) })
	var push http.Handler
	pushPath := "/"
	switch c.Target {
	case config.IngestTarget:
		push = ingest.New(ingest.Config{Limits: l}, store, log)
	case config.ScoreTarget:
		push = score.New(store, log)
		if err := mountSidecar(mux, c.Scorers.GPU, log); err != nil {
			return nil, err
		}
	default:
		push, pushPath = curate.New(curate.Config{Limits: l}, store, log), curate.PushPath
		mux.Handle("/", push)
	}
	guarded, err := guard(push)
	if err != nil {
		return nil, err
	}
	mux.Handle(pushPath, guarded)
	return mux, nil
}

// mountSidecar lets other services ask the sidecar behind this one what they need to plan a run.
func mountSidecar(mux *http.ServeMux, address string, log *slog.Logger) error {
	if address == "" {
		return nil
	}
	at, err := gpu.ParseAddress(address)
	if err != nil || at.Scorer != at.Styler {
		return err // two sidecars are no sidecars of this service: they can be asked where they are
	}
	forward, err := score.NewSidecar(at.Scorer, log)
	if err != nil {
		return err
	}
	for _, path := range score.SidecarPaths {
		mux.Handle("GET "+path, forward)
	}
	return nil
}

// openStore opens the buckets, topics and scorers that the environment names.
func openStore(ctx context.Context, c config.Function, log *slog.Logger) (*run.Store, error) {
	input, errInput := bucket.Open(ctx, c.InputBucket)
	work, errWork := bucket.Open(ctx, c.WorkBucket)
	client, errClient := pubsub.NewClient(ctx, c.Project)
	scorers, errScorers := kinds.New(c.Scorers, work, func(err error) { log.Warn("waiting for the scorer", "error", err) })
	if err := errors.Join(errInput, errWork, errClient, errScorers); err != nil {
		return nil, err
	}
	images := map[string]bucket.Reader{strings.Trim(strings.TrimPrefix(c.InputBucket, "gs://"), "/"): input}
	for _, name := range c.ImageBuckets {
		b, err := bucket.Open(ctx, "gs://"+name)
		if err != nil {
			return nil, fmt.Errorf("IMAGE_BUCKETS: %w", err)
		}
		images[name] = b
	}
	return &run.Store{
		Input: input, Work: work, ImageBuckets: images,
		Tasks: events.NewTopic(client, c.TasksTopic), Events: events.NewTopic(client, c.EventsTopic),
		OpenScorer: scorers.Open, Now: time.Now,
	}, nil
}
