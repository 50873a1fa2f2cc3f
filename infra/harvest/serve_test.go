package main

import (
	"context"
	"encoding/json"
	"errors"
	"iter"
	"log/slog"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/harvest-ml/harvest/shared/api"
	"github.com/harvest-ml/harvest/shared/bucket"
	"github.com/harvest-ml/harvest/shared/events"
)

// A listing is an input bucket that can only be listed.
type listing struct {
	bucket.Reader
	objects func() ([]bucket.Attrs, error)
}

func (l listing) List(context.Context, string, string) iter.Seq2[bucket.Attrs, error] {
	return func(yield func(bucket.Attrs, error) bool) {
		objects, err := l.objects()
		for _, o := range objects {
			if !yield(o, nil) {
				return
			}
		}
		if err != nil {
			yield(bucket.Attrs{}, err)
		}
	}
}

// TestWatch watches a manifest while it is copied for a minute, and then replaced.
func TestWatch(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		start := time.Now()
		input := listing{objects: func() ([]bucket.Attrs, error) {
			objects := []bucket.Attrs{{Name: "datasets/a/there.json", Size: 1, Generation: 1}}
			switch since := time.Since(start); {
			case since > 10*time.Second && since < 20*time.Second:
				return nil, errors.New("the network is down")
			case since < time.Minute:
				objects = append(objects, bucket.Attrs{Name: "datasets/a/slow.json", Size: int64(since), Generation: int64(since)})
			case since < 2*time.Minute:
				objects = append(objects, bucket.Attrs{Name: "datasets/a/slow.json", Size: 60, Generation: 60})
			case since < 3*time.Minute:
				objects = append(objects, bucket.Attrs{Name: "datasets/a/slow.json", Size: 60, Generation: 120})
			default:
				cancel()
			}
			return objects, nil
		}}
		type report struct {
			Object string
			After  time.Duration
		}
		var got []report
		err := watch(ctx, input, slog.New(slog.DiscardHandler), func(_ context.Context, object string) error {
			got = append(got, report{object, time.Since(start)})
			return nil
		})
		if !errors.Is(err, context.Canceled) {
			t.Errorf("watching ended with %v", err)
		}
		want := []report{
			{"datasets/a/there.json", watchEvery},
			{"datasets/a/slow.json", time.Minute + watchEvery},
			{"datasets/a/slow.json", 2*time.Minute + watchEvery},
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("reported (-want +got):\n%s", diff)
		}
	})
}

// TestWatchHoldsDataset copies a file that a dataset.yaml names, for half a minute. No object of this dataset is
// reported earlier. Other datasets, and other files of the dataset, delay nothing.
func TestWatchHoldsDataset(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		start := time.Now()
		files := bucket.NewMemory()
		for name, content := range map[string]string{
			"datasets/a/dataset.yaml": "manifests: [one.json, 'parts/{0..3}.json']\n",
			"datasets/b/dataset.yaml": "manifests: [one.json]\n",
		} {
			if _, err := bucket.CreateBytes(t.Context(), files, name, []byte(content)); err != nil {
				t.Fatal(err)
			}
		}
		input := listing{Reader: files, objects: func() ([]bucket.Attrs, error) {
			since := time.Since(start)
			if since > time.Minute {
				cancel()
			}
			grown := func(limit time.Duration) int64 { return int64(min(since, limit)) }
			return []bucket.Attrs{
				{Name: "datasets/a/dataset.yaml", Size: 1}, {Name: "datasets/a/one.json", Size: 1},
				{Name: "datasets/a/parts/2.json", Size: grown(30 * time.Second)},
				{Name: "datasets/b/dataset.yaml", Size: 1}, {Name: "datasets/b/log.txt", Size: grown(time.Hour)},
				{Name: "datasets/c/other.json", Size: 1},
			}, nil
		}}
		got := map[string]time.Duration{}
		var log strings.Builder
		err := watch(ctx, input, slog.New(slog.NewTextHandler(&log, nil)), func(_ context.Context, object string) error {
			got[object] = time.Since(start)
			return nil
		})
		if !errors.Is(err, context.Canceled) {
			t.Errorf("watching ended with %v", err)
		}
		const copied = 30*time.Second + watchEvery
		want := map[string]time.Duration{
			"datasets/a/dataset.yaml": copied, "datasets/a/one.json": copied, "datasets/a/parts/2.json": copied,
			"datasets/b/dataset.yaml": watchEvery, "datasets/c/other.json": watchEvery,
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("reported after (-want +got):\n%s", diff)
		}
		if n := strings.Count(log.String(), "is still being copied"); n != 1 ||
			!strings.Contains(log.String(), "file=parts/2.json") {
			t.Errorf("the log does not say once which file is copied:\n%s", log.String())
		}
	})
}

// A console collects the output of a running process.
type console struct {
	mu   sync.Mutex
	text strings.Builder
}

func (c *console) Write(p []byte) (int, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.text.Write(p)
}

func (c *console) String() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.text.String()
}

// A server is `harvest serve`: its API, the events on its standard output, and its log.
type server struct {
	cmd         *exec.Cmd
	url         string
	events, log console
}

var apiPattern = regexp.MustCompile(`api=(http://127\.0\.0\.1:\d+/v1/runs)`)

// serving starts `harvest serve` on a folder, and waits until the API answers.
func serving(t *testing.T, dir string, env ...string) *server {
	t.Helper()
	return servingWith(t, dir, env)
}

// servingWith does the same as serving, with additional flags.
func servingWith(t *testing.T, dir string, env []string, flags ...string) *server {
	t.Helper()
	if err := os.MkdirAll(filepath.Join(dir, "input"), 0o755); err != nil {
		t.Fatal(err)
	}
	args := append([]string{"serve", "--input", "input", "--state", "state", "--listen", "127.0.0.1:0"}, flags...)
	s := &server{cmd: program(t, dir, env, args...)}
	s.cmd.Stdout, s.cmd.Stderr = &s.events, &s.log
	if err := s.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	until(t, "the API", func() bool {
		if found := apiPattern.FindStringSubmatch(s.log.String()); found != nil {
			s.url = found[1]
		}
		return s.url != ""
	})
	return s
}

// A printedEvent is a line of standard output.
type printedEvent struct {
	ID, Type, Source, SpecVersion string
	Data                          struct {
		Run, Dataset string
		Selected     int
		Automatic    bool
	}
}

// event waits until an event of a type is printed.
func (s *server) event(t *testing.T, kind string) printedEvent {
	t.Helper()
	var event printedEvent
	until(t, kind, func() bool {
		for line := range strings.Lines(s.events.String()) {
			event = printedEvent{}
			if strings.HasSuffix(line, "\n") {
				decode(t, line, &event)
			}
			if event.Type == events.CloudEventType(kind) {
				return true
			}
		}
		return false
	})
	return event
}

func (s *server) runs(t *testing.T) []api.RunEntry {
	t.Helper()
	resp, err := http.Get(s.url)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	var runs api.RunList
	if err := json.NewDecoder(resp.Body).Decode(&runs); err != nil {
		t.Fatal(err)
	}
	return runs.Runs
}

// TestServe uploads a dataset into a folder, kills the server in the middle of the run, and starts it again.
func TestServe(t *testing.T) {
	t.Parallel()
	const size = 60
	dir := t.TempDir()
	if err := os.MkdirAll(filepath.Join(dir, "input", "datasets"), 0o755); err != nil { // empty
		t.Fatal(err)
	}
	first := serving(t, dir, "SHARD_SAMPLES=1")
	const noDatasets = "no datasets yet: copy each dataset into a folder of its own in input/datasets"
	until(t, "the hint about no datasets", func() bool { return strings.Contains(first.log.String(), noDatasets) })
	newDataset(t, filepath.Join(dir, "input", "images", "small"), size, 16)
	whole := readFile(t, filepath.Join(dir, "input", "images", "small", "dataset.json"))
	writeFile(t, filepath.Join(dir, "input", "datasets", "small", "parts", "a.json"), whole)
	writeFile(t, filepath.Join(dir, "input", "datasets", "small", "dataset.yaml"),
		"manifests: [parts/a.json]\nbudget: 30%\n")
	state := filepath.Join(dir, "state")
	until(t, "the first scores", func() bool { return len(scoreFiles(t, state)) > 0 })
	if runs := first.runs(t); len(runs) != 1 || runs[0].Dataset != "small" || runs[0].Samples != size {
		t.Errorf("runs %+v", runs)
	}
	if err := first.cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = first.cmd.Wait() // killed
	before := scoreFiles(t, state)
	if len(before) == size {
		t.Log("killed too late: no work was left")
	}

	second := serving(t, dir, "SHARD_SAMPLES=1")
	scored, completed := second.event(t, events.RunScored), second.event(t, events.SelectionCompleted)
	sameFiles(t, before, scoreFiles(t, state))
	want := printedEvent{
		ID: second.runs(t)[0].Run, Type: events.CloudEventType(events.RunScored), Source: "file://" + state,
		SpecVersion: "1.0",
	}
	want.Data.Run, want.Data.Dataset = want.ID, "small"
	if diff := cmp.Diff(want, scored); diff != "" {
		t.Errorf("event (-want +got):\n%s", diff)
	}
	want.ID, want.Type, want.Data.Selected = completed.ID, events.CloudEventType(events.SelectionCompleted), size*30/100
	want.Data.Automatic = true
	if diff := cmp.Diff(want, completed); diff != "" || !strings.HasPrefix(completed.ID, scored.ID+"/") {
		t.Errorf("event (-want +got):\n%s", diff)
	}

	if err := second.cmd.Process.Signal(syscall.SIGINT); err != nil {
		t.Fatal(err)
	}
	_ = second.cmd.Wait() // the test checks its exit status
	log := second.log.String()
	if status := second.cmd.ProcessState.ExitCode(); status != 130 || !strings.Contains(log, "nothing is lost") ||
		strings.Contains(log, "level=ERROR") || strings.Contains(log, noDatasets) {
		t.Errorf("status %d after ctrl-C, want 130; its log:\n%s", status, log)
	}
}
