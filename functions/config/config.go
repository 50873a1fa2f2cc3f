// Package config has the environment variables of the functions, as structs.
package config

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/harvest-ml/harvest/shared/events"
	"github.com/harvest-ml/harvest/shared/images"
	"github.com/harvest-ml/harvest/shared/run"
	"github.com/harvest-ml/harvest/shared/scorer/kinds"
	"github.com/harvest-ml/harvest/shared/spelling"
	"github.com/harvest-ml/harvest/shared/subset"
	"github.com/harvest-ml/harvest/shared/telemetry/otlp"
	"github.com/sethvargo/go-envconfig"
)

// The names of the functions, for FUNCTION_TARGET.
const (
	IngestTarget = "ingest"
	ScoreTarget  = "score"
	CurateTarget = "curate"
)

// A Function has the variables that every function reads.
type Function struct {
	Target  string `env:"FUNCTION_TARGET" meaning:"function that the process serves: ingest, score or curate"`
	Host    string `env:"HOST" meaning:"IP address or host name to listen on; none: all interfaces"`
	Port    string `env:"PORT, default=8080" meaning:"port to listen on"`
	Project string `env:"GOOGLE_CLOUD_PROJECT" meaning:"project of the topics, and of the traces in log entries"`

	InputBucket string `env:"INPUT_BUCKET" meaning:"bucket of datasets and images, gs://name; serve also accepts a folder"`
	WorkBucket  string `env:"WORK_BUCKET" meaning:"bucket of runs, gs://name; serve also accepts a folder"`
	// ImageBuckets are names of buckets. A sample names an image in such a bucket as gs://name/object.
	ImageBuckets []string `env:"IMAGE_BUCKETS" meaning:"names of more buckets of images, separated by commas"`

	TasksTopic  string `env:"TASKS_TOPIC, default=harvest-tasks" meaning:"Pub/Sub topic of tasks"`
	EventsTopic string `env:"EVENTS_TOPIC, default=harvest-events" meaning:"Pub/Sub topic of run and selection events"`

	// Events name Deployment and API as their source.
	Deployment string `env:"DEPLOYMENT, default=harvest" meaning:"name of the deployment in the source of events"`
	API        string `env:"API_URL" meaning:"base URL of the API, https://host, in events"`

	// ProcessFolder is a folder in which each process of one machine records that it is running. So the processes find
	// each other. In the cloud it is empty.
	ProcessFolder string `env:"PROCESS_FOLDER" meaning:"on one machine: folder in which processes record that they run"`

	IAMCallers bool `env:"IAM_CALLERS, default=false" meaning:"tokens name callers; true only behind Cloud Run's IAM"`

	CloudRun   string `env:"K_SERVICE" meaning:"set by Cloud Run; then PUSH_AUDIENCE and PUSH_SENDER are required"`
	Push       events.PushIdentity
	Scorers    kinds.Config
	Telemetry  otlp.Config
	Selections subset.Limits
}

// Validate names every fault. A variable with an empty value counts as missing.
func (c Function) Validate() error {
	var faults []error
	if !slices.Contains([]string{IngestTarget, ScoreTarget, CurateTarget}, c.Target) {
		// If the name is mistyped, functions-framework serves another function.
		faults = append(faults, fmt.Errorf("FUNCTION_TARGET: %q is not a function; give %s, %s or %s",
			c.Target, IngestTarget, ScoreTarget, CurateTarget))
	}
	for _, required := range []struct{ name, value, want string }{
		{"GOOGLE_CLOUD_PROJECT", c.Project, "the project of the topics"},
		{"INPUT_BUCKET", c.InputBucket, "the URL of the bucket of datasets, gs://name"},
		{"WORK_BUCKET", c.WorkBucket, "the URL of the bucket of runs, gs://name"},
	} {
		if required.value == "" {
			faults = append(faults, fmt.Errorf("%s: the variable is not set; give %s", required.name, required.want))
		}
	}
	if c.CloudRun != "" && !c.Push.Checked() {
		faults = append(faults, errors.New("PUSH_AUDIENCE and PUSH_SENDER: they are not set, so any caller who "+
			"may invoke the Cloud Run service could push messages; give the audience and the service account of the push "+
			"subscriptions"))
	}
	return errors.Join(append(faults, c.Push.Validate(), c.Scorers.Validate(), c.Telemetry.Validate(),
		c.Selections.Validate())...)
}

// Origin returns the origin of the function's events.
func (c Function) Origin() events.Origin {
	return events.Origin{
		Source: "/projects/" + c.Project + "/deployments/" + c.Deployment,
		Input:  c.InputBucket, Work: c.WorkBucket, API: c.API,
	}
}

// Planning is the configuration of ingest and curate, the functions that plan runs.
type Planning struct {
	Function
	Limits run.Limits
}

// Validate names every fault.
func (c Planning) Validate() error {
	return errors.Join(c.Function.Validate(), c.Limits.Validate(), CheckPrices(c.Limits.CostPerMillion),
		CheckScorer(c.Scorers, c.Limits.Scorer))
}

// Score is the configuration of the function score.
type Score struct {
	Function
	// Images are the image limits that ingest and curate give to runs. The process needs memory for such images.
	Images images.Limits
}

// Validate names every fault.
func (c Score) Validate() error { return errors.Join(c.Function.Validate(), c.Images.Validate()) }

// CheckPrices refuses prices of unknown kinds of scorer.
func CheckPrices(prices run.Prices) error {
	var faults []error
	for _, kind := range slices.Sorted(maps.Keys(prices)) {
		if err := kinds.CheckKind(kind); err != nil {
			faults = append(faults, fmt.Errorf("COST_PER_MILLION: %q: %w", kind, err))
		}
	}
	return errors.Join(faults...)
}

// CheckScorer returns an error if the default scorer cannot be opened. Call it when the process starts, so that the
// error is reported before the first dataset arrives.
func CheckScorer(at kinds.Config, name string) error {
	kind, _, err := at.Choose(name)
	if err == nil && kind != name {
		err = fmt.Errorf("give only the kind, %s; set its URL in another variable, such as GPU_SIDECAR", kind)
	}
	if err != nil {
		return fmt.Errorf("SCORER: %q: %w", name, err)
	}
	return nil
}

// Read reads and validates a function's struct. The error names every fault by its variable.
func Read[C interface{ Validate() error }](ctx context.Context, env envconfig.Lookuper) (C, error) {
	var c C
	var faults []error
	readable := map[string]string{}
	for _, v := range Variables(c) {
		value, set := env.Lookup(v.Name)
		if !set {
			continue
		}
		err := v.check(value)
		if err == nil {
			err = process(ctx, new(C), map[string]string{v.Name: value})
		}
		if err != nil {
			faults = append(faults, fmt.Errorf("%s: %w", v.Name, v.cause(spelling.Value(value, err))))
			continue
		}
		readable[v.Name] = value
	}
	if err := process(ctx, &c, readable); err != nil {
		return c, errors.Join(append(faults, err)...)
	}
	return c, errors.Join(append(faults, c.Validate())...)
}

func process(ctx context.Context, target any, env map[string]string) error {
	return envconfig.ProcessWith(ctx, &envconfig.Config{Target: target, Lookuper: envconfig.MapLookuper(env)})
}
