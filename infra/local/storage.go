package local

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"time"

	"cloud.google.com/go/storage"
	"github.com/fsouza/fake-gcs-server/fakestorage"
	"github.com/harvest-ml/harvest/shared/bucket/gs/gstest"
	"github.com/harvest-ml/harvest/shared/events"
	"google.golang.org/api/option"
)

// The names of the buckets of Processes.
const (
	InputBucket = "harvest-input"
	WorkBucket  = "harvest-work"
)

// A cloudStorage is a test double of Cloud Storage, served over HTTP. Its objects are in memory.
type cloudStorage struct {
	addr   string
	client *storage.Client
	fake   *fakestorage.Server
	server *http.Server
}

// startStorage starts the test double with the two buckets. Notifications of the input bucket go to the topic uploads
// of the Pub/Sub server at the address pubsub. If disturb is not nil, it wraps the handler.
func startStorage(
	ctx context.Context, pubsub string, disturb func(http.Handler) http.Handler,
) (_ *cloudStorage, err error) {
	// The test double finds the Pub/Sub server only by this variable of the environment.
	if err := os.Setenv("PUBSUB_EMULATOR_HOST", pubsub); err != nil {
		return nil, err
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	s := &cloudStorage{addr: listener.Addr().String()}
	s.fake, err = fakestorage.NewServerWithOptions(fakestorage.Options{NoListener: true, ExternalURL: "http://" + s.addr})
	if err != nil {
		return nil, errors.Join(err, listener.Close())
	}
	handler := gstest.StrictCompose(s.fake)
	if disturb != nil {
		handler = disturb(handler)
	}
	s.server = &http.Server{Handler: handler, ReadHeaderTimeout: 10 * time.Second, IdleTimeout: time.Minute}
	go func() { _ = s.server.Serve(listener) }() // close stops the server
	defer func() {
		if err != nil {
			err = errors.Join(err, s.close())
		}
	}()
	endpoint := option.WithEndpoint("http://" + s.addr + "/storage/v1/")
	s.client, err = storage.NewClient(ctx, storage.WithJSONReads(), option.WithoutAuthentication(), endpoint)
	if err != nil {
		return nil, err
	}
	for _, name := range []string{InputBucket, WorkBucket} {
		s.fake.CreateBucketWithOpts(fakestorage.CreateBucketOpts{Name: name})
	}
	_, err = s.client.Bucket(InputBucket).AddNotification(ctx, &storage.Notification{
		TopicProjectID: Project, TopicID: Topic(events.TopicUploads), PayloadFormat: storage.JSONPayload,
		EventTypes: []string{storage.ObjectFinalizeEvent}, ObjectNamePrefix: "datasets/",
	})
	if err != nil {
		return nil, fmt.Errorf("registering notifications of uploads: %w", err)
	}
	return s, nil
}

func (s *cloudStorage) close() error {
	err := s.server.Close()
	if s.client != nil {
		err = errors.Join(err, s.client.Close())
	}
	s.fake.Stop()
	return err
}
