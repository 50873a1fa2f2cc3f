//go:build faults

package faults_test

import (
	"context"
	"fmt"
	"io/fs"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	cloud "cloud.google.com/go/storage"
	"github.com/harvest-ml/harvest/infra/local"
	"github.com/harvest-ml/harvest/infra/local/queue"
	"github.com/harvest-ml/harvest/shared/bucket"
	"github.com/harvest-ml/harvest/shared/bucket/gs"
	"github.com/harvest-ml/harvest/shared/events"
	"github.com/harvest-ml/harvest/shared/run/runtest"
	"github.com/harvest-ml/harvest/shared/scorer/kinds"
	"google.golang.org/api/option"
)

// patience is the maximum time of the runs of a system, with hanging requests.
const patience = 5 * time.Minute

// A system has the functions' processes, and the injector of faults.
type system struct {
	t        *testing.T
	injector *injector
	versions []string
	binary   string // a link to the binary of one of the versions

	mu        sync.Mutex
	random    *rand.Rand
	pids      map[string]int // process ids by function
	completed map[string]bool
	log       strings.Builder
}

// live runs two datasets in a system with faults, and returns the objects that its users get.
func live(t *testing.T, versions []string, i *injector) map[string]string {
	t.Helper()
	s := &system{
		t: t, injector: i, versions: versions, binary: filepath.Join(t.TempDir(), "functions"),
		random: rand.New(rand.NewPCG(1, 1)), pids: map[string]int{}, completed: map[string]bool{},
	}
	defer func() {
		if t.Failed() {
			s.mu.Lock()
			defer s.mu.Unlock()
			t.Logf("faults: %s\nlog:\n%s", i, s.log.String())
		}
	}()
	s.must(os.Symlink(versions[0], s.binary))
	scorer, stop := serveSidecar(t, s.wrap(sidecar, func(*http.Request) bool { return true }))
	defer stop()
	t.Setenv("SHARD_SAMPLES", "5") // the processes inherit it
	t.Setenv("RANGE_BYTES", "4000")
	p, err := local.StartProcesses(t.Context(), local.ProcessOptions{
		Binary: s.binary, Scorers: kinds.Config{GPU: scorer}, Listen: "127.0.0.1:0", Output: s, Log: slog.New(s),
		OnEvent: s.event, Reconcile: 5 * time.Second,
		Disturb: local.Disturbances{
			Storage: s.wrap(storage, ofProcesses), Push: s.deliver, Publish: s.answerPublication,
			Queue: queue.Faults{Duplicate: 0.03, Late: 0.03, LateAfter: time.Second, Reorder: true},
		},
	})
	s.must(err)
	defer func() { s.must(p.Close()) }()
	i.arm(true)
	s.drop(p.Input)
	began := time.Now()
	until(t, "both selections", patience, func() bool {
		s.mu.Lock()
		defer s.mu.Unlock()
		return len(s.completed) == 2
	})
	i.arm(false)
	s.showsPages(p.URL)
	t.Logf("both runs took %.1f s; requests: %v", time.Since(began).Seconds(), i.seen)
	work := s.work(p.StorageAddr)
	until(t, "the end of all accepted work", time.Minute, func() bool {
		return slices.Equal(s.names(work, "index/accepted/"), s.names(work, "index/finished/"))
	})
	return s.outcome(work)
}

// showsPages checks that the server of the API also serves the pages.
func (s *system) showsPages(url string) {
	s.t.Helper()
	resp, err := http.Get(url + "/runs/none")
	s.must(err)
	s.must(resp.Body.Close())
	if kind := resp.Header.Get("Content-Type"); !strings.HasPrefix(kind, "text/html") {
		s.t.Errorf("the page of an unknown run: %s, %s", resp.Status, kind)
	}
}

func (s *system) must(err error) {
	s.t.Helper()
	if err != nil {
		s.t.Fatal(err)
	}
}

// work returns the work bucket.
func (s *system) work(addr string) bucket.Reader {
	client, err := cloud.NewClient(s.t.Context(), cloud.WithJSONReads(), option.WithoutAuthentication(),
		option.WithEndpoint("http://"+addr+"/storage/v1/"))
	s.must(err)
	s.t.Cleanup(func() { client.Close() })
	return gs.New(client, local.WorkBucket)
}

// drop uploads two datasets: the demo, for the embedded scorer, and one for the sidecar.
func (s *system) drop(input *cloud.BucketHandle) {
	upload := func(name string, data []byte) {
		w := input.Object(name).NewWriter(s.t.Context())
		_, err := w.Write(data)
		s.must(err)
		s.must(w.Close())
	}
	demo := os.DirFS(filepath.Join("..", "..", "..", "testdata", "demo"))
	s.must(fs.WalkDir(demo, ".", func(name string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		data, err := fs.ReadFile(demo, name)
		upload("images/demo/"+name, data)
		return err
	}))
	data, err := fs.ReadFile(demo, "dataset.json")
	s.must(err)
	upload("datasets/demo/parts/dataset.json", data)
	var texts strings.Builder
	for n := range 40 {
		question := fmt.Sprintf("What is %d times %d?", n, n+1)
		if n == 17 {
			question = deadly
		}
		fmt.Fprintf(&texts, `{"id": "%d", "conversations": [{"from": "human", "value": %q}, {"from": "gpt", "value": "%d"}]}`+
			"\n", n, question, n*(n+1))
	}
	upload("datasets/texts/parts/texts.jsonl", []byte(texts.String()))
	upload("datasets/demo/dataset.yaml", []byte("manifests: [parts/dataset.json]\nscorer: embedded\nbudget: 30%\n"))
	upload("datasets/texts/dataset.yaml", []byte("manifests: [parts/texts.jsonl]\nscorer: gpu\nbudget: 30%\n"))
}

// names returns the names of the objects below a prefix, without the prefix.
func (s *system) names(from bucket.Reader, prefix string) []string {
	var names []string
	for attrs, err := range from.List(s.t.Context(), prefix, "") {
		s.must(err)
		names = append(names, strings.TrimPrefix(attrs.Name, prefix))
	}
	return names
}

// outcome returns all scores and selections. It fails the test if there are dead letters, or samples that were rated
// alone.
func (s *system) outcome(work bucket.Reader) map[string]string {
	objects := map[string]string{}
	for _, name := range s.names(work, "") {
		if strings.Contains(name, "/dead/") {
			s.t.Errorf("dead letter %s", name)
		}
		kept := strings.Contains(name, "/scores/") || strings.Contains(name, "/selections/")
		for _, internal := range []string{"/parts/", "/sent/", "/accepted", "/completed", "/again/"} {
			kept = kept && !strings.Contains(name, internal)
		}
		if !kept {
			continue
		}
		data, err := bucket.ReadAll(s.t.Context(), work, name)
		s.must(err)
		if strings.Contains(name, "/scores/") {
			data = runtest.WithoutSeen(s.t, data) // generations of images differ between storages
		}
		objects[name] = string(data)
	}
	return objects
}

// end kills one of the processes, or stops it so that the other version starts.
func (s *system) end(f fault) {
	s.mu.Lock()
	defer s.mu.Unlock()
	var functions []string
	for name := range s.pids {
		functions = append(functions, name)
	}
	slices.Sort(functions)
	pid := s.pids[functions[s.random.IntN(len(functions))]]
	if f != newVersion {
		_ = syscall.Kill(pid, syscall.SIGKILL) // the process may have ended already
		return
	}
	s.versions = append(s.versions[1:], s.versions[0])
	next := s.binary + ".next"
	if os.Symlink(s.versions[0], next) == nil {
		_ = os.Rename(next, s.binary)
	}
	_ = syscall.Kill(pid, syscall.SIGTERM)
}

// event records completed selections.
func (s *system) event(m events.Message) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if m.Attributes[events.AttrType] == events.SelectionCompleted {
		s.completed[m.Attributes["ce-id"]] = true
	}
}

// Write implements io.Writer: the processes' logs.
func (s *system) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.log.Write(p)
}

// Enabled, Handle, WithAttrs and WithGroup implement slog.Handler. The log shows which processes run.
func (s *system) Enabled(context.Context, slog.Level) bool { return true }

func (s *system) Handle(_ context.Context, r slog.Record) error {
	fields := map[string]slog.Value{}
	r.Attrs(func(a slog.Attr) bool {
		fields[a.Key] = a.Value
		return true
	})
	s.mu.Lock()
	defer s.mu.Unlock()
	if r.Message == "process runs" {
		s.pids[fields["function"].String()] = int(fields["pid"].Int64())
	}
	fmt.Fprintln(&s.log, r.Time.Format(time.StampMilli), r.Message, fields)
	return nil
}

func (s *system) WithAttrs([]slog.Attr) slog.Handler { return s }
func (s *system) WithGroup(string) slog.Handler      { return s }
