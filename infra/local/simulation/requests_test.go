package simulation_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/harvest-ml/harvest/shared/bucket"
	"github.com/harvest-ml/harvest/shared/bucket/buckettest"
	"github.com/harvest-ml/harvest/shared/events"
	"github.com/harvest-ml/harvest/shared/memory/memorytest"
	"github.com/harvest-ml/harvest/shared/rubric"
	"github.com/harvest-ml/harvest/shared/run"
	"github.com/harvest-ml/harvest/shared/run/runtest"
	"github.com/harvest-ml/harvest/shared/scorer"
	"github.com/harvest-ml/harvest/shared/subset"
	"github.com/harvest-ml/harvest/shared/thorough"
)

// A countingBucket counts its requests. It refuses to create some objects.
type countingBucket struct {
	buckettest.Counted
	lost string // text in the names of the refused objects
}

func (b countingBucket) Create(ctx context.Context, name string, write func(io.Writer) error) error {
	if b.lost != "" && strings.Contains(name, b.lost) {
		return errKilled
	}
	return b.Counted.Create(ctx, name, write)
}

func (b countingBucket) Compose(ctx context.Context, name string, parts []string) error {
	if b.lost != "" && strings.Contains(name, b.lost) {
		return errKilled
	}
	return b.Counted.Compose(ctx, name, parts)
}

// counted has the numbers of requests for deliveries of one kind.
type counted struct {
	deliveries  int
	most, total int64
}

// A meter runs all steps of a run of n ranges, each with one shard, and counts the requests of each step. A new process
// with empty caches makes some deliveries of each kind, including the last deliveries.
type meter struct {
	t        testing.TB
	n        int
	work     *bucket.Memory
	input    *bucket.Memory
	requests atomic.Int64
	now      time.Time
	tasks    map[string][]events.Message
	kinds    map[string]*counted
	lost     string // the process is killed before it writes an object with this text in its name, and its message is lost
	killed   int    // number of deliveries

	runs       *run.Reader
	worker     *run.Worker
	subsets    *subset.Selector
	reconciler *subset.Reconciler
}

func (m *meter) must(err error) {
	m.t.Helper()
	if err != nil {
		m.t.Fatal(err)
	}
}

// Publish keeps tasks by kind, and drops events.
func (m *meter) Publish(_ context.Context, messages ...events.Message) error {
	for _, message := range messages {
		if kind := message.Attributes[events.AttrTask]; kind != "" {
			m.tasks[kind] = append(m.tasks[kind], message)
		}
	}
	return nil
}

func (m *meter) open(_ context.Context, _ string, r *rubric.Rubric) (scorer.Scorer, error) {
	return (&runtest.Scorer{Name: "fake-1", Rated: map[string]int{}}).For(r), nil
}

// counted returns a bucket whose requests the meter counts.
func (m *meter) counted(b bucket.Bucket) buckettest.Counted {
	return buckettest.Counted{Bucket: b, Requests: &m.requests}
}

// restart replaces the process by a new one.
func (m *meter) restart() {
	m.t.Helper()
	work, process := countingBucket{m.counted(m.work), m.lost}, run.NewProcess()
	now := func() time.Time { return m.now }
	var errs [5]error
	feed, err := events.NewFeed(m, runtest.Origin(), now)
	errs[4] = err
	m.runs, errs[0] = run.NewReader(work, run.DefaultCacheBytes)
	m.worker, errs[1] = run.NewWorker(run.WorkerConfig{
		Runs: m.runs, Input: m.counted(m.input), Work: work, OpenScorer: m.open, Tasks: m, Events: feed,
		Now: now, Width: width, Process: process, Memory: memorytest.Budget(m.t),
	})
	m.subsets, errs[2] = subset.NewSelector(subset.Config{
		Runs: m.runs, Work: work, Input: m.counted(m.input), Tasks: m, Events: feed, Now: now,
		Process: process, Limits: subset.DefaultLimits(), Reports: runtest.Report{}, Memory: memorytest.Budget(m.t),
	})
	m.reconciler, errs[3] = subset.NewReconciler(m.planner(), m.worker, m.subsets)
	m.must(errors.Join(errs[:]...))
}

// count calls a function, and counts its requests.
func (m *meter) count(kind string, do func(context.Context) error) {
	m.t.Helper()
	before := m.requests.Load()
	m.must(do(m.t.Context()))
	used := m.requests.Load() - before
	if m.kinds[kind] == nil {
		m.kinds[kind] = &counted{}
	}
	c := m.kinds[kind]
	c.deliveries++
	c.total += used
	c.most = max(c.most, used)
}

// deliver delivers at most `most` tasks of a kind, including tasks that are published during these deliveries.
func (m *meter) deliver(kind string, most int) {
	m.t.Helper()
	for i := 0; i < most && len(m.tasks[kind]) > 0; i++ {
		if i%max(m.n/20, 1) == 0 || i >= most-2 {
			m.restart()
		}
		task := m.tasks[kind][0]
		m.tasks[kind] = m.tasks[kind][1:]
		m.count(kind, func(ctx context.Context) error {
			err := m.handle(ctx, kind, task.Data, fmt.Sprintf("%s-%d", kind, i))
			if errors.Is(err, errKilled) {
				m.killed++
				return nil
			}
			return err
		})
	}
}

// newMeter returns a meter for a dataset of n records, with images of these names.
func newMeter(t testing.TB, n int, images ...string) *meter {
	t.Helper()
	m := &meter{
		t: t, n: n, work: bucket.NewMemory(), input: bucket.NewMemory(),
		now:   time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC),
		tasks: map[string][]events.Message{}, kinds: map[string]*counted{},
	}
	records := make([]string, n)
	for i := range records {
		records[i] = runtest.Record(fmt.Sprintf("r%05d", i), "Nothing but good.", images...)
	}
	for file, content := range map[string][]byte{
		"parts/all.jsonl": runtest.Lines(records), "rubric.yaml": []byte(smallRubric),
	} {
		_, err := bucket.CreateBytes(t.Context(), m.input, run.DatasetsPrefix+"wide/"+file, content)
		m.must(err)
	}
	return m
}

// measure runs all steps from the manifest to the subset.
func measure(t testing.TB, n int) *meter {
	t.Helper()
	m := newMeter(t, n)
	plan := m.plan()
	m.deliver(events.TaskRange, n)
	m.deliver(events.TaskShard, n/2)
	m.look(plan)
	m.deliver(events.TaskRange, n)
	rated := n / 2
	for len(m.tasks[events.TaskShard]) > 0 { // some tasks are of the earlier wave
		m.deliver(events.TaskShard, max(n-rated, 1))
		rated = n
	}
	m.deliver(events.TaskSelect, 1)
	m.deliver(events.TaskPart, n/2)
	m.reconcile("reconcile parts")
	m.deliver(events.TaskPart, n)
	m.checkCompleted(plan)
	return m
}

// checkCompleted checks that the run is scored and its selection is completed.
func (m *meter) checkCompleted(plan *run.Plan) {
	m.t.Helper()
	m.restart()
	st, err := m.subsets.RunStatus(m.t.Context(), plan.Run)
	m.must(err)
	if st.State != run.StateScored || len(st.Selections) != 1 {
		m.t.Fatalf("the run is %s with %d selections", st.State, len(st.Selections))
	}
	sel, err := m.subsets.Selection(m.t.Context(), plan.Run, st.Selections[0])
	m.must(err)
	if state, err := m.subsets.State(m.t.Context(), sel); err != nil || state != subset.StateCompleted {
		m.t.Fatalf("the selection is %s (%v)", state, err)
	}
}

// handle returns the function that handles a task.
func (m *meter) handle(ctx context.Context, kind string, data []byte, id string) (err error) {
	switch kind {
	case events.TaskRange:
		_, err = m.worker.CutRange(ctx, decode[events.RangeTask](data), id)
	case events.TaskShard:
		_, err = m.worker.ScoreShard(ctx, decode[events.ShardTask](data), id)
	case events.TaskSelect:
		_, err = m.subsets.MakeSelections(ctx, decode[events.SelectTask](data))
	case events.TaskPart:
		err = m.subsets.WritePart(ctx, decode[events.PartTask](data))
	case events.TaskImages:
		_, err = m.subsets.CheckImages(ctx, m.planner(), m.worker, decode[events.ImagesTask](data))
	}
	return err
}

// planner returns the planner of the current process.
func (m *meter) planner() *run.Planner {
	m.t.Helper()
	limits := runtest.Limits()
	limits.PlanBytes, limits.RangeBytes, limits.ShardSamples = 1<<30, 1, 1
	limits.Budget = runtest.Budget(m.t, "30%")
	planner, err := run.NewPlanner(run.PlannerConfig{
		Runs: m.runs, Input: m.counted(m.input), OpenScorer: m.open, Limits: limits,
		Memory: memorytest.Budget(m.t),
		Work:   m.counted(m.work),
	})
	m.must(err)
	return planner
}

// ask requests a run of the dataset by an API call, and counts its requests.
func (m *meter) ask(kind string) (plan *run.Plan) {
	m.t.Helper()
	m.now = m.now.Add(time.Second)
	m.restart()
	m.count(kind, func(ctx context.Context) (err error) {
		spec := run.Spec{Dataset: "wide", Manifests: []string{"parts/all.jsonl"}, Rubric: "rubric.yaml"}
		id, err := m.subsets.AcceptRun(ctx, m.planner(), m.worker, spec, run.Upload{})
		if err != nil {
			return err
		}
		if plan, err = m.runs.Plan(ctx, id); errors.Is(err, run.ErrPlanning) {
			plan, _, err = m.subsets.PlanRun(ctx, m.planner(), m.worker, events.PlanTask{Run: id}, id)
		}
		return err
	})
	return plan
}

// plan starts the run.
func (m *meter) plan() *run.Plan {
	m.t.Helper()
	plan := m.ask("plan")
	if len(plan.Ranges) != m.n {
		m.t.Fatalf("%d ranges, want %d", len(plan.Ranges), m.n)
	}
	return plan
}

// look makes the calls for a half-rated run: its status, a reconcile step, and a resume.
func (m *meter) look(plan *run.Plan) {
	m.t.Helper()
	m.restart()
	m.count("status", func(ctx context.Context) error {
		_, err := m.subsets.RunStatus(ctx, plan.Run)
		return err
	})
	m.count("status again", func(ctx context.Context) error {
		_, err := m.subsets.RunStatus(ctx, plan.Run)
		return err
	})
	m.reconcile("reconcile")
	m.restart()
	m.count("resume", func(ctx context.Context) error { return m.reconciler.Resume(ctx, plan.Run, false) })
}

// reconcile makes a reconcile step at a time when published messages may be lost.
func (m *meter) reconcile(kind string) {
	m.t.Helper()
	m.now = m.now.Add(24 * time.Hour)
	m.restart()
	m.count(kind, func(ctx context.Context) error {
		var failed error
		err := m.reconciler.Reconcile(ctx, events.ReconcileTask{}, func(_ context.Context, _ run.Entry, err error) {
			failed = errors.Join(failed, err)
		})
		return errors.Join(err, failed)
	})
}

// bounds has the maximum number of requests of one delivery of each kind, at any number of ranges.
var bounds = map[string]int64{
	"plan": 120, events.TaskRange: 100, events.TaskShard: 250, events.TaskPart: 50, "reconcile": 250, "resume": 250,
	"status again": 100, "reconcile parts": 100, "request again": 100, events.TaskImages: 400,
	"accept uploads": 1000, "look at uploads": 250,
}

// TestRequests counts the requests of each kind of delivery for few and for many ranges.
func TestRequests(t *testing.T) {
	t.Parallel()
	sizes := []int{50, thorough.Size(150, 400)}
	if soak() {
		sizes = []int{200, 2000, 12_000}
	}
	for _, n := range sizes {
		m := measure(t, n)
		for _, kind := range []string{
			"plan", events.TaskRange, events.TaskShard, "status", "status again", "reconcile", "resume",
			events.TaskSelect, events.TaskPart, "reconcile parts",
		} {
			c := m.kinds[kind]
			t.Logf("%6d ranges, %-15s %6d deliveries, most %6d, in all %7d requests", n, kind, c.deliveries, c.most, c.total)
			if kind == "status again" && n > 10_000 {
				continue // with so many ranges, not all reports stay in memory
			}
			if bound := bounds[kind]; bound > 0 && c.most > bound {
				t.Errorf("%d ranges: a delivery of kind %s made %d requests, more than %d", n, kind, c.most, bound)
			}
		}
	}
}

// TestUploadRequests counts the requests of the steps that look for uploads that are not accepted yet: the number for
// one step does not depend on the number of uploads.
func TestUploadRequests(t *testing.T) {
	t.Parallel()
	for _, n := range []int{30, 300} {
		m := newMeter(t, 3)
		for i := range n {
			for _, file := range []string{"a.jsonl", "parts/b.jsonl", "parts/c.jsonl"} {
				name := fmt.Sprintf("%sd%04d/%s", run.DatasetsPrefix, i, file)
				content := runtest.Lines(runtest.Plain(fmt.Sprint(i), 1))
				_, err := bucket.CreateBytes(t.Context(), m.input, name, content)
				m.must(err)
			}
		}
		for _, kind := range []string{"accept uploads", "look at uploads"} {
			m.restart()
			m.tasks[events.TaskReconcile] = []events.Message{events.ReconcileTask{Uploads: true}.Message()}
			for len(m.tasks[events.TaskReconcile]) > 0 {
				task := decode[events.ReconcileTask](m.tasks[events.TaskReconcile][0].Data)
				m.tasks[events.TaskReconcile] = nil
				m.count(kind, func(ctx context.Context) error {
					return m.reconciler.Reconcile(ctx, task, func(_ context.Context, _ run.Entry, err error) { t.Error(err) })
				})
			}
			c := m.kinds[kind]
			t.Logf("%6d uploads, %-15s %6d deliveries, most %6d, in all %7d requests", n, kind, c.deliveries, c.most, c.total)
			if bound := bounds[kind]; c.most > bound {
				t.Errorf("%d uploads: a delivery of kind %s made %d requests, more than %d", n, kind, c.most, bound)
			}
		}
		if runs, err := m.runs.Runs(t.Context()); err != nil || len(runs) != n {
			t.Errorf("%d runs of %d uploads (%v)", len(runs), n, err)
		}
	}
}
