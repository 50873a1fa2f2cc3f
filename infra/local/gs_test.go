package local_test

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"

	"cloud.google.com/go/pubsub/v2"
	"cloud.google.com/go/pubsub/v2/apiv1/pubsubpb"
	"cloud.google.com/go/storage"
	"github.com/fsouza/fake-gcs-server/fakestorage"
	"github.com/google/go-cmp/cmp"
	"github.com/harvest-ml/harvest/infra/local"
	"github.com/harvest-ml/harvest/shared/bucket"
	"github.com/harvest-ml/harvest/shared/bucket/gs"
	"github.com/harvest-ml/harvest/shared/bucket/gs/gstest"
	"github.com/harvest-ml/harvest/shared/events"
	"github.com/harvest-ml/harvest/shared/events/topic/topictest"
	"github.com/harvest-ml/harvest/shared/thorough"
	"golang.org/x/sync/errgroup"
)

// startStorage starts a fake Cloud Storage for all clients of this process.
func startStorage(t *testing.T, buckets ...string) *storage.Client {
	t.Helper()
	fake, err := fakestorage.NewServerWithOptions(fakestorage.Options{NoListener: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(fake.Stop)
	for _, name := range buckets {
		fake.CreateBucketWithOpts(fakestorage.CreateBucketOpts{Name: name})
	}
	server := httptest.NewServer(gstest.StrictCompose(fake))
	t.Cleanup(server.Close)
	t.Setenv("STORAGE_EMULATOR_HOST", strings.TrimPrefix(server.URL, "http://"))
	client, err := storage.NewClient(t.Context(), storage.WithJSONReads())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { client.Close() })
	return client
}

// arrivals counts the notifications that reach ingest.
type arrivals struct {
	mu      sync.Mutex
	objects []string
}

func (a *arrivals) mount(handlers map[string]http.Handler) (http.Handler, error) {
	mux := http.NewServeMux()
	for path, h := range handlers {
		mux.HandleFunc(path, func(w http.ResponseWriter, r *http.Request) {
			body, err := io.ReadAll(r.Body)
			if err != nil {
				http.Error(w, err.Error(), http.StatusBadRequest)
				return
			}
			var env events.Envelope
			if err := json.Unmarshal(body, &env); err == nil && env.Message.Attributes["eventType"] != "" {
				a.mu.Lock()
				a.objects = append(a.objects, env.Message.Attributes["objectId"])
				a.mu.Unlock()
			}
			r.Body = io.NopCloser(bytes.NewReader(body))
			h.ServeHTTP(w, r)
		})
	}
	return mux, nil
}

// notify delivers the input bucket's notifications to a system, so that they start runs, until the test ends.
func notify(t *testing.T, client *storage.Client, s *system) {
	t.Helper()
	server, messages := topictest.NewServer(t, local.Project, events.TopicUploads)
	t.Setenv("PUBSUB_EMULATOR_HOST", server.Addr)
	subscription := "projects/" + local.Project + "/subscriptions/uploads"
	_, err := messages.SubscriptionAdminClient.CreateSubscription(t.Context(), &pubsubpb.Subscription{
		Name: subscription, Topic: "projects/" + local.Project + "/topics/" + events.TopicUploads,
	})
	if err != nil {
		t.Fatal(err)
	}
	_, err = client.Bucket("input").AddNotification(t.Context(), &storage.Notification{
		TopicProjectID: local.Project, TopicID: events.TopicUploads, PayloadFormat: storage.JSONPayload,
		EventTypes: []string{storage.ObjectFinalizeEvent}, ObjectNamePrefix: "datasets/",
	})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	var receiving sync.WaitGroup
	receiving.Go(func() {
		err := messages.Subscriber(subscription).Receive(ctx, func(ctx context.Context, m *pubsub.Message) {
			if err := s.Upload(ctx, m.Attributes["objectId"]); err == nil {
				m.Ack()
			}
		})
		if err != nil {
			t.Error(err)
		}
	})
	t.Cleanup(func() { cancel(); receiving.Wait() })
}

// TestCloudStorage uploads the demo to a bucket of Cloud Storage, whose notifications start the run. The outcome equals
// the outcome with a folder.
func TestCloudStorage(t *testing.T) {
	thorough.Only(t)
	inFolders := start(t, local.Options{})
	inFolders.complete(t)

	client := startStorage(t, "input", "work")
	open := func(url string) bucket.Bucket {
		b, err := gs.OpenURL(t.Context(), url)
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	var arrived arrivals
	s := start(t, local.Options{Input: open("gs://input"), Work: open("gs://work"), Mount: arrived.mount})
	notify(t, client, s)
	upload := func(name string, data []byte) error {
		w := client.Bucket("input").Object(name).NewWriter(t.Context())
		if _, err := w.Write(data); err != nil {
			return err
		}
		return w.Close()
	}
	uploadImages(t, upload)
	const manifest = "datasets/demo/parts/dataset.json"
	if err := upload(manifest, read(t, demoInput(t), manifest)); err != nil {
		t.Fatal(err)
	}
	if err := upload("datasets/demo/dataset.yaml", []byte(demoSpec)); err != nil {
		t.Fatal(err)
	}
	s.completed(t)
	if diff := cmp.Diff(outcome(t, inFolders.work), outcome(t, s.work)); diff != "" {
		t.Errorf("outcome differs from the outcome with folders (-folders +Cloud Storage):\n%s", diff)
	}
	arrived.mu.Lock()
	defer arrived.mu.Unlock()
	slices.Sort(arrived.objects)
	if diff := cmp.Diff([]string{"datasets/demo/dataset.yaml", manifest}, arrived.objects); diff != "" {
		t.Errorf("notifications (-want +got):\n%s", diff)
	}
}

// uploadImages uploads the images of the demo concurrently.
func uploadImages(t *testing.T, upload func(name string, data []byte) error) {
	t.Helper()
	var images errgroup.Group
	images.SetLimit(8)
	err := fs.WalkDir(os.DirFS(demo), ".", func(name string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() || strings.HasSuffix(name, ".json") {
			return err
		}
		images.Go(func() error {
			data, err := os.ReadFile(demo + "/" + name)
			if err != nil {
				return err
			}
			return upload("images/demo/"+name, data)
		})
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := images.Wait(); err != nil {
		t.Fatal(err)
	}
}
