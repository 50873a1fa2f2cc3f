package gs

import (
	"compress/gzip"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"cloud.google.com/go/storage"
	"github.com/fsouza/fake-gcs-server/fakestorage"
	"github.com/google/go-cmp/cmp"
	"github.com/harvest-ml/harvest/shared/bucket"
	"github.com/harvest-ml/harvest/shared/bucket/buckettest"
	"github.com/harvest-ml/harvest/shared/bucket/gs/gstest"
	"google.golang.org/api/option"
)

// newGS returns an empty bucket of a fake Cloud Storage, on disk below root or in memory.
func newGS(t testing.TB, root string) *Bucket {
	t.Helper()
	return New(newClient(t, startStorage(t, root).URL), "bucket")
}

// newClient returns a client of the Cloud Storage at a URL.
func newClient(t testing.TB, url string) *storage.Client {
	t.Helper()
	client, err := storage.NewClient(t.Context(), option.WithEndpoint(url+"/storage/v1/"),
		option.WithoutAuthentication(), storage.WithJSONReads())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { client.Close() })
	return client
}

func startStorage(t testing.TB, root string) *httptest.Server {
	t.Helper()
	fake, err := fakestorage.NewServerWithOptions(fakestorage.Options{NoListener: true, StorageRoot: root})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(fake.Stop)
	fake.CreateBucketWithOpts(fakestorage.CreateBucketOpts{Name: "bucket"})
	server := httptest.NewServer(gstest.StrictCompose(fake))
	t.Cleanup(server.Close)
	return server
}

func TestConformance(t *testing.T) {
	t.Parallel()
	t.Run("memory", func(t *testing.T) {
		t.Parallel()
		buckettest.Conformance(t, func(t *testing.T) bucket.Bucket { return newGS(t, "") })
	})
	t.Run("on disk", func(t *testing.T) {
		t.Parallel()
		buckettest.Conformance(t, func(t *testing.T) bucket.Bucket { return newGS(t, t.TempDir()) })
	})
}

// TestStagesAreKept composes 33 parts after an attempt that was killed when its first stage was written. The stage is
// used, and no stage is overwritten.
func TestStagesAreKept(t *testing.T) {
	t.Parallel()
	g := newGS(t, "")
	var parts []string
	for _, letter := range "abcdefghijklmnopqrstuvwxyzABCDEFG" {
		parts = append(parts, "parts/"+string(letter))
		buckettest.Put(t, g, parts[len(parts)-1], []byte(string(letter)))
	}
	if err := g.Compose(t.Context(), "first", parts); err != nil {
		t.Fatal(err)
	}
	stages := func(name string) (names []string, all []bucket.Attrs) {
		for attrs, err := range g.List(t.Context(), name+".parts/", "") {
			if err != nil {
				t.Fatal(err)
			}
			names = append(names, strings.TrimPrefix(attrs.Name, name))
			all = append(all, attrs)
		}
		return names, all
	}
	names, _ := stages("first")
	if len(names) != 2 {
		t.Fatalf("stages %q, want 2", names)
	}
	for _, name := range names {
		if attrs, err := g.Stat(t.Context(), "first"+name); err != nil {
			t.Fatal(err)
		} else if attrs.Size == maxParts {
			buckettest.Put(t, g, "second"+name, []byte("what the killed attempt left;"))
		}
	}
	if err := g.Compose(t.Context(), "second", parts); err != nil {
		t.Fatal(err)
	}
	if got, want := string(buckettest.Get(t, g, "second")), "what the killed attempt left;G"; got != want {
		t.Errorf("composed %q, want %q", got, want)
	}
	_, before := stages("second")
	if err := g.Compose(t.Context(), "second", parts); !errors.Is(err, bucket.ErrExists) {
		t.Errorf("%v, want ErrExists", err)
	}
	_, after := stages("second")
	if diff := cmp.Diff(before, after); diff != "" {
		t.Errorf("stages changed (-before +after):\n%s", diff)
	}
}

// TestContentEncoding reads an object that Cloud Storage decompresses. A range of it is refused, because the range
// would count compressed bytes.
func TestContentEncoding(t *testing.T) {
	t.Parallel()
	g := newGS(t, "")
	w := g.bucket.Object("compressed").NewWriter(t.Context())
	w.ContentEncoding = "gzip"
	z := gzip.NewWriter(w)
	if _, err := io.WriteString(z, "content"); err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(z.Close(), w.Close()); err != nil {
		t.Fatal(err)
	}
	if got := string(buckettest.Get(t, g, "compressed")); got != "content" {
		t.Errorf("read %q", got)
	}
	if attrs, err := g.Stat(t.Context(), "compressed"); err != nil || !attrs.Encoded {
		t.Errorf("Stat: %+v, %v; want Encoded", attrs, err)
	}
	attrs, body, err := g.OpenWhole(t.Context(), "compressed")
	if err != nil {
		t.Fatal(err)
	}
	defer body.Close()
	if got, err := io.ReadAll(body); err != nil || string(got) != "content" || !attrs.Encoded {
		t.Errorf("OpenWhole: %+v and %q, %v; want Encoded, and the content", attrs, got, err)
	}
	for _, r := range []struct{ offset, length int64 }{{0, 3}, {3, 3}, {3, -1}} {
		if _, err := g.Open(t.Context(), "compressed", 0, r.offset, r.length); err == nil ||
			!strings.Contains(err.Error(), "Content-Encoding") {
			t.Errorf("%d bytes from %d on: %v, want an error that names Content-Encoding", r.length, r.offset, err)
		}
	}
}

// TestOpenWhole checks that OpenWhole returns the attributes of Stat, and the content of Open.
func TestOpenWhole(t *testing.T) {
	t.Parallel()
	g := newGS(t, "")
	buckettest.Put(t, g, "image", []byte("content"))
	want, err := g.Stat(t.Context(), "image")
	if err != nil {
		t.Fatal(err)
	}
	got, body, err := g.OpenWhole(t.Context(), "image")
	if err != nil {
		t.Fatal(err)
	}
	defer body.Close()
	content, err := io.ReadAll(body)
	if err != nil || got != want || string(content) != "content" {
		t.Errorf("OpenWhole: %+v and %q, %v; want %+v", got, content, err, want)
	}
	for _, name := range []string{"none", "a\nb"} {
		if _, _, err := g.OpenWhole(t.Context(), name); !errors.Is(err, bucket.ErrNotExist) {
			t.Errorf("OpenWhole of %q: error %v, want ErrNotExist", name, err)
		}
	}
}

// TestNamesOfUsers reads objects with names that Cloud Storage allows, although Create refuses them.
func TestNamesOfUsers(t *testing.T) {
	t.Parallel()
	g := newGS(t, "")
	for _, name := range []string{"images//a.jpg", `images\b.jpg`, "images/" + strings.Repeat("c", 300)} {
		w := g.bucket.Object(name).NewWriter(t.Context())
		if _, err := io.WriteString(w, name); err != nil {
			t.Fatal(err)
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
		if got := string(buckettest.Get(t, g, name)); got != name {
			t.Errorf("%q reads %q", name, got)
		}
	}
}

// TestServerErrors checks that an error of the service is neither ErrNotExist nor ErrExists, and that a request with a
// transient error is retried.
func TestServerErrors(t *testing.T) {
	t.Parallel()
	var mu sync.Mutex
	answers := []int{http.StatusServiceUnavailable, http.StatusForbidden}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		io.Copy(io.Discard, r.Body)
		w.WriteHeader(answers[0])
		if len(answers) > 1 {
			answers = answers[1:]
		}
	}))
	t.Cleanup(server.Close)
	client := newClient(t, server.URL)
	client.SetRetry(storage.WithMaxAttempts(3))
	g := New(client, "bucket")
	_, errStat := g.Stat(t.Context(), "a")
	_, errOpen := g.Open(t.Context(), "a", 0, 0, -1)
	var errList error
	for _, err := range g.List(t.Context(), "", "") {
		errList = err
	}
	for doing, err := range map[string]error{
		"stat": errStat, "open": errOpen, "list": errList,
		"create":       g.Create(t.Context(), "a", buckettest.Content("a")),
		"create large": g.Create(t.Context(), "a", buckettest.Content(strings.Repeat("a", 3*chunkSize))),
		"compose":      g.Compose(t.Context(), "a", []string{"b"}),
	} {
		known := errors.Is(err, bucket.ErrNotExist) || errors.Is(err, bucket.ErrExists)
		if err == nil || known || status(err) != http.StatusForbidden {
			t.Errorf("%s: %v, want the service's 403", doing, err)
		}
	}
}

func TestOpenAtEmulator(t *testing.T) {
	t.Setenv("STORAGE_EMULATOR_HOST", strings.TrimPrefix(startStorage(t, "").URL, "http://"))
	b, err := OpenURL(t.Context(), "gs://bucket/")
	if err != nil {
		t.Fatal(err)
	}
	buckettest.Put(t, b, "a/b", []byte("content"))
	if got := string(buckettest.Get(t, b, "a/b")); got != "content" {
		t.Errorf("read %q", got)
	}
}
