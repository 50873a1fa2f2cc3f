package local

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"log/slog"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"os"
	"strings"
	"time"

	"cloud.google.com/go/storage"
	"github.com/harvest-ml/harvest/functions/curate"
	"github.com/harvest-ml/harvest/infra/local/queue"
	"github.com/harvest-ml/harvest/shared/api"
	"github.com/harvest-ml/harvest/shared/api/access"
	"github.com/harvest-ml/harvest/shared/events"
	"github.com/harvest-ml/harvest/shared/page/site"
	"github.com/harvest-ml/harvest/shared/scorer/gpu"
	"github.com/harvest-ml/harvest/shared/scorer/kinds"
	"golang.org/x/sync/errgroup"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

// ProcessOptions are the options of StartProcesses.
type ProcessOptions struct {
	// Binary is the binary of the functions' image.
	Binary string
	// Scorer is the default kind of scorer; Scorers has the URL of the sidecar.
	Scorer  string
	Scorers kinds.Config
	// Listen is the address of the HTTP API.
	Listen string
	// AllowHosts are names by which clients may call the HTTP API, in addition to localhost, loopback addresses and the
	// host of Listen.
	AllowHosts []string
	// Output is the writer for the logs of the processes.
	Output io.Writer
	Log    *slog.Logger
	// OnEvent is called with every event that the functions publish.
	OnEvent func(events.Message)
	// Reconcile is the interval at which unfinished work is continued. In the cloud a schedule does this.
	Reconcile time.Duration
	// Disturb injects faults, for tests.
	Disturb Disturbances
}

// Disturbances are faults between the processes and the services that they use. The zero value has no faults.
type Disturbances struct {
	// Storage wraps the test double of Cloud Storage. Push wraps the delivery of all messages to the processes.
	Storage func(http.Handler) http.Handler
	Push    func(queue.Push) queue.Push
	// Publish returns the fault of the next publication of a process; nil lets the publication succeed.
	Publish func() *PublishFault
	// Queue has the faults of all subscriptions.
	Queue queue.Faults
}

// Processes is the system as in the cloud. Each service is a separate process, configured by its environment, and the
// processes are connected only by the network. Cloud Storage and Pub/Sub are test doubles in this process. Their
// content is lost when this process ends. Processes sets PUBSUB_EMULATOR_HOST of this process.
type Processes struct {
	// URL is the base of the HTTP API.
	URL string
	// StorageAddr and PubSubAddr are the addresses of the test doubles, for STORAGE_EMULATOR_HOST and PUBSUB_EMULATOR_HOST
	// of other programs.
	StorageAddr, PubSubAddr string
	// Input is the input bucket.
	Input *storage.BucketHandle

	ctx     context.Context
	cancel  context.CancelFunc
	group   *errgroup.Group
	folder  string // folder in which the processes record that they are running
	servers servers
	pubsub  *cloudPubSub
	storage *cloudStorage
}

// StartProcesses starts the system. It returns when all processes answer requests.
func StartProcesses(ctx context.Context, o ProcessOptions) (_ *Processes, err error) {
	ctx, cancel := context.WithCancel(ctx)
	group, ctx := errgroup.WithContext(ctx)
	p := &Processes{ctx: ctx, cancel: cancel, group: group}
	defer func() {
		if err != nil {
			err = errors.Join(err, p.Close())
		}
	}()
	if p.folder, err = os.MkdirTemp("", "harvest-processes-"); err != nil {
		return nil, err
	}
	if p.pubsub, err = startPubSub(ctx, o.Disturb.Publish); err != nil {
		return nil, fmt.Errorf("starting Pub/Sub's test double: %w", err)
	}
	if p.storage, err = startStorage(ctx, p.pubsub.addr, o.Disturb.Storage); err != nil {
		return nil, fmt.Errorf("starting Cloud Storage's test double: %w", err)
	}
	p.PubSubAddr, p.StorageAddr, p.Input = p.pubsub.addr, p.storage.addr, p.storage.client.Bucket(InputBucket)
	services, err := p.services(o)
	if err != nil {
		return nil, err
	}
	if err := p.expose(o, services[events.ServiceCurate]); err != nil {
		return nil, err
	}
	if err := p.run(services); err != nil {
		return nil, err
	}
	if err := p.deliver(o, services); err != nil {
		return nil, err
	}
	return p, nil
}

// expose serves the API and the pages of curate's process at the address of the options. It does not serve curate's
// push endpoint.
func (p *Processes) expose(o ProcessOptions, curate *process) error {
	listener, hosts, err := listen(o.Listen, o.AllowHosts)
	if err != nil {
		return err
	}
	proxy := &httputil.ReverseProxy{
		Rewrite: func(r *httputil.ProxyRequest) {
			r.SetURL(&url.URL{Scheme: "http", Host: curate.addr})
			r.Out.Header.Del("Origin") // this proxy has checked the host, and the process would refuse an origin of another host
		},
		ErrorLog: log.New(io.Discard, "", 0), ErrorHandler: api.ProxyFault, // callers get every error, so do not log errors
	}
	watched := api.WatchBody(proxy)
	public := http.NewServeMux()
	for _, path := range []string{"/{$}", site.RunsPath + "/", api.DocsPath, apiPaths} {
		public.Handle(path, watched)
	}
	p.URL = "http://" + listener.Addr().String()
	p.servers.serve(p.group, listener, hosts.Guard(access.SameSite(public)))
	return nil
}

// deliver pushes published messages to the processes.
func (p *Processes) deliver(o ProcessOptions, services map[string]*process) error {
	q, err := newQueue(p.ctx, p.group, o.Log)
	if err != nil {
		return err
	}
	push := func(sub events.Subscription) queue.Push {
		var url string
		switch service := services[sub.Service]; {
		case sub.Service == events.ServiceCurate:
			url = service.url() + curate.PushPath
		case service == nil: // score-gpu without a sidecar: score handles its messages
			url = services[events.ServiceScore].url() + "/"
		default:
			url = service.url() + "/"
		}
		if o.Disturb.Push == nil {
			return pushTo(url, false)
		}
		return o.Disturb.Push(pushTo(url, false))
	}
	err = subscribe(q, endpoints{retry: DefaultRetry(), faults: o.Disturb.Queue, onEvent: o.OnEvent, push: push})
	if err != nil {
		return err
	}
	p.group.Go(func() error { return reconcile(p.ctx, q, o.Reconcile) })
	for _, topic := range events.Topics() {
		p.group.Go(func() error { return p.pubsub.relay(p.ctx, topic, q, o.Log) })
	}
	return nil
}

// run starts processes and waits until all of them answer requests.
func (p *Processes) run(services map[string]*process) error {
	ready := make(chan struct{}, len(services))
	for _, s := range services {
		p.group.Go(func() error { return s.keep(p.ctx, func() { ready <- struct{}{} }) })
	}
	for range services {
		select {
		case <-ready:
		case <-p.ctx.Done():
			return errNotStarted // Close returns the reason
		}
	}
	return nil
}

var errNotStarted = errors.New("starting the functions' processes")

// services returns the processes by the names of their services, as in the cloud. It includes the service of the gpu
// scorer only if a sidecar is given.
func (p *Processes) services(o ProcessOptions) (map[string]*process, error) {
	names := []string{events.ServiceIngest, events.ServiceScore, events.ServiceCurate}
	if o.Scorers.GPU != "" {
		names = append(names, events.ServiceScoreGPU)
	}
	services := map[string]*process{}
	for _, name := range names {
		addr, err := freeAddr("127.0.0.1")
		if err != nil {
			return nil, err
		}
		services[name] = &process{name: name, binary: o.Binary, addr: addr, output: o.Output, log: o.Log}
	}
	for name, s := range services {
		s.environ = p.environ(name, s.addr, o, services[events.ServiceScoreGPU])
	}
	return services, nil
}

// notInherited lists variables that describe the place where a process runs. Processes do not inherit them, because the
// values of this process are wrong for its children.
var notInherited = []string{
	"K_SERVICE", "PUSH_AUDIENCE", "PUSH_SENDER", "GPU_SIDECAR", "GPU_SIDECAR_AUDIENCE", "CLOUD_RUN_TIMEOUT_SECONDS",
}

// environ returns the environment of a service's process.
func (p *Processes) environ(name, addr string, o ProcessOptions, scoreGPU *process) []string {
	var environ []string
	for _, variable := range os.Environ() {
		key, _, _ := strings.Cut(variable, "=")
		inherited := true
		for _, not := range notInherited {
			inherited = inherited && key != not
		}
		if inherited {
			environ = append(environ, variable)
		}
	}
	host, port, _ := net.SplitHostPort(addr) // no error: package net made the address
	target := name
	if name == events.ServiceScoreGPU {
		target = events.ServiceScore
	}
	environ = append(environ,
		"FUNCTION_TARGET="+target, "HOST="+host, "PORT="+port, "GOOGLE_CLOUD_PROJECT="+Project,
		"INPUT_BUCKET=gs://"+InputBucket, "WORK_BUCKET=gs://"+WorkBucket,
		"TASKS_TOPIC="+Topic(events.TopicTasks), "EVENTS_TOPIC="+Topic(events.TopicEvents),
		"STORAGE_EMULATOR_HOST="+p.StorageAddr, "PUBSUB_EMULATOR_HOST="+p.PubSubAddr, "OTEL_SERVICE_NAME=harvest-"+name,
		"PROCESS_FOLDER="+p.folder)
	if o.Scorer != "" {
		environ = append(environ, "SCORER="+o.Scorer)
	}
	for variable, value := range map[string]string{
		"LLM_URL": o.Scorers.LLM.URL, "LLM_MODEL": o.Scorers.LLM.Model, "LLM_MODE": o.Scorers.LLM.Mode,
		"EMBEDDED_WEIGHTS": o.Scorers.Weights,
	} {
		if value != "" {
			environ = append(environ, variable+"="+value)
		}
	}
	switch {
	case o.Scorers.GPU == "" || name == events.ServiceScore:
	case name == events.ServiceScoreGPU || !oneSidecar(o.Scorers.GPU):
		environ = append(environ, "GPU_SIDECAR="+o.Scorers.GPU)
	default:
		// As in the cloud, only score-gpu calls the sidecar; the other services call score-gpu.
		environ = append(environ, "GPU_SIDECAR="+scoreGPU.url())
	}
	return environ
}

func oneSidecar(address string) bool {
	at, err := gpu.ParseAddress(address)
	return err == nil && len(at.Scorer) == 1 && at.Together()
}

// Context returns a context that ends when the system stops, by Close or by a failure that Close returns.
func (p *Processes) Context() context.Context { return p.ctx }

// Close stops the system. If the system stopped before because of an error, it returns this error.
func (p *Processes) Close() error {
	p.cancel()
	errs := []error{p.servers.close()}
	if err := p.group.Wait(); !errors.Is(err, context.Canceled) && status.Code(err) != codes.Canceled {
		errs = append(errs, err)
	}
	errs = append(errs, os.RemoveAll(p.folder))
	if p.storage != nil {
		errs = append(errs, p.storage.close())
	}
	if p.pubsub != nil {
		errs = append(errs, p.pubsub.close())
	}
	return errors.Join(errs...)
}
