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

type config struct {
	Target  string `env:"FUNCTION_TARGET"`
	Port    string `env:"PORT, default=8080"`
	Project string `env:"GOOGLE_CLOUD_PROJECT, required"`
	// Buckets by URL: gs://name.
	InputBucket string `env:"INPUT_BUCKET, required"`
	WorkBucket  string `env:"WORK_BUCKET, required"`
	// ImageBuckets are names of further buckets that samples may name images of, as gs://name/object.
	ImageBuckets []string `env:"IMAGE_BUCKETS"`
	TasksTopic   string   `env:"TASKS_TOPIC, default=harvest-tasks"`
	EventsTopic  string   `env:"EVENTS_TOPIC, default=harvest-events"`
	Limits       run.Limits
}

func main() {
	log := slog.New(slog.NewJSONHandler(os.Stderr, nil))
	if err := serve(context.Background(), log); err != nil {
		log.Error("harvest functions stopped", "error", err)
		os.Exit(1)
	}
}

func serve(ctx context.Context, log *slog.Logger) error {
	var cfg config
	if err := envconfig.Process(ctx, &cfg); err != nil {
		return fmt.Errorf("reading the environment: %w", err)
	}
	if err := cfg.Limits.Validate(); err != nil {
		return fmt.Errorf("reading the environment: %w", err)
	}
	store, err := open(ctx, cfg)
	if err != nil {
		return err
	}
	handlers := map[string]http.Handler{
		"ingest": ingest.New(ingest.Config{Limits: cfg.Limits}, store, log),
		"score":  score.New(store, log),
		"curate": curate.New(curate.Config{Limits: cfg.Limits}, store, log),
	}
	// The framework would serve some other function under a mistyped name.
	handler, known := handlers[cfg.Target]
	if !known {
		return fmt.Errorf("FUNCTION_TARGET: %q is no function; give ingest, score or curate", cfg.Target)
	}
	functions.HTTP(cfg.Target, handler.ServeHTTP)
	return funcframework.Start(cfg.Port)
}

func open(ctx context.Context, cfg config) (*run.Store, error) {
	input, errInput := bucket.Open(ctx, cfg.InputBucket)
	work, errWork := bucket.Open(ctx, cfg.WorkBucket)
	client, errClient := pubsub.NewClient(ctx, cfg.Project)
	if err := errors.Join(errInput, errWork, errClient); err != nil {
		return nil, err
	}
	images := map[string]bucket.Reader{strings.TrimPrefix(cfg.InputBucket, "gs://"): input}
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
		OpenScorer: kinds.Open, Now: time.Now,
	}, nil
}
