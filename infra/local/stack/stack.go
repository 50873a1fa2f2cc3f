// Package stack runs the whole system in one process: the real functions over HTTP, Pub/Sub by its
// test server with the real client, and a relay that pushes messages as the cloud would.
package stack

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"slices"
	"time"

	"cloud.google.com/go/pubsub/v2"
	"cloud.google.com/go/pubsub/v2/apiv1/pubsubpb"
	"cloud.google.com/go/pubsub/v2/pstest"
	"github.com/harvest-ml/harvest/functions/curate"
	"github.com/harvest-ml/harvest/functions/ingest"
	"github.com/harvest-ml/harvest/functions/score"
	"github.com/harvest-ml/harvest/shared/bucket"
	"github.com/harvest-ml/harvest/shared/events"
	"github.com/harvest-ml/harvest/shared/rubric"
	"github.com/harvest-ml/harvest/shared/run"
	"github.com/harvest-ml/harvest/shared/scorer"
	"golang.org/x/sync/errgroup"
	"google.golang.org/api/option"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/status"
)

// Project is the name of the Pub/Sub project in the process.
const Project = "harvest-local"

// UploadsTopic is where Cloud Storage's notifications go.
const UploadsTopic = "harvest-uploads"

const (
	tasksTopic  = "harvest-tasks"
	eventsTopic = "harvest-events"
	deadTopic   = "harvest-dead"
)

// Options say what to run. Zero fields of the lower group have defaults.
type Options struct {
	Input      bucket.Reader
	Work       bucket.Bucket
	Limits     run.Limits
	OpenScorer func(ctx context.Context, kind string, r *rubric.Rubric) (scorer.Scorer, error)
	Log        *slog.Logger

	// Listen is the address of the HTTP server; a free port of the loopback interface by default.
	Listen string
	// Mount serves handlers at their paths; a plain mux by default.
	Mount func(handlers map[string]http.Handler) (http.Handler, error)
	// Retry is the relay's policy; DefaultRetry by default.
	Retry Retry
	// OnEvent is called with every event that the functions publish.
	OnEvent func(events.Message)
	// Duplicate delivers every message once more than needed, for tests.
	Duplicate bool
}

// A Stack is the running system.
type Stack struct {
	// URL is the base of the HTTP API.
	URL   string
	Store *run.Store
	// PubSubAddr is where the Pub/Sub server listens, for other processes' clients.
	PubSubAddr string

	ctx     context.Context
	uploads *events.Topic
	server  *http.Server
	cancel  context.CancelFunc
	group   *errgroup.Group
	closers []func() error
}

// Start starts the system. Close stops it; what it was doing is gone on with by the next one on the same work bucket.
func Start(ctx context.Context, o Options) (_ *Stack, err error) {
	ctx, cancel := context.WithCancel(ctx)
	group, ctx := errgroup.WithContext(ctx)
	s := &Stack{ctx: ctx, cancel: cancel, group: group}
	defer func() {
		if err != nil {
			err = errors.Join(err, s.Close())
		}
	}()
	if o.Retry == (Retry{}) {
		o.Retry = DefaultRetry()
	}
	client, err := s.startPubSub(ctx)
	if err != nil {
		return nil, fmt.Errorf("starting Pub/Sub in the process: %w", err)
	}
	s.uploads = events.NewTopic(client, UploadsTopic)
	s.Store = &run.Store{
		Input: o.Input, Work: o.Work, OpenScorer: o.OpenScorer, Now: time.Now,
		Tasks: events.NewTopic(client, tasksTopic), Events: events.NewTopic(client, eventsTopic),
	}
	if err := s.serve(o); err != nil {
		return nil, fmt.Errorf("serving the functions: %w", err)
	}
	push := relay{client: client, dead: events.NewTopic(client, deadTopic), log: o.Log, retry: o.Retry, duplicate: o.Duplicate}
	for _, sub := range []subscription{
		{name: "ingest-uploads", topic: UploadsTopic, path: "/ingest", atOnce: 1},
		{name: "ingest-ranges", topic: tasksTopic, filter: filter(events.AttrTask, events.TaskRange), path: "/ingest", atOnce: 1},
		// Two shards at once: one is rated while the other reads its images or writes its scores.
		{name: "score", topic: tasksTopic, filter: filter(events.AttrTask, events.TaskShard), path: "/score", atOnce: 2},
		{name: "curate-parts", topic: tasksTopic, filter: filter(events.AttrTask, events.TaskPart), path: curate.PushPath, atOnce: 2},
		{name: "curate-selections", topic: tasksTopic, filter: filter(events.AttrTask, events.TaskSelect), path: curate.PushPath, atOnce: 1},
		{name: "curate-events", topic: eventsTopic, filter: filter(events.AttrType, events.RunScored), path: curate.PushPath, atOnce: 1},
		{name: "curate-dead", topic: deadTopic, path: curate.PushPath, atOnce: 1},
	} {
		if err := subscribe(ctx, client, sub); err != nil {
			return nil, err
		}
		group.Go(func() error { return push.run(ctx, sub, s.URL+sub.path) })
	}
	if o.OnEvent != nil {
		watch := subscription{name: "watch", topic: eventsTopic}
		if err := subscribe(ctx, client, watch); err != nil {
			return nil, err
		}
		group.Go(func() error {
			return client.Subscriber(watch.name).Receive(ctx, func(_ context.Context, m *pubsub.Message) {
				o.OnEvent(events.Message{Attributes: m.Attributes, Data: m.Data})
				m.Ack()
			})
		})
	}
	return s, nil
}

func filter(attribute, value string) string {
	return fmt.Sprintf("attributes.%s = %q", attribute, value)
}

// startPubSub starts the Pub/Sub server with its topics and gives a client of it.
func (s *Stack) startPubSub(ctx context.Context) (*pubsub.Client, error) {
	server := pstest.NewServer()
	s.closers = append(s.closers, server.Close)
	s.PubSubAddr = server.Addr
	conn, err := grpc.NewClient(server.Addr, grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		return nil, err
	}
	client, err := pubsub.NewClient(ctx, Project, option.WithGRPCConn(conn))
	if err != nil {
		return nil, err
	}
	s.closers = append(s.closers, client.Close) // closes conn too
	for _, topic := range []string{UploadsTopic, tasksTopic, eventsTopic, deadTopic} {
		if _, err := client.TopicAdminClient.CreateTopic(ctx, &pubsubpb.Topic{Name: topicPath(topic)}); err != nil {
			return nil, err
		}
	}
	return client, nil
}

func topicPath(name string) string { return "projects/" + Project + "/topics/" + name }

func subscribe(ctx context.Context, client *pubsub.Client, sub subscription) error {
	_, err := client.SubscriptionAdminClient.CreateSubscription(ctx, &pubsubpb.Subscription{
		Name:  "projects/" + Project + "/subscriptions/" + sub.name,
		Topic: topicPath(sub.topic), Filter: sub.filter, AckDeadlineSeconds: 600,
	})
	if err != nil {
		return fmt.Errorf("subscribing %s to %s: %w", sub.name, sub.topic, err)
	}
	return nil
}

// serve serves the functions over HTTP.
func (s *Stack) serve(o Options) error {
	if o.Listen == "" {
		o.Listen = "127.0.0.1:0"
	}
	if o.Mount == nil {
		o.Mount = mux
	}
	answers := curate.New(curate.Config{Limits: o.Limits}, s.Store, o.Log)
	root, err := o.Mount(map[string]http.Handler{
		"/ingest":       ingest.New(ingest.Config{Limits: o.Limits}, s.Store, o.Log),
		"/score":        score.New(s.Store, o.Log),
		curate.PushPath: answers,
		"/v1/":          answers,
	})
	if err != nil {
		return err
	}
	listener, err := net.Listen("tcp", o.Listen)
	if err != nil {
		return err
	}
	s.URL = "http://" + listener.Addr().String()
	s.server = &http.Server{Handler: root, ReadHeaderTimeout: 10 * time.Second, WriteTimeout: deliveryTimeout, IdleTimeout: time.Minute}
	s.group.Go(func() error {
		if err := s.server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
			return fmt.Errorf("serving HTTP: %w", err)
		}
		return nil
	})
	return nil
}

func mux(handlers map[string]http.Handler) (http.Handler, error) {
	m := http.NewServeMux()
	for path, h := range handlers {
		m.Handle(path, h)
	}
	return m, nil
}

// Context ends when the system stops, by Close or by a failure that Close tells.
func (s *Stack) Context() context.Context { return s.ctx }

// Upload tells the system that an object has arrived in the input bucket, as Cloud Storage does.
func (s *Stack) Upload(ctx context.Context, object string) error {
	data, err := json.Marshal(map[string]string{"kind": "storage#object", "name": object})
	if err != nil {
		return err
	}
	return s.uploads.Publish(ctx, events.Message{
		Attributes: map[string]string{"eventType": "OBJECT_FINALIZE", "objectId": object, "payloadFormat": "JSON_API_V1"},
		Data:       data,
	})
}

// closeTimeout is how long deliveries get to notice that they are cancelled.
const closeTimeout = 10 * time.Second

// Close stops the system and tells what made it stop before, if anything did.
func (s *Stack) Close() error {
	s.cancel()
	var errs []error
	if s.server != nil {
		ctx, cancel := context.WithTimeout(context.Background(), closeTimeout)
		defer cancel()
		errs = append(errs, s.server.Shutdown(ctx))
	}
	if err := s.group.Wait(); !errors.Is(err, context.Canceled) && status.Code(err) != codes.Canceled {
		errs = append(errs, err)
	}
	for _, c := range slices.Backward(s.closers) {
		errs = append(errs, c())
	}
	return errors.Join(errs...)
}
