package main

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/harvest-ml/harvest/functions/config"
	"github.com/harvest-ml/harvest/infra/local"
	"github.com/harvest-ml/harvest/shared/bucket"
	"github.com/harvest-ml/harvest/shared/bucket/gs"
	"github.com/harvest-ml/harvest/shared/events"
	"github.com/harvest-ml/harvest/shared/scorer/kinds"
	"github.com/harvest-ml/harvest/shared/telemetry"
	"github.com/harvest-ml/harvest/shared/telemetry/otlp"
	"github.com/sethvargo/go-envconfig"
	"github.com/spf13/cobra"
)

// buckets are the buckets of serve: folders or gs:// URLs. Flags take precedence over the environment.
type buckets struct {
	Input string `env:"INPUT_BUCKET" meaning:"bucket of datasets and images, gs://name; serve also accepts a folder"`
	Work  string `env:"WORK_BUCKET" meaning:"bucket of runs, gs://name; serve also accepts a folder"`
}

// serveFlags are the flags of serve.
type serveFlags struct {
	buckets
	followLinks bool
	budget      string
	out         string
	onSelection string
	listen      string
	allowHosts  []string
	scorer      scorerFlags
	processes   bool
	binary      string
}

func newServe() *cobra.Command {
	var f serveFlags
	cmd := &cobra.Command{
		Use:   "serve",
		Short: "Keep the system running: watch an input bucket, serve the HTTP API, print events",
		Long: `serve keeps the functions, their queue and the HTTP API running in one process. Without --listen the
API listens only on the loopback interface. serve watches the input bucket, a folder or gs:// bucket with the names
datasets/<name>/<manifest> and images/<name>/...: upload images first, then the manifest (or a dataset.yaml, which waits
for the manifests that it names). A file is read once its size has not changed for two seconds. So copy it under a name
that begins with a dot, and rename it after the copy. The variable SCORER names the default kind of scorer, and
GPU_SIDECAR the URL of the scorer gpu; --scorer sets both. Each event is printed to standard output as one line of JSON.
The log goes to standard error.

With --processes the functions run as in the cloud, from the same binary as in their image: ingest, score, curate (and
score-gpu, if --scorer names a sidecar) each run in a separate process, which is configured only by its environment.
They use gs:// buckets and Pub/Sub over the network. Both are test doubles in memory, and their content is lost when
the command ends. So use --processes to test a deployment, not to keep work. A process that ends is started again.
Datasets come from the folder --input, whose changes are copied into the bucket, or from any program with
STORAGE_EMULATOR_HOST set to the address in the log.`,
		Example: `  harvest serve --input ./bucket
  INPUT_BUCKET=gs://in WORK_BUCKET=gs://work harvest serve
  harvest serve --processes --input ./bucket --scorer gpu:http://localhost:8700`,
		Args: atMost(0),
		RunE: func(cmd *cobra.Command, _ []string) error {
			if f.processes {
				if err := f.checkProcesses(); err != nil {
					return err
				}
				return serveProcesses(cmd.Context(), f, terminalOf(cmd))
			}
			if f.binary != "" {
				return usageError{errors.New("--functions: it is only for --processes; add --processes, or remove --functions")}
			}
			var err error
			if f.buckets, err = f.orEnvironment(cmd.Context()); err != nil {
				return err
			}
			return serve(cmd.Context(), f, terminalOf(cmd))
		},
	}
	f.add(cmd)
	return cmd
}

func (f *serveFlags) add(cmd *cobra.Command) {
	fl := cmd.Flags()
	fl.StringVar(&f.Input, "input", "", "input bucket: a folder or gs://name (default: $INPUT_BUCKET)")
	fl.StringVar(&f.Work, "state", "",
		"work bucket: a folder or gs://name (default: $WORK_BUCKET, else harvest in the user's cache directory)")
	fl.BoolVar(&f.followLinks, "follow-links", false,
		"follow links that lead out of the folder --input; otherwise their files are refused")
	fl.StringVar(&f.budget, "budget", "", "budget for a dataset whose dataset.yaml names no budget: a share (30%), "+
		"a number of samples or of tokens (200M-tokens)")
	fl.StringVar(&f.out, "out", "", "folder for subsets: the subset of a dataset goes to a folder with the dataset's "+
		"name; "+
		"the budget comes from dataset.yaml, else from --budget, else from the call that started its last run")
	fl.StringVar(&f.onSelection, "on-selection", "", "command that sh runs for each selection that is made automatically "+
		"or with \"notify\"; HARVEST_SUBSET in its environment is the file of the subset; see infra/local/README.md")
	fl.StringVar(&f.listen, "listen", "127.0.0.1:8080", "address of the HTTP API")
	fl.StringSliceVar(&f.allowHosts, "allow-host", nil, "name or IP address by which clients may call the HTTP API, "+
		"in addition to localhost, loopback addresses and the host of --listen; can be repeated")
	f.scorer.add(cmd, "")
	cmd.Flag("scorer").Usage = "for datasets that name no scorer: " + cmd.Flag("scorer").Usage + " (default: $SCORER)"
	fl.BoolVar(&f.processes, "processes", false,
		"run each function in a separate process, with test doubles of the cloud's services")
	fl.StringVar(&f.binary, "functions", "",
		"binary of the functions for --processes (default: built from this repository with go build)")
}

// streams are the outputs of a command: out gets events and answers, and log gets the log.
type streams struct{ out, log io.Writer }

func terminalOf(cmd *cobra.Command) streams { return streams{cmd.OutOrStdout(), cmd.ErrOrStderr()} }

// orEnvironment sets a bucket that no flag names from the environment.
func (b buckets) orEnvironment(ctx context.Context) (buckets, error) {
	var from buckets
	if err := envconfig.Process(ctx, &from); err != nil {
		return buckets{}, usageError{fmt.Errorf("reading the environment: %w", err)}
	}
	return buckets{Input: cmp.Or(b.Input, from.Input), Work: cmp.Or(b.Work, from.Work)}, nil
}

// open opens both buckets.
func (b buckets) open(ctx context.Context, followLinks bool) (input bucket.Reader, work bucket.Bucket, err error) {
	if b.Input == "" {
		return nil, nil, usageError{
			errors.New("--input is missing: give a folder, or a gs:// URL here or in INPUT_BUCKET"),
		}
	}
	if err := b.checkApart(); err != nil {
		return nil, nil, err
	}
	if input, err = openInput(ctx, b.Input, followLinks); err != nil {
		return nil, nil, err
	}
	if strings.HasPrefix(b.Work, "gs://") {
		work, err = gs.OpenURL(ctx, b.Work)
	} else {
		_, work, err = openState(b.Work)
	}
	if err != nil {
		return nil, nil, fmt.Errorf("opening the work bucket: %w", err)
	}
	return input, work, nil
}

// checkApart refuses a state folder where users upload files, and an input folder inside the state folder, where
// Harvest deletes files. Next to the uploads a state folder is allowed: the image of the command line has /data/.cache.
func (b buckets) checkApart() error {
	if strings.HasPrefix(b.Input, "gs://") || strings.HasPrefix(b.Work, "gs://") {
		return nil
	}
	state, err := stateFolder(b.Work)
	if err != nil {
		return err
	}
	for _, name := range uploadFolders {
		if uploads := filepath.Join(b.Input, name); isBelow(state, uploads) {
			return usageError{fmt.Errorf("--state %s: it is inside %s, where users upload files; give another folder", state,
				uploads)}
		}
	}
	if isBelow(b.Input, state) {
		return usageError{fmt.Errorf("--input %s: it is inside --state %s, where only Harvest may write; give a folder "+
			"elsewhere", b.Input, state)}
	}
	return nil
}

// reconcileEvery is the pause between two checks for unfinished work. A check costs two listings if all work is
// finished.
const reconcileEvery = time.Minute

// serve serves buckets until ctx ends, and prints events.
func serve(ctx context.Context, f serveFlags, to streams) error {
	l, err := f.limits(ctx)
	if err != nil {
		return err
	}
	input, work, err := f.open(ctx, f.followLinks)
	if err != nil {
		return err
	}
	selections, err := selectionLimits(ctx)
	if err != nil {
		return err
	}
	log := slog.New(slog.NewTextHandler(to.log, nil))
	at, err := scorersByEnvironment()
	if err != nil {
		return err
	}
	if f.scorer.scorer != "" {
		if l.Scorer, at, err = f.scorer.choose(kinds.Config{}); err != nil {
			return err
		}
	}
	if err := config.CheckScorer(at, l.Scorer); err != nil {
		return usageError{fmt.Errorf("reading the environment: %w", err)}
	}
	tracing, err := openTelemetry(ctx)
	if err != nil {
		return err
	}
	defer func() {
		last, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
		defer cancel()
		if lost := tracing.Close(last); lost != nil {
			log.Warn("traces or metrics were lost", "error", lost)
		}
	}()
	budget, err := imageMemory(l.Images, at)
	if err != nil {
		return err
	}
	scorers, err := openerFor(at, budget, work, log)
	if err != nil {
		return err
	}
	s := &service{serveFlags: f, input: input, work: work, log: slog.New(untilDone{ctx, log.Handler()}),
		printer: eventPrinter{out: to.out}}
	if err := s.prepare(l.Budget, budget); err != nil {
		return err
	}
	return s.run(ctx, local.Options{
		Input: input, Work: work, Limits: l, OpenScorer: scorers.Open, Memory: budget, Log: s.log, Uploads: l.Budget,
		Listen: f.listen, AllowHosts: f.allowHosts, Mount: mountFramework, Telemetry: tracing,
		OnEvent: s.event, Reconcile: reconcileEvery, Selections: selections, Commands: reportCommands(f.Work, f.nearPath),
	})
}

// nearPath returns the path of an evaluation set by its name in the input bucket; empty if the input bucket is not a
// folder.
func (f serveFlags) nearPath(object string) string {
	if strings.Contains(f.Input, "://") {
		return ""
	}
	return filepath.Join(f.Input, filepath.FromSlash(object))
}

// openTelemetry opens telemetry with the settings of the environment, as in the cloud.
func openTelemetry(ctx context.Context) (*telemetry.Telemetry, error) {
	var c otlp.Config
	if err := envconfig.Process(ctx, &c); err != nil {
		return nil, usageError{fmt.Errorf("reading the environment: %w", err)}
	}
	if err := c.Validate(); err != nil {
		return nil, usageError{fmt.Errorf("reading the environment: %w", err)}
	}
	return otlp.Open(context.WithoutCancel(ctx), c)
}

// An eventPrinter prints events as lines of JSON, in CloudEvents' JSON form.
type eventPrinter struct {
	mu  sync.Mutex
	out io.Writer
}

func (p *eventPrinter) print(m events.Message) {
	event := map[string]any{"data": json.RawMessage(m.Data)}
	for name, value := range m.Attributes {
		if attribute, ok := strings.CutPrefix(name, "ce-"); ok {
			event[attribute] = value
		}
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	_ = json.NewEncoder(p.out).Encode(event) // a reader that closed the pipe misses events, but no work is lost
}

// Publish implements events.Publisher.
func (p *eventPrinter) Publish(_ context.Context, messages ...events.Message) error {
	for _, m := range messages {
		p.print(m)
	}
	return nil
}
