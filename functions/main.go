// The functions of Harvest in one binary: FUNCTION_TARGET chooses the one that is served.
package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"strings"
	"time"

	"cloud.google.com/go/pubsub/v2"
	"github.com/GoogleCloudPlatform/functions-framework-go/funcframework"
	"github.com/GoogleCloudPlatform/functions-framework-go/functions"
	"github.com/harvest-ml/harvest/functions/curate"
	"github.com/harvest-ml/harvest/functions/ingest"
	"github.com/harvest-ml/harvest/functions/score"
	"github.com/harvest-ml/harvest/shared/bucket"
	"github.com/harvest-ml/harvest/shared/events"
	"github.com/harvest-ml/harvest/shared/run"
	"github.com/harvest-ml/harvest/shared/scorer/kinds"
	"github.com/sethvargo/go-envconfig"
)

func main() {
	log := newLog(os.Stderr, os.Getenv("GOOGLE_CLOUD_PROJECT"))
	if err := serve(context.Background(), log); err != nil {
		log.Error("harvest functions stopped", "error", err)
		os.Exit(1)
	}
}

func serve(ctx context.Context, log *slog.Logger) error {
	cfg, err := readConfig(ctx, envconfig.OsLookuper())
	if err != nil {
		return fmt.Errorf("reading the environment: %w", err)
	}
	store, err := open(ctx, cfg, log)
	if err != nil {
		return err
	}
	handlers := map[string]http.Handler{
		ingestTarget: ingest.New(ingest.Config{Limits: cfg.Limits}, store, log),
		scoreTarget:  score.New(store, log),
		curateTarget: curate.New(curate.Config{Limits: cfg.Limits}, store, log),
	}
	functions.HTTP(cfg.Target, handlers[cfg.Target].ServeHTTP)
	return funcframework.Start(cfg.Port)
}

func open(ctx context.Context, cfg config, log *slog.Logger) (*run.Store, error) {
	input, errInput := bucket.Open(ctx, cfg.InputBucket)
	work, errWork := bucket.Open(ctx, cfg.WorkBucket)
	client, errClient := pubsub.NewClient(ctx, cfg.Project)
	scorers, errScorers := kinds.New(cfg.Scorers, work, func(err error) { log.Warn("waiting for the scorer", "error", err) })
	if err := errors.Join(errInput, errWork, errClient, errScorers); err != nil {
		return nil, err
	}
	images := map[string]bucket.Reader{strings.Trim(strings.TrimPrefix(cfg.InputBucket, "gs://"), "/"): input}
	for _, name := range cfg.ImageBuckets {
		b, err := bucket.Open(ctx, "gs://"+name)
		if err != nil {
			return nil, err
		}
		images[name] = b
	}
	return &run.Store{
		Input: input, Work: work, ImageBuckets: images,
		Tasks: events.NewTopic(client, cfg.TasksTopic), Events: events.NewTopic(client, cfg.EventsTopic),
		OpenScorer: scorers.Open, Now: time.Now,
	}, nil
}
