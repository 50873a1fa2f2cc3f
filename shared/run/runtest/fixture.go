// Package runtest has the fixture for tests of runs: an input bucket in a folder, a work bucket and topics in memory, a
// fake scorer, a clock that tests set, and a process that can be killed between any two of its writes.
package runtest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/harvest-ml/harvest/shared/bucket"
	"github.com/harvest-ml/harvest/shared/dataset"
	"github.com/harvest-ml/harvest/shared/dataset/compression"
	"github.com/harvest-ml/harvest/shared/events"
	"github.com/harvest-ml/harvest/shared/images"
	"github.com/harvest-ml/harvest/shared/memory"
	"github.com/harvest-ml/harvest/shared/memory/memorytest"
	"github.com/harvest-ml/harvest/shared/rubric"
	"github.com/harvest-ml/harvest/shared/run"
	"github.com/harvest-ml/harvest/shared/scorer"
	"github.com/harvest-ml/harvest/shared/subset"
)

// Uploaded is the time when every file of the input bucket was uploaded, so that equal uploads have equal generations.
var Uploaded = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)

// Limits cut a few records into several ranges and shards.
func Limits() run.Limits {
	return run.Limits{
		Scorer: Kind, Records: dataset.Limits{MaxRecordBytes: 2000},
		Images: images.Limits{
			MaxBytes: 5000, MaxPixels: 10_000,
			MaxDecodedBytes: 1 << 29, MaxImages: 64, MaxSampleBytes: 1 << 28,
		},
		Compressed: compression.Limits{Gzip: 1 << 20, Zstd: 1 << 20, Bzip2: 1 << 20, XZ: 1 << 20},
		PlanBytes:  1 << 20, RangeBytes: 1000, ShardSamples: 3, ShardBytes: 1 << 20, InFlight: 16,
	}
}

// A Fixture is a system of one process. If a test changes one of the upper fields, the change applies to planners that
// are made afterwards, and to the process after Restart.
type Fixture struct {
	Limits       run.Limits
	Selections   subset.Limits
	Input        bucket.Reader
	Folder       string // folder of the input bucket
	Work         *bucket.Memory
	Scorer       *Scorer
	OpenScorer   run.ScorerOpener
	Patience     time.Duration // patience of planners with unreachable scorers
	ImageBuckets map[string]bucket.Reader
	Memory       *memory.Budget
	// LostAnswer reports whether the answer to an object's creation is lost, so that the client tries again.
	LostAnswer func(name string) bool
	// AnswerError returns the error with which a successful creation of an object is answered; nil for none.
	AnswerError func(name string) error
	// OneMachine lets a process detect which processes have ended.
	OneMachine bool

	// The current process.
	Runs       *run.Reader
	Worker     *run.Worker
	Subsets    *subset.Selector
	Reconciler *subset.Reconciler
	Log        *slog.Logger

	Tasks, Events *Topic
	Queue         []Delivery       // tasks that were published and are not delivered
	Published     []events.Message // all published events
	Steps         int              // writes and publications so far
	Life          int              // steps until the process is killed; -1 for ever
	Opens         map[string]int   // number of reads of each object of the work bucket since Restart

	t         testing.TB
	mu        sync.Mutex
	now       time.Time
	published int
	processes int
	logged    bytes.Buffer
}

// New returns an empty fixture.
func New(t testing.TB) *Fixture {
	t.Helper()
	f := &Fixture{
		t: t, Limits: Limits(), Selections: subset.DefaultLimits(), Folder: t.TempDir(),
		Scorer: &Scorer{Name: "fake-1", Rated: map[string]int{}}, Memory: memorytest.Budget(t),
		now: time.Date(2026, 2, 3, 4, 5, 6, 0, time.UTC),
	}
	f.Tasks, f.Events = &Topic{fixture: f}, &Topic{fixture: f}
	f.Log = slog.New(slog.NewTextHandler(&f.logged, nil))
	f.OpenScorer = func(_ context.Context, kind string, r *rubric.Rubric) (scorer.Scorer, error) {
		if kind != Kind && kind != "embedded" && !strings.HasPrefix(kind, scorer.TaughtKind) {
			return nil, fmt.Errorf("there is no scorer %q", kind)
		}
		return f.Scorer.For(r), nil
	}
	input, err := bucket.OpenFolder(f.Folder)
	f.must(err)
	f.Input, f.ImageBuckets = input, map[string]bucket.Reader{"input": input}
	f.Work = bucket.NewMemory()
	f.Restart()
	return f
}

// Origin returns the origin of events in tests.
func Origin() events.Origin {
	return events.Origin{
		Source: "/projects/p/deployments/test", Input: "gs://input", Work: "gs://work", API: "https://harvest.test",
	}
}

func (f *Fixture) must(err error) {
	f.t.Helper()
	if err != nil {
		f.t.Fatal(err)
	}
}

// Restart replaces the process by a new one, which will not be killed.
func (f *Fixture) Restart() {
	f.t.Helper()
	f.mu.Lock()
	f.Life, f.Opens = -1, map[string]int{}
	f.processes++
	process := run.Process{ID: fmt.Sprintf("process-%d", f.processes)}
	if f.OneMachine {
		process.Gone = func(id string) bool { return id != process.ID }
	}
	f.mu.Unlock()
	work := mortalBucket{f.Work, f}
	feed, err := events.NewFeed(f.Events, Origin(), f.clock)
	f.must(err)
	f.Runs, err = run.NewReader(work, run.DefaultCacheBytes)
	f.must(err)
	f.Runs.WithClock(f.clock)
	f.Worker, err = run.NewWorker(run.WorkerConfig{
		Runs: f.Runs, Input: f.Input, Work: work, OpenScorer: f.OpenScorer, Tasks: f.Tasks, Events: feed,
		Now: f.clock, ImageBuckets: f.ImageBuckets, Width: f.Limits.InFlight,
		Widths: map[string]int{Kind: f.Limits.InFlightGPU}, Process: process, Memory: f.Memory,
	})
	f.must(err)
	f.Subsets, err = subset.NewSelector(subset.Config{
		Runs: f.Runs, Work: work, Input: f.Input, Tasks: f.Tasks, Events: feed, Now: f.clock, Process: process,
		Limits: f.Selections, Reports: Report{}, Memory: f.Memory,
	})
	f.must(err)
	f.Reconciler, err = subset.NewReconciler(f.Planner(), f.Worker, f.Subsets)
	f.must(err)
}

// Planner returns a planner with the current limits.
func (f *Fixture) Planner() *run.Planner {
	f.t.Helper()
	planner, err := run.NewPlanner(run.PlannerConfig{
		Runs: f.Runs, Input: f.Input, Work: f.Work, OpenScorer: f.OpenScorer, Limits: f.Limits, ImageBuckets: f.ImageBuckets,
		Patience: f.Patience, Memory: f.Memory,
	})
	f.must(err)
	return planner
}

func (f *Fixture) clock() time.Time {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.now
}

// Now returns the time of the fixture's clock.
func (f *Fixture) Now() time.Time { return f.clock() }

// Pass advances the fixture's clock.
func (f *Fixture) Pass(d time.Duration) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.now = f.now.Add(d)
}

// ErrKilled is the error of each step of a killed process.
var ErrKilled = errors.New("the process was killed")

// step is called before every write and publication. It returns an error after the process is killed.
func (f *Fixture) step() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.Life == 0 {
		return ErrKilled
	}
	f.Steps++
	f.Life--
	return nil
}

// Kill ends the process immediately.
func (f *Fixture) Kill() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.Life = 0
	return ErrKilled
}

// A mortalBucket is the bucket of a process that can be killed.
type mortalBucket struct {
	bucket.Bucket
	fixture *Fixture
}

// RemoveTemporary implements bucket.Remover. It is not a step, because its errors are ignored.
func (b mortalBucket) RemoveTemporary(ctx context.Context, prefix string) error {
	b.fixture.mu.Lock()
	killed := b.fixture.Life == 0
	b.fixture.mu.Unlock()
	if killed {
		return ErrKilled
	}
	bucket.RemoveTemporary(ctx, b.Bucket, prefix)
	return nil
}

func (b mortalBucket) Open(
	ctx context.Context, name string, generation, offset, length int64,
) (io.ReadCloser, error) {
	b.fixture.mu.Lock()
	b.fixture.Opens[name]++
	b.fixture.mu.Unlock()
	return b.Bucket.Open(ctx, name, generation, offset, length)
}

func (b mortalBucket) Create(ctx context.Context, name string, write func(io.Writer) error) error {
	if err := b.fixture.step(); err != nil {
		return err
	}
	err := b.Bucket.Create(ctx, name, write)
	if err == nil && b.fixture.LostAnswer != nil && b.fixture.LostAnswer(name) {
		return bucket.ErrExists // a client that tries again finds the object
	}
	if err == nil && b.fixture.AnswerError != nil {
		return b.fixture.AnswerError(name)
	}
	return err
}

// Delete implements bucket.Deleter: the fixture is one machine.
func (b mortalBucket) Delete(ctx context.Context, name string) error {
	if err := b.fixture.step(); err != nil {
		return err
	}
	return b.Bucket.(bucket.Deleter).Delete(ctx, name)
}

func (b mortalBucket) Compose(ctx context.Context, name string, parts []string) error {
	if err := b.fixture.step(); err != nil {
		return err
	}
	return b.Bucket.Compose(ctx, name, parts)
}

// Upload writes a file to the input bucket, or replaces it.
func (f *Fixture) Upload(name string, content []byte) {
	f.t.Helper()
	file := filepath.Join(f.Folder, filepath.FromSlash(name))
	f.must(os.MkdirAll(filepath.Dir(file), 0o755))
	f.must(os.WriteFile(file, content, 0o644))
	f.Touch(name, Uploaded)
}

// Touch gives an object of the input bucket another generation.
func (f *Fixture) Touch(name string, at time.Time) {
	f.t.Helper()
	f.must(os.Chtimes(filepath.Join(f.Folder, filepath.FromSlash(name)), at, at))
}

// Errors returns the log lines with the level error.
func (f *Fixture) Errors() []string { return f.Logged("level=ERROR") }

// Logged returns the log lines that contain a text.
func (f *Fixture) Logged(text string) []string {
	var found []string
	for line := range strings.Lines(f.logged.String()) {
		if strings.Contains(line, text) {
			found = append(found, line)
		}
	}
	return found
}
