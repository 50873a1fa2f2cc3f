package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/netip"
	"strings"
	"time"

	"cloud.google.com/go/pubsub/v2"
	"github.com/harvest-ml/harvest/functions/config"
	"github.com/harvest-ml/harvest/functions/curate"
	"github.com/harvest-ml/harvest/functions/ingest"
	"github.com/harvest-ml/harvest/functions/score"
	"github.com/harvest-ml/harvest/shared/api/access"
	"github.com/harvest-ml/harvest/shared/bucket"
	"github.com/harvest-ml/harvest/shared/bucket/gs"
	"github.com/harvest-ml/harvest/shared/events"
	"github.com/harvest-ml/harvest/shared/events/guard"
	"github.com/harvest-ml/harvest/shared/events/topic"
	"github.com/harvest-ml/harvest/shared/memory"
	"github.com/harvest-ml/harvest/shared/report"
	"github.com/harvest-ml/harvest/shared/review"
	"github.com/harvest-ml/harvest/shared/run"
	"github.com/harvest-ml/harvest/shared/scorer/gpu"
	"github.com/harvest-ml/harvest/shared/scorer/kinds"
	"github.com/harvest-ml/harvest/shared/subset"
	"github.com/harvest-ml/harvest/shared/telemetry"
	"github.com/sethvargo/go-envconfig"
)

// readConfig reads the configuration of the function that FUNCTION_TARGET names. The limits apply to the runs that the
// function starts. The function score starts no runs, so it has only the limits of images.
func readConfig(ctx context.Context, env envconfig.Lookuper) (f config.Function, l run.Limits, err error) {
	switch target, _ := env.Lookup("FUNCTION_TARGET"); target {
	case config.IngestTarget, config.CurateTarget:
		c, err := config.Read[config.Planning](ctx, env)
		return c.Function, c.Limits, err
	default: // config.Read reports an unknown name together with the other faults
		c, err := config.Read[config.Score](ctx, env)
		return c.Function, run.Limits{Images: c.Images}, err
	}
}

// A system has the clients of the buckets and topics, and the parts of the functions that use them.
type system struct {
	runs    *run.Reader
	planner *run.Planner
	worker  *run.Worker
	subsets *subset.Selector
	reviews *review.Store
	memory  *memory.Budget
}

// newHandler makes the handler of a process: the function, after a check of the pushing account, and the health check.
func newHandler(ctx context.Context, c config.Function, sys system, log *slog.Logger) (http.Handler, error) {
	mux := http.NewServeMux()
	// Google's front end itself answers paths that end in z, so only the probes of the container reach this handler.
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNoContent) })
	var push http.Handler
	var err error
	pushPath := "/"
	switch c.Target {
	case config.IngestTarget:
		push, err = ingest.New(ingest.Config{Planner: sys.planner, Worker: sys.worker, Subsets: sys.subsets, Log: log})
	case config.ScoreTarget:
		if err := mountSidecar(mux, c.Scorers.GPU, log); err != nil {
			return nil, err
		}
		push, err = score.New(sys.worker, log)
	default:
		pushPath = curate.PushPath
		served := curate.Config{
			Runs: sys.runs, Planner: sys.planner, Worker: sys.worker, Subsets: sys.subsets, Reviews: sys.reviews,
			Memory: sys.memory, Log: log, IAMCallers: c.IAMCallers,
			Commands: report.APICommands(telemetry.ReadBuild().Version),
		}
		api, err := curate.New(served)
		if err != nil {
			return nil, err
		}
		mux.Handle("/", api)
		if push, err = curate.NewPush(served); err != nil {
			return nil, err
		}
	}
	if err != nil {
		return nil, err
	}
	guarded, err := guard.Push(ctx, c.Push, nil, log, push)
	if err != nil {
		return nil, err
	}
	mux.Handle(pushPath, guarded)
	return reachable(c.Host, mux)
}

// reachable returns a handler that refuses requests from pages of other sites. On a loopback address it also refuses
// requests to another host name, because no IAM protects the process there.
func reachable(host string, handler http.Handler) (http.Handler, error) {
	handler = access.SameSite(handler)
	if addr, err := netip.ParseAddr(host); host != "localhost" && (err != nil || !addr.IsLoopback()) {
		return handler, nil
	}
	hosts, err := access.NewHosts()
	if err != nil {
		return nil, err
	}
	return hosts.Guard(handler), nil
}

// mountSidecar forwards requests of other services to the sidecar of this service. The other services need the answers
// to plan a run.
func mountSidecar(mux *http.ServeMux, address string, log *slog.Logger) error {
	if address == "" {
		return nil
	}
	at, err := gpu.ParseAddress(address)
	if err != nil || len(at.Scorer) > 1 || !at.Together() {
		return err // several sidecars run as separate services, which other services reach directly
	}
	forward, err := score.NewSidecar(at.Scorer[0], log)
	if err != nil {
		return err
	}
	for _, path := range score.SidecarPaths {
		mux.Handle("GET "+path, forward)
	}
	return nil
}

// imageMemory returns the budget of the process for images. Ingest reads no images; score rates images, and curate
// shows them.
func imageMemory(c config.Function, limits run.Limits) (*memory.Budget, error) {
	if c.Target != config.IngestTarget {
		return c.Scorers.Memory(limits.Images)
	}
	limit, err := memory.FindLimit()
	if err != nil {
		return nil, err
	}
	return memory.New(limit, memory.Need{})
}

// newReports makes the writer of reports.
func newReports(sys system) (*report.Writer, error) {
	return report.New(report.Config{
		Runs: sys.runs, Images: report.ImagesOf(sys.planner), Memory: sys.memory,
		Commands: report.APICommands(telemetry.ReadBuild().Version),
	})
}

// imageBuckets returns the buckets in which samples may name images, by name: the input bucket and the configured
// buckets.
func imageBuckets(ctx context.Context, c config.Function, input bucket.Reader) (map[string]bucket.Reader, error) {
	found := map[string]bucket.Reader{strings.Trim(strings.TrimPrefix(c.InputBucket, "gs://"), "/"): input}
	for _, name := range c.ImageBuckets {
		b, err := gs.OpenURL(ctx, "gs://"+name)
		if err != nil {
			return nil, fmt.Errorf("IMAGE_BUCKETS: %w", err)
		}
		found[name] = b
	}
	return found, nil
}

// newProcess registers this process with the other processes of the machine, if they share a folder.
func newProcess(c config.Function) (run.Process, error) {
	if c.ProcessFolder == "" {
		return run.NewProcess(), nil
	}
	return run.OpenProcess(c.ProcessFolder)
}

// openSystem opens the buckets, topics and scorers that the environment names.
func openSystem(ctx context.Context, c config.Function, limits run.Limits, log *slog.Logger) (sys system, err error) {
	input, errInput := gs.OpenURL(ctx, c.InputBucket)
	work, errWork := gs.OpenURL(ctx, c.WorkBucket)
	client, errClient := pubsub.NewClient(ctx, c.Project)
	sys.memory, err = imageMemory(c, limits)
	if err := errors.Join(errInput, errWork, errClient, err); err != nil {
		return system{}, err
	}
	scorers, err := kinds.New(c.Scorers, sys.memory, work, func(err error) {
		log.Warn("waiting for the scorer", "error", err)
	})
	if err != nil {
		return system{}, err
	}
	images, err := imageBuckets(ctx, c, input)
	if err != nil {
		return system{}, err
	}
	tasks := topic.New(client, c.TasksTopic)
	if sys.reviews, err = review.NewStore(work); err != nil {
		return system{}, err
	}
	if sys.runs, err = run.NewReader(work, c.Selections.CacheBytes); err != nil {
		return system{}, err
	}
	announced := measured{topic.New(client, c.EventsTopic), sys.runs, work, log, time.Now}
	feed, err := events.NewFeed(announced, c.Origin(), time.Now)
	if err != nil {
		return system{}, err
	}
	sys.planner, err = run.NewPlanner(run.PlannerConfig{
		Runs: sys.runs, Input: input, Work: work, OpenScorer: scorers.Open, Limits: limits, ImageBuckets: images,
		Patience: run.ScorerPatience, Memory: sys.memory,
	})
	if err != nil {
		return system{}, err
	}
	process, err := newProcess(c)
	if err != nil {
		return system{}, err
	}
	sys.worker, err = run.NewWorker(run.WorkerConfig{
		Runs: sys.runs, Input: input, Work: work, OpenScorer: scorers.Open, Tasks: tasks, Events: feed, Now: time.Now,
		ImageBuckets: images, Process: process, Memory: sys.memory,
		Width:  max(limits.InFlight, 1), // score has no limits, because it begins no wave
		Widths: map[string]int{kinds.GPU: limits.InFlightGPU},
	})
	if err != nil {
		return system{}, err
	}
	reports, err := newReports(sys)
	if err != nil {
		return system{}, err
	}
	sys.subsets, err = subset.NewSelector(subset.Config{
		Runs: sys.runs, Work: work, Input: input, Tasks: tasks, Events: feed, Now: time.Now, Process: process,
		Limits: c.Selections, Reports: reports, Memory: sys.memory,
	})
	return sys, err
}
