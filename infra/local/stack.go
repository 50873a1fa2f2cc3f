// Package local runs the whole system on one machine. A Stack runs in one process: the real functions over HTTP, and a
// queue in memory that pushes messages as the cloud does. Processes runs each service in a separate process, as in the
// cloud, with test doubles of the cloud's services.
package local

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"path/filepath"
	"time"

	"github.com/harvest-ml/harvest/functions/curate"
	"github.com/harvest-ml/harvest/functions/ingest"
	"github.com/harvest-ml/harvest/functions/score"
	"github.com/harvest-ml/harvest/infra/local/queue"
	"github.com/harvest-ml/harvest/shared/api/access"
	"github.com/harvest-ml/harvest/shared/bucket"
	"github.com/harvest-ml/harvest/shared/events"
	"github.com/harvest-ml/harvest/shared/memory"
	"github.com/harvest-ml/harvest/shared/report"
	"github.com/harvest-ml/harvest/shared/review"
	"github.com/harvest-ml/harvest/shared/run"
	"github.com/harvest-ml/harvest/shared/scorer/kinds"
	"github.com/harvest-ml/harvest/shared/selection"
	"github.com/harvest-ml/harvest/shared/subset"
	"github.com/harvest-ml/harvest/shared/telemetry"
	"golang.org/x/sync/errgroup"
)

// Options are the options of Start. Fields after the blank line have defaults, which apply if the fields are zero.
type Options struct {
	Input      bucket.Reader
	Work       bucket.Bucket
	Limits     run.Limits
	OpenScorer run.ScorerOpener
	Memory     *memory.Budget // memory budget of this process, shared with the scorers of OpenScorer
	// Uploads is the budget for uploaded datasets that name no budget. If it is zero, the budget of Limits applies.
	Uploads selection.Budget
	Log     *slog.Logger

	// Commands are the commands that reports show to users; requests of the API by default.
	Commands report.Commands
	// Pictures opens the images of reports; the images of Input by default.
	Pictures report.Opener
	// Selections are the limits of selections; subset.DefaultLimits by default.
	Selections subset.Limits
	// Listen is the address of the HTTP server; a free port of the loopback interface by default.
	Listen string
	// AllowHosts are names by which clients may call the server, in addition to localhost, loopback addresses and the host
	// of Listen.
	AllowHosts []string
	// Mount serves handlers at their paths; a plain mux by default.
	Mount func(handlers map[string]http.Handler) (http.Handler, error)
	// Retry is the policy of redelivery; DefaultRetry by default.
	Retry queue.Retry
	// OnEvent is called with every event that the functions publish, before the event is recorded as published.
	OnEvent func(events.Message)
	// OnArrival, if not nil, is called after ingest has handled an upload.
	OnArrival func(object string, arrival subset.Arrival)
	// Reconcile is the interval at which unfinished work is continued, because messages are lost when their process
	// ends. The first time is at the start. If Reconcile is zero, unfinished work is not continued.
	Reconcile time.Duration
	// Telemetry, if not nil, records traces and metrics of the functions.
	Telemetry *telemetry.Telemetry
	// OneRun is set if all work belongs to one run. Then the system stops if an object of the run is lost
	// (bucket.LostError), and starts no other run if a file is replaced.
	OneRun bool
	// Faults are the faults of all subscriptions, for tests.
	Faults queue.Faults
}

// A Stack is the running system.
type Stack struct {
	// URL is the base of the HTTP API.
	URL string
	// Runs and Subsets read runs and selections from the work bucket.
	Runs    *run.Reader
	Subsets *subset.Reader

	ctx     context.Context
	process run.Process
	queue   *queue.Queue
	servers servers
	pushURL string // base URL of the push endpoints
	cancel  context.CancelFunc
	group   *errgroup.Group
}

// Start starts the system. Close stops the system; the next system on the same work bucket continues its work.
func Start(ctx context.Context, o Options) (_ *Stack, err error) {
	ctx, cancel := context.WithCancel(ctx)
	group, ctx := errgroup.WithContext(ctx)
	s := &Stack{ctx: ctx, cancel: cancel, group: group}
	defer func() {
		if err != nil {
			err = errors.Join(err, s.Close())
		}
	}()
	s.process = run.NewProcess()
	if disk, ok := o.Work.(bucket.OnDisk); ok {
		if s.process, err = run.OpenProcess(filepath.Join(filepath.Dir(disk.Path(run.Root)), ".processes")); err != nil {
			return nil, err
		}
	}
	if o.Retry == (queue.Retry{}) {
		o.Retry = DefaultRetry()
	}
	if s.queue, err = newQueue(ctx, group, o.Log); err != nil {
		return nil, err
	}
	if err := s.serve(o); err != nil {
		return nil, fmt.Errorf("serving the functions: %w", err)
	}
	push := func(sub events.Subscription) queue.Push { return pushTo(s.pushURL+paths[sub.Service], o.OneRun) }
	if err := subscribe(s.queue, endpoints{retry: o.Retry, faults: o.Faults, push: push}); err != nil {
		return nil, err
	}
	if o.Reconcile > 0 {
		group.Go(func() error { return reconcile(ctx, s.queue, o.Reconcile) })
	}
	return s, nil
}

// paths has the paths of the services in one server. Here score calls the sidecar directly, so it also handles the
// messages of score-gpu.
var paths = map[string]string{
	events.ServiceIngest: "/ingest", events.ServiceScore: "/score", events.ServiceScoreGPU: "/score",
	events.ServiceCurate: curate.PushPath,
}

// apiPaths is the prefix of the API's paths.
const apiPaths = "/v1/"

// serve serves the functions over HTTP: the API at the address of the options, and the push endpoints on a port of the
// loopback interface. Only this process knows this port.
func (s *Stack) serve(o Options) error {
	if o.Listen == "" {
		o.Listen = "127.0.0.1:0"
	}
	if o.Mount == nil {
		o.Mount = mux
	}
	if o.Commands.Retry == nil {
		o.Commands = report.APICommands(telemetry.ReadBuild().Version)
	}
	listener, hosts, err := listen(o.Listen, o.AllowHosts)
	if err != nil {
		return err
	}
	s.URL = "http://" + listener.Addr().String()
	handlers, err := s.functions(o)
	if err != nil {
		return errors.Join(err, listener.Close())
	}
	for path, h := range handlers {
		if o.Telemetry != nil {
			h = o.Telemetry.Handler(h)
		}
		handlers[path] = hosts.Guard(access.SameSite(h))
	}
	root, err := o.Mount(handlers)
	if err != nil {
		return errors.Join(err, listener.Close())
	}
	public, private := http.NewServeMux(), http.NewServeMux()
	public.Handle("/", handlers[apiPaths]) // the pages, and the error of unknown paths
	public.Handle(apiPaths, root)
	for path := range handlers {
		if path != apiPaths {
			private.Handle(path, root)
		}
	}
	s.servers.serve(s.group, listener, public)
	pushed, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	s.pushURL = "http://" + pushed.Addr().String()
	s.servers.serve(s.group, pushed, private)
	return nil
}

// functions returns the handlers of the functions by their paths.
func (s *Stack) functions(o Options) (map[string]http.Handler, error) {
	tasks := s.queue.Topic(events.TopicTasks)
	feed, err := s.feed(o)
	if err != nil {
		return nil, err
	}
	runs, err := run.NewReader(o.Work, cmp.Or(o.Selections, subset.DefaultLimits()).CacheBytes)
	if err != nil {
		return nil, err
	}
	planner, err := run.NewPlanner(run.PlannerConfig{
		Runs: runs, Input: o.Input, Work: o.Work, OpenScorer: o.OpenScorer, Limits: o.Limits,
		Patience: run.ScorerPatience, Memory: o.Memory, Uploads: o.Uploads,
	})
	if err != nil {
		return nil, err
	}
	worker, err := run.NewWorker(run.WorkerConfig{
		Runs: runs, Input: o.Input, Work: o.Work, OpenScorer: o.OpenScorer, Tasks: tasks, Events: feed, Now: time.Now,
		Width: o.Limits.InFlight, Widths: map[string]int{kinds.GPU: o.Limits.InFlightGPU}, Process: s.process,
		Memory: o.Memory,
	})
	if err != nil {
		return nil, err
	}
	subsets, err := s.selector(o, runs, planner, tasks, feed)
	if err != nil {
		return nil, err
	}
	s.Runs, s.Subsets = runs, subsets.Reader
	uploads := ingest.Config{
		Planner: planner, Worker: worker, Subsets: subsets, Log: o.Log, OneRun: o.OneRun, Arrived: o.OnArrival,
	}
	ingests, err := ingest.New(uploads)
	if err != nil {
		return nil, err
	}
	scores, err := score.New(worker, o.Log)
	if err != nil {
		return nil, err
	}
	reviews, err := review.NewStore(o.Work)
	if err != nil {
		return nil, err
	}
	curates := curate.Config{
		Runs: runs, Planner: planner, Worker: worker, Subsets: subsets, Reviews: reviews, Memory: o.Memory, Log: o.Log,
		Commands: o.Commands,
	}
	answers, err := curate.New(curates)
	if err != nil {
		return nil, err
	}
	selects, err := curate.NewPush(curates)
	return map[string]http.Handler{
		paths[events.ServiceIngest]: ingests, paths[events.ServiceScore]: scores, paths[events.ServiceCurate]: selects,
		apiPaths: answers,
	}, err
}

// feed returns the publisher of events.
func (s *Stack) feed(o Options) (*events.Feed, error) {
	published := s.queue.Topic(events.TopicEvents)
	if o.OnEvent != nil {
		published = announcer{published, o.OnEvent}
	}
	origin := Origin(o.Input, o.Work)
	origin.API = s.URL
	return events.NewFeed(published, origin, time.Now)
}

// selector returns the selector, which also writes reports.
func (s *Stack) selector(
	o Options, runs *run.Reader, planner *run.Planner, tasks events.Publisher, feed *events.Feed,
) (*subset.Selector, error) {
	if o.Pictures == nil {
		o.Pictures = report.ImagesOf(planner)
	}
	reports, err := report.New(report.Config{Runs: runs, Images: o.Pictures, Memory: o.Memory, Commands: o.Commands})
	if err != nil {
		return nil, err
	}
	return subset.NewSelector(subset.Config{
		Runs: runs, Work: o.Work, Input: o.Input, Tasks: tasks, Events: feed, Now: time.Now, Process: s.process,
		Limits: cmp.Or(o.Selections, subset.DefaultLimits()), Reports: reports, Memory: o.Memory,
	})
}

// Origin returns the origin of events of a system on these buckets: the URIs of its folders.
func Origin(input, work bucket.Reader) events.Origin {
	there := address(work, run.Root)
	return events.Origin{Source: there, Work: there, Input: address(input, run.DatasetsPrefix)}
}

// address returns the URI of the folder of a bucket; memory://harvest if the bucket is not a folder.
func address(b bucket.Reader, prefix string) string {
	disk, ok := b.(bucket.OnDisk)
	if !ok || disk.Path(prefix) == "" {
		return "memory://harvest"
	}
	folder := url.URL{Scheme: "file", Path: filepath.ToSlash(filepath.Dir(disk.Path(prefix)))}
	return folder.String()
}

func mux(handlers map[string]http.Handler) (http.Handler, error) {
	m := http.NewServeMux()
	for path, h := range handlers {
		m.Handle(path, h)
	}
	return m, nil
}

// Context returns a context that ends when the system stops, by Close or by a failure that Close returns.
func (s *Stack) Context() context.Context { return s.ctx }

// Continue continues a run and its selections, because a process that worked on them may have ended.
func (s *Stack) Continue(ctx context.Context, runID string) error {
	return s.queue.Topic(events.TopicTasks).Publish(ctx, events.ReconcileTask{Run: runID}.Message())
}

// An announcer calls OnEvent with each event, and then publishes the event. The marker of a published event is written
// after both steps.
type announcer struct {
	events.Publisher
	onEvent func(events.Message)
}

// Publish implements events.Publisher.
func (a announcer) Publish(ctx context.Context, messages ...events.Message) error {
	for _, m := range messages {
		a.onEvent(m)
	}
	return a.Publisher.Publish(ctx, messages...)
}

// Upload notifies the system of a new object in the input bucket, as Cloud Storage does.
func (s *Stack) Upload(ctx context.Context, object string) error {
	data, err := json.Marshal(map[string]string{"kind": "storage#object", "name": object})
	if err != nil {
		return err
	}
	return s.queue.Topic(events.TopicUploads).Publish(ctx, events.Message{
		Attributes: map[string]string{
			"eventType": "OBJECT_FINALIZE", events.AttrObject: object, "payloadFormat": "JSON_API_V1",
		},
		Data: data,
	})
}

// Outstanding returns the number of deliveries of messages that wait, run, or pause after a failure. It is 0 while
// there is nothing to do.
func (s *Stack) Outstanding() int { return s.queue.Outstanding() }

// Close stops the system. If the system stopped before because of an error, it returns this error.
func (s *Stack) Close() error {
	s.cancel()
	return errors.Join(s.servers.close(), s.group.Wait(), s.process.Close())
}
