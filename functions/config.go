package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/harvest-ml/harvest/shared/run"
	"github.com/harvest-ml/harvest/shared/scorer/kinds"
	"github.com/sethvargo/go-envconfig"
)

// The functions, as FUNCTION_TARGET names them.
const (
	ingestTarget = "ingest"
	scoreTarget  = "score"
	curateTarget = "curate"
)

type config struct {
	Target  string `env:"FUNCTION_TARGET"`
	Port    string `env:"PORT, default=8080"`
	Project string `env:"GOOGLE_CLOUD_PROJECT"`
	// Buckets by URL: gs://name.
	InputBucket string `env:"INPUT_BUCKET"`
	WorkBucket  string `env:"WORK_BUCKET"`
	// ImageBuckets are names of further buckets that samples may name images of, as gs://name/object.
	ImageBuckets []string `env:"IMAGE_BUCKETS"`
	TasksTopic   string   `env:"TASKS_TOPIC, default=harvest-tasks"`
	EventsTopic  string   `env:"EVENTS_TOPIC, default=harvest-events"`
	Limits       run.Limits
	Scorers      kinds.Config
}

func readConfig(ctx context.Context, env envconfig.Lookuper) (config, error) {
	var c config
	if err := envconfig.ProcessWith(ctx, &envconfig.Config{Target: &c, Lookuper: env}); err != nil {
		return config{}, err
	}
	return c, c.Validate()
}

// Validate names every fault. A variable that is set to nothing is as missing as one that is not set.
func (c config) Validate() error {
	var faults []error
	switch c.Target {
	case ingestTarget, scoreTarget, curateTarget:
	default:
		// The framework would serve some other function under a mistyped name.
		faults = append(faults, fmt.Errorf("FUNCTION_TARGET: %q is no function; give %s, %s or %s", c.Target, ingestTarget, scoreTarget, curateTarget))
	}
	for _, required := range []struct{ name, value, want string }{
		{"GOOGLE_CLOUD_PROJECT", c.Project, "the project of the topics"},
		{"INPUT_BUCKET", c.InputBucket, "the URL of the bucket of datasets, gs://name"},
		{"WORK_BUCKET", c.WorkBucket, "the URL of the bucket of runs, gs://name"},
	} {
		if required.value == "" {
			faults = append(faults, fmt.Errorf("%s: is missing; give %s", required.name, required.want))
		}
	}
	return errors.Join(append(faults, c.Limits.Validate(), c.Scorers.Validate())...)
}
