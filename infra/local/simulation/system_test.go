// Package simulation_test simulates days of the work on runs, with the real workers, and with a queue and endpoints
// that have faults. It also counts the requests of each step.
package simulation_test

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/harvest-ml/harvest/infra/local/queue"
	"github.com/harvest-ml/harvest/infra/local/queue/queuetest"
	"github.com/harvest-ml/harvest/shared/bucket"
	"github.com/harvest-ml/harvest/shared/events"
	"github.com/harvest-ml/harvest/shared/memory/memorytest"
	"github.com/harvest-ml/harvest/shared/rubric"
	"github.com/harvest-ml/harvest/shared/run"
	"github.com/harvest-ml/harvest/shared/run/runtest"
	"github.com/harvest-ml/harvest/shared/scorer"
	"github.com/harvest-ml/harvest/shared/subset"
	"github.com/harvest-ml/harvest/shared/thorough"
)

// TestMain lets the tests use more memory, which saves time for garbage collection. With -short, as under the race
// detector, it runs no tests, because in simulated time only one goroutine runs at a time.
func TestMain(m *testing.M) {
	flag.Parse()
	if testing.Short() {
		fmt.Println("skipped: in simulated time the race detector finds no races")
		return
	}
	thorough.Quicken()
	m.Run()
}

const (
	slots        = 4                 // shards that are rated concurrently
	shardTime    = 246 * time.Second // time for a shard
	schedule     = 10 * time.Minute  // interval of reconcile tasks
	width        = 16                // width of a run's first wave
	shardSamples = 2
	rangeShards  = 100 // approximate number
)

// smallRubric has few capabilities and styles, so that files of scores are small.
const smallRubric = "name: small\ncapabilities: [logic]\nstyles: [word]\n"

// faults has the shares of messages and deliveries with faults.
type faults struct {
	duplicate, late, lost float64
	killed                float64 // share of deliveries whose process is killed, at a time or at a write or publication
}

var someFaults = faults{duplicate: 0.01, late: 0.01, lost: 0.001, killed: 0.01}

// A system is Harvest in the cloud, in simulated time.
type system struct {
	t      testing.TB
	clock  *queuetest.Clock
	queue  *queue.Queue
	random *rand.Rand
	input  *bucket.Memory
	work   *bucket.Memory
	rater  *runtest.Scorer
	faults faults
	width  int         // width of the waves that new processes begin
	away   func() bool // whether the scorer is unreachable

	idle      []*process
	processes int
	scorings  int            // number of times that a whole shard was begun
	alone     int            // samples that were rated alone
	deaths    map[string]int // deaths of processes, by their task
	ended     map[string]time.Duration
	completed map[string]bool // completed selections
	inFlight  int             // maximum number of shard messages that were published and not yet acknowledged
	// acknowledged has the ids of the acknowledged shard messages. The queue's copy of a message has the same id.
	acknowledged map[string]bool
	since        time.Time
}

func newSystem(t testing.TB, f faults) *system {
	t.Helper()
	s := &system{
		t: t, clock: queuetest.NewClock(), random: rand.New(rand.NewPCG(1, 2)), faults: f, width: width,
		input: bucket.NewMemory(), work: bucket.NewMemory(), away: func() bool { return false },
		rater:  &runtest.Scorer{Name: "fake-1", Rated: map[string]int{}},
		deaths: map[string]int{}, ended: map[string]time.Duration{}, completed: map[string]bool{},
		acknowledged: map[string]bool{},
	}
	s.since = s.clock.Now()
	ctx, stop := context.WithCancel(t.Context())
	q, err := queue.New(ctx, queue.Config{Clock: s.clock, Log: slog.New(slog.DiscardHandler), Seed: 1})
	s.must(err)
	s.queue = q
	t.Cleanup(func() {
		stop()
		s.clock.Run(func() bool { return false })
	})
	endpoint := func(slots int) *queuetest.Endpoint {
		return &queuetest.Endpoint{
			Clock: s.clock, Push: s.push, Slots: slots, Patience: 10 * time.Second, Seed: 3,
			Kill: f.killed / 2, KillAfter: shardTime * 5 / 4,
		}
	}
	rating := endpoint(slots) // one service handles the shards of all subscriptions
	for _, sub := range events.Subscriptions() {
		push := endpoint(20).Deliver
		if slices.Contains(shardSubscriptions, sub.Name) {
			push = s.counted(rating.Deliver)
		}
		s.subscribe(queue.Subscription{
			Subscription: sub, Push: push, Slots: 10_000,
			Faults: queue.Faults{Duplicate: f.duplicate, Late: f.late, LateAfter: 10 * time.Minute, Loss: f.lost},
		})
	}
	s.subscribe(queue.Subscription{
		Subscription: events.Subscription{Name: "watch", Topic: events.TopicEvents}, Push: s.event, Slots: 1,
	})
	s.schedule()
	return s
}

func (s *system) must(err error) {
	s.t.Helper()
	if err != nil {
		s.t.Fatal(err)
	}
}

// subscribe adds subscriptions with the retry policy of the cloud.
func (s *system) subscribe(sub queue.Subscription) {
	sub.Retry = queue.Retry{Min: 10 * time.Second, Max: 600 * time.Second}
	s.must(s.queue.Subscribe(sub))
}

// counted records the ids of acknowledged messages.
func (s *system) counted(push queue.Push) queue.Push {
	return func(ctx context.Context, e events.Envelope) (int, error) {
		status, err := push(ctx, e)
		if status == http.StatusNoContent && ctx.Err() == nil {
			s.acknowledged[e.Message.MessageID] = true
		}
		return status, err
	}
}

// schedule publishes reconcile tasks until the end of the test.
func (s *system) schedule() {
	s.clock.AfterFunc(schedule, func() {
		if s.t.Context().Err() != nil {
			return
		}
		s.schedule()
		_ = s.queue.Topic(events.TopicTasks).Publish(s.t.Context(), events.ReconcileTask{}.Message())
	})
}

// now returns the simulated time that has passed.
func (s *system) now() time.Duration { return s.clock.Now().Sub(s.since) }

// event records completed runs and selections.
func (s *system) event(_ context.Context, e events.Envelope) (int, error) {
	switch e.Message.Attributes[events.AttrType] {
	case events.RunScored:
		if id := e.Message.Attributes["ce-id"]; s.ended[id] == 0 {
			s.ended[id] = s.now()
		}
	case events.SelectionCompleted:
		s.completed[e.Message.Attributes["ce-id"]] = true
	}
	return http.StatusNoContent, nil
}

// begin starts a run of a dataset with this number of shards. The run selects 30 % of the dataset.
func (s *system) begin(name string, shards int) *run.Plan {
	s.t.Helper()
	records := make([]string, shards*shardSamples)
	for i := range records {
		records[i] = runtest.Record(fmt.Sprintf("%s%07d", name, i), "Nothing but good.")
	}
	manifest := runtest.Lines(records)
	for file, content := range map[string][]byte{"parts/all.jsonl": manifest, "rubric.yaml": []byte(smallRubric)} {
		_, err := bucket.CreateBytes(s.t.Context(), s.input, run.DatasetsPrefix+name+"/"+file, content)
		s.must(err)
	}
	limits := runtest.Limits()
	limits.ShardSamples, limits.RangeBytes = shardSamples, int64(len(records[0])+1)*shardSamples*rangeShards
	limits.Budget = runtest.Budget(s.t, "30%")
	p := s.process()
	planner := s.planner(p.runs, limits)
	spec := run.Spec{Dataset: name, Manifests: []string{"parts/all.jsonl"}, Rubric: "rubric.yaml"}
	plan, err := planner.Plan(s.t.Context(), spec)
	s.must(err)
	_, err = p.worker.Start(s.t.Context(), plan)
	s.must(err)
	return plan
}

// planner returns the planner of a process.
func (s *system) planner(runs *run.Reader, limits run.Limits) *run.Planner {
	s.t.Helper()
	planner, err := run.NewPlanner(run.PlannerConfig{
		Runs: runs, Input: s.input, Work: s.work, OpenScorer: s.open, Limits: limits, Memory: memorytest.Budget(s.t),
	})
	s.must(err)
	return planner
}

// runUntil lets time pass until done returns true. After the time longest, the test fails.
func (s *system) runUntil(longest time.Duration, done func() bool) {
	s.t.Helper()
	s.clock.Run(func() bool {
		stats := s.shards()
		s.inFlight = max(s.inFlight, stats.Arrived-stats.Lost-len(s.acknowledged))
		return s.now() > longest || done()
	})
	if s.now() > longest {
		s.t.Errorf("not done after %s", longest)
	}
}

// shardSubscriptions are the subscriptions of the shards of large and of small runs.
var shardSubscriptions = []string{"score", "score-small"}

// shards returns the statistics of the deliveries of shards.
func (s *system) shards() (sum queue.Stats) {
	for _, name := range shardSubscriptions {
		stats := s.queue.Stats(name)
		sum.Arrived += stats.Arrived
		sum.Pushed += stats.Pushed
		sum.Lost += stats.Lost
		sum.Duplicated += stats.Duplicated
		sum.Late += stats.Late
	}
	return sum
}

// finish lets time pass until this number of selections is completed.
func (s *system) finish(longest time.Duration, selections int) {
	s.t.Helper()
	s.runUntil(longest, func() bool { return len(s.completed) == selections })
}

// objects returns the names of a run's objects below a prefix.
func (s *system) objects(plan *run.Plan, prefix string) []string {
	s.t.Helper()
	var names []string
	folder := run.Folder(plan.Run) + prefix
	for attrs, err := range s.work.List(s.t.Context(), folder, "") {
		s.must(err)
		names = append(names, strings.TrimPrefix(attrs.Name, folder))
	}
	return names
}

// open opens the scorer.
func (s *system) open(_ context.Context, _ string, r *rubric.Rubric) (scorer.Scorer, error) {
	if s.away() {
		return nil, scorer.ErrUnavailable
	}
	return slowScorer{s.rater.For(r), s}, nil
}

// A slowScorer needs simulated time for each rating.
type slowScorer struct {
	scorer.Scorer
	system *system
}

func (r slowScorer) Rate(ctx context.Context, items []scorer.Item) ([]scorer.Result, error) {
	if len(items) < shardSamples {
		r.system.alone++
	} else {
		r.system.scorings++
	}
	if err := r.system.clock.Sleep(ctx, shardTime); err != nil {
		return nil, err
	}
	return r.Scorer.Rate(ctx, items)
}

// A process is an instance of a service. It handles one message at a time. After it is killed, it writes nothing.
type process struct {
	system     *system
	runs       *run.Reader
	worker     *run.Worker
	subsets    *subset.Selector
	reconciler *subset.Reconciler

	ctx  context.Context // context of the current delivery
	life int             // number of writes and publications until the process is killed; -1 for no kill
}

var errKilled = errors.New("the process was killed")

// process returns an idle process.
func (s *system) process() *process {
	s.t.Helper()
	if n := len(s.idle); n > 0 {
		p := s.idle[n-1]
		s.idle = s.idle[:n-1]
		return p
	}
	s.processes++
	p := &process{system: s, ctx: s.t.Context(), life: -1}
	work, self := mortalBucket{s.work, p}, run.Process{ID: fmt.Sprintf("process-%d", s.processes)}
	tasks := mortalTopic{s.queue.Topic(events.TopicTasks), p}
	var errs [5]error
	notices, err := events.NewFeed(mortalTopic{s.queue.Topic(events.TopicEvents), p}, runtest.Origin(), s.clock.Now)
	errs[4] = err
	p.runs, errs[0] = run.NewReader(work, run.DefaultCacheBytes)
	p.worker, errs[1] = run.NewWorker(run.WorkerConfig{
		Runs: p.runs, Input: s.input, Work: work, OpenScorer: s.open, Tasks: tasks, Events: notices,
		Now: s.clock.Now, Width: s.width, Process: self, Memory: memorytest.Budget(s.t),
	})
	p.subsets, errs[2] = subset.NewSelector(subset.Config{
		Runs: p.runs, Work: work, Input: s.input, Tasks: tasks, Events: notices, Now: s.clock.Now, Process: self,
		Limits: subset.DefaultLimits(), Reports: runtest.Report{}, Memory: memorytest.Budget(s.t),
	})
	p.reconciler, errs[3] = subset.NewReconciler(s.planner(p.runs, runtest.Limits()), p.worker, p.subsets)
	s.must(errors.Join(errs[:]...))
	return p
}

// push handles the messages of every function.
func (s *system) push(ctx context.Context, e events.Envelope) (int, error) {
	p := s.process()
	p.ctx, p.life = ctx, -1
	if s.faults.killed > 0 && s.random.Float64() < s.faults.killed/2 {
		p.life = s.random.IntN(10)
	}
	err := p.handle(ctx, e)
	if p.killed() {
		s.deaths[string(e.Message.Data)]++
		return 0, errKilled
	}
	p.ctx = s.t.Context()
	s.idle = append(s.idle, p)
	_, refused := errors.AsType[*run.RefusedError](err)
	if err == nil || refused || events.IsDataError(err) {
		return http.StatusNoContent, nil
	}
	return http.StatusServiceUnavailable, nil
}

func (p *process) handle(ctx context.Context, e events.Envelope) error {
	id, data := e.Message.MessageID, e.Message.Data
	switch e.Message.Attributes[events.AttrTask] {
	case events.TaskRange:
		_, err := p.worker.CutRange(ctx, decode[events.RangeTask](data), id)
		return err
	case events.TaskShard:
		_, err := p.worker.ScoreShard(ctx, decode[events.ShardTask](data), id)
		return err
	case events.TaskPart:
		return p.subsets.WritePart(ctx, decode[events.PartTask](data))
	case events.TaskSelect:
		_, err := p.subsets.MakeSelections(ctx, decode[events.SelectTask](data))
		return err
	case events.TaskReconcile:
		// A killed process fails its messages; the next process continues them.
		return p.reconciler.Reconcile(ctx, decode[events.ReconcileTask](data), func(context.Context, run.Entry, error) {})
	default:
		return nil
	}
}

func decode[T any](data []byte) (v T) {
	if err := json.Unmarshal(data, &v); err != nil {
		panic(err) // cannot happen: this program made the message
	}
	return v
}

// killed reports whether the process was killed: by its endpoint, or after its planned number of steps. If the queue
// cancels a delivery, the cause is context.Canceled.
func (p *process) killed() bool {
	cause := context.Cause(p.ctx)
	return p.life == 0 || cause != nil && !errors.Is(cause, context.Canceled)
}

// step is called before every write and publication. It returns an error if the process is killed.
func (p *process) step() error {
	if p.killed() {
		return errKilled
	}
	if p.life > 0 {
		p.life--
	}
	return nil
}

type mortalBucket struct {
	bucket.Bucket
	process *process
}

func (b mortalBucket) Create(ctx context.Context, name string, write func(io.Writer) error) error {
	if err := b.process.step(); err != nil {
		return err
	}
	return b.Bucket.Create(ctx, name, write)
}

func (b mortalBucket) Compose(ctx context.Context, name string, parts []string) error {
	if err := b.process.step(); err != nil {
		return err
	}
	return b.Bucket.Compose(ctx, name, parts)
}

type mortalTopic struct {
	events.Publisher
	process *process
}

func (t mortalTopic) Publish(ctx context.Context, messages ...events.Message) error {
	if err := t.process.step(); err != nil {
		return err
	}
	return t.Publisher.Publish(ctx, messages...)
}
