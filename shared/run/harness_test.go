package run_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"hash/fnv"
	"image"
	"image/png"
	"io"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/harvest-ml/harvest/shared/bucket"
	"github.com/harvest-ml/harvest/shared/dataset"
	"github.com/harvest-ml/harvest/shared/events"
	"github.com/harvest-ml/harvest/shared/images"
	"github.com/harvest-ml/harvest/shared/rubric"
	"github.com/harvest-ml/harvest/shared/run"
	"github.com/harvest-ml/harvest/shared/scorer"
	"github.com/harvest-ml/harvest/shared/scores"
	"github.com/harvest-ml/harvest/shared/selection"
)

// uploaded is when every file of the input bucket was uploaded, so that equal uploads have equal generations.
var uploaded = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)

// limits cut a few records into several ranges and shards.
func limits() run.Limits {
	return run.Limits{
		Scorer: "fake", Records: dataset.Limits{MaxRecordBytes: 2000},
		Images:     images.Limits{MaxBytes: 5000, MaxPixels: 10_000},
		RangeBytes: 1000, ShardSamples: 3, ShardBytes: 1 << 20,
	}
}

// A world is what outlives a process: buckets, topics, the scorer's service. Its store is the process
// that lives now.
type world struct {
	t      testing.TB
	store  *run.Store
	input  string // folder of the input bucket
	rater  *fakeScorer
	limits run.Limits

	mu        sync.Mutex
	now       time.Time
	queue     []delivery
	events    []events.Message // all that were published
	delivered int
	steps     int // writes and publications so far
	life      int // steps until the process is killed; -1 for ever
	work      *bucket.Folder
	in        *bucket.Folder
}

// A delivery is a message that is not acknowledged yet.
type delivery struct {
	events.Message
	attempt int
}

func newWorld(t testing.TB) *world {
	t.Helper()
	w := &world{
		t: t, input: t.TempDir(), life: -1, limits: limits(),
		now:   time.Date(2026, 2, 3, 4, 5, 6, 0, time.UTC),
		rater: &fakeScorer{id: "fake-1", rated: map[string]int{}},
	}
	var err error
	if w.in, err = bucket.OpenFolder(w.input); err != nil {
		t.Fatal(err)
	}
	if w.work, err = bucket.OpenFolder(t.TempDir()); err != nil {
		t.Fatal(err)
	}
	w.restart()
	return w
}

// restart replaces the process by a new one, which will not be killed.
func (w *world) restart() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.life = -1
	w.store = &run.Store{
		Input: w.in, Work: mortalBucket{w.work, w}, Tasks: topic{w: w}, Events: topic{w: w, events: true},
		OpenScorer: func(_ context.Context, kind string, r *rubric.Rubric) (scorer.Scorer, error) {
			if kind != "fake" {
				return nil, fmt.Errorf("there is no scorer %q", kind)
			}
			return boundScorer{w.rater, len(r.Capabilities), r.Styles}, nil
		},
		ImageBuckets: map[string]bucket.Reader{"input": w.in},
		Now:          w.clock,
	}
}

func (w *world) clock() time.Time {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.now
}

func (w *world) pass(d time.Duration) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.now = w.now.Add(d)
}

var errKilled = errors.New("the process was killed")

// step is taken before every write and publication. After the process is killed none succeeds.
func (w *world) step() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.life == 0 {
		return errKilled
	}
	w.steps++
	w.life--
	return nil
}

// kill ends the process at once.
func (w *world) kill() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.life = 0
	return errKilled
}

// mortalBucket is a bucket as a process that can be killed has it.
type mortalBucket struct {
	bucket.Bucket
	w *world
}

func (b mortalBucket) Create(ctx context.Context, name string, write func(io.Writer) error) error {
	if err := b.w.step(); err != nil {
		return err
	}
	return b.Bucket.Create(ctx, name, write)
}

func (b mortalBucket) Compose(ctx context.Context, name string, parts []string) error {
	if err := b.w.step(); err != nil {
		return err
	}
	return b.Bucket.Compose(ctx, name, parts)
}

// topic is the in-memory topic of tasks or events. Of what a process publishes as it is killed, the first half arrives.
type topic struct {
	w      *world
	events bool
}

func (p topic) Publish(_ context.Context, messages ...events.Message) error {
	err := p.w.step()
	if err != nil {
		messages = messages[:len(messages)/2]
	}
	p.w.mu.Lock()
	defer p.w.mu.Unlock()
	for _, m := range messages {
		p.w.queue = append(p.w.queue, delivery{m, 1})
	}
	if p.events {
		p.w.events = append(p.w.events, messages...)
	}
	return err
}

// deliver does with a message what the functions do.
func (w *world) deliver(d delivery) error {
	w.mu.Lock()
	w.delivered++
	id := fmt.Sprintf("delivery-%d", w.delivered)
	w.mu.Unlock()
	ctx := w.t.Context()
	switch d.Attributes[events.AttrTask] {
	case events.TaskRange:
		return w.store.CutRange(ctx, decode[events.RangeTask](w.t, d), id)
	case events.TaskShard:
		_, err := w.store.ScoreShard(ctx, decode[events.ShardTask](w.t, d), d.attempt, id)
		return err
	case events.TaskPart:
		return w.store.WritePart(ctx, decode[events.PartTask](w.t, d))
	case events.TaskSelect:
		_, err := w.store.SelectWanted(ctx, decode[events.SelectTask](w.t, d))
		return err
	}
	if d.Attributes["ce-type"] != events.RunScored {
		return nil
	}
	_, err := w.store.SelectAutomatically(ctx, decode[events.RunScoredEvent](w.t, d).Run)
	return err
}

func decode[T any](t testing.TB, d delivery) (v T) {
	t.Helper()
	if err := json.Unmarshal(d.Data, &v); err != nil {
		t.Fatal(err)
	}
	return v
}

// take removes the i-th message from the queue.
func (w *world) take(i int) delivery {
	w.mu.Lock()
	defer w.mu.Unlock()
	d := w.queue[i]
	w.queue = slices.Delete(w.queue, i, i+1)
	return d
}

// takeTask removes the first message of a kind of task from the queue.
func (w *world) takeTask(kind string) delivery {
	w.t.Helper()
	i := slices.IndexFunc(w.queue, func(d delivery) bool { return d.Attributes[events.AttrTask] == kind })
	if i < 0 {
		w.t.Fatalf("the queue has no task %q", kind)
	}
	return w.take(i)
}

// drain delivers all messages in order, also those that come meanwhile. The first failure ends it;
// its message stays in the queue.
func (w *world) drain() error {
	for len(w.queue) > 0 {
		d := w.take(0)
		if err := w.deliver(d); err != nil {
			d.attempt++
			w.queue = slices.Insert(w.queue, 0, d)
			return err
		}
	}
	return nil
}

// drainShuffled delivers every message twice, in an order drawn with the seed.
func (w *world) drainShuffled(seed uint64) error {
	rng := rand.New(rand.NewPCG(seed, 0))
	for len(w.queue) > 0 {
		d := w.take(rng.IntN(len(w.queue)))
		if err := w.deliver(d); err != nil {
			return err
		}
		if d.attempt == 1 {
			d.attempt++
			w.queue = append(w.queue, d)
		}
	}
	return nil
}

// upload puts a file into the input bucket, or replaces it.
func (w *world) upload(name string, content []byte) {
	w.t.Helper()
	file := filepath.Join(w.input, filepath.FromSlash(name))
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		w.t.Fatal(err)
	}
	if err := os.WriteFile(file, content, 0o644); err != nil {
		w.t.Fatal(err)
	}
	w.touch(name, uploaded)
}

// touch gives an object of the input bucket another generation.
func (w *world) touch(name string, at time.Time) {
	w.t.Helper()
	if err := os.Chtimes(filepath.Join(w.input, filepath.FromSlash(name)), at, at); err != nil {
		w.t.Fatal(err)
	}
}

// arrive is the notification of an upload: it starts what the object starts.
func (w *world) arrive(object string) (*run.Plan, error) {
	spec, ok, err := w.store.SpecOf(w.t.Context(), object)
	if err != nil || !ok {
		return nil, errors.Join(err, fmt.Errorf("%s starts a run: %v", object, ok))
	}
	return w.store.Start(w.t.Context(), spec, w.limits)
}

// start is arrive where nothing can go wrong.
func (w *world) start(object string) *run.Plan {
	w.t.Helper()
	plan, err := w.arrive(object)
	if err != nil {
		w.t.Fatal(err)
	}
	return plan
}

// finish delivers all messages, and holds the run's objects against the rules of accounting.
func (w *world) finish(plan *run.Plan) events.Counts {
	w.t.Helper()
	if err := w.drain(); err != nil {
		w.t.Fatal(err)
	}
	return w.account(plan)
}

// account checks that every sample is accounted for in every shard, range and marker of a scored
// run, and returns the counts.
func (w *world) account(plan *run.Plan) events.Counts {
	w.t.Helper()
	var total events.Counts
	for r, rng := range plan.Ranges {
		var report run.RangeReport
		w.readJSON(fmt.Sprintf("runs/%s/ranges/%04d.json", plan.Run, r), &report)
		if report.Range != r || report.Samples != rng.Span.Records || rng.FirstIndex != total.In {
			w.t.Errorf("range %d: the report has %d samples, the plan %d from %d on", r, report.Samples, rng.Span.Records, rng.FirstIndex)
		}
		var records []scores.Record
		for shard, n := range report.Shards {
			table := w.table(fmt.Sprintf("runs/%s/scores/%04d/%07d.parquet", plan.Run, r, shard))
			if len(table) != n {
				w.t.Errorf("shard %d of range %d: %d samples have scores, and the report says %d", shard, r, len(table), n)
			}
			records = append(records, table...)
		}
		if diff := cmp.Diff(records, w.rangeScores(plan, r)); diff != "" {
			w.t.Errorf("range %d has other scores than its shards (-shards +range):\n%s", r, diff)
		}
		for i, rec := range records {
			if rec.Range != r || rec.Position != i {
				w.t.Errorf("sample %s: it is position %d of range %d, and should be %d of %d", rec.ID, rec.Position, rec.Range, i, r)
			}
			total.In++
			switch rec.Status {
			case scores.OK:
				total.Scored++
			case scores.Failed:
				total.Failed++
			case scores.Skipped:
				total.Skipped++
			}
		}
	}
	var marker run.Scored
	w.readJSON("runs/"+plan.Run+"/scored", &marker)
	if diff := cmp.Diff(total, marker.Samples); diff != "" || total.In != plan.Samples || total.In != total.Scored+total.Failed+total.Skipped {
		w.t.Errorf("of %d samples (-scores +marker):\n%s", plan.Samples, diff)
	}
	return total
}

// records are the scores of a run, by sample id.
func (w *world) records(plan *run.Plan) map[string]scores.Record {
	w.t.Helper()
	found := map[string]scores.Record{}
	for r := range plan.Ranges {
		for _, rec := range w.rangeScores(plan, r) {
			found[rec.ID] = rec
		}
	}
	return found
}

func (w *world) rangeScores(plan *run.Plan, r int) []scores.Record {
	w.t.Helper()
	return w.table(fmt.Sprintf("runs/%s/scores/%04d.parquet", plan.Run, r))
}

func (w *world) table(name string) []scores.Record {
	w.t.Helper()
	data := w.read(name)
	table, err := scores.Read(bytes.NewReader(data), int64(len(data)))
	if err != nil {
		w.t.Fatalf("%s: %v", name, err)
	}
	return table.Records
}

func (w *world) read(name string) []byte {
	w.t.Helper()
	body, err := w.work.Open(w.t.Context(), name, 0, 0, -1)
	if err != nil {
		w.t.Fatal(err)
	}
	defer body.Close()
	data, err := io.ReadAll(body)
	if err != nil {
		w.t.Fatal(err)
	}
	return data
}

func (w *world) readJSON(name string, v any) {
	w.t.Helper()
	if err := json.Unmarshal(w.read(name), v); err != nil {
		w.t.Fatalf("%s: %v", name, err)
	}
}

// objects are the names of the work bucket below a prefix.
func (w *world) objects(prefix string) []string {
	w.t.Helper()
	names := []string{}
	for attrs, err := range w.work.List(w.t.Context(), prefix, "") {
		if err != nil {
			w.t.Fatal(err)
		}
		names = append(names, attrs.Name)
	}
	return names
}

var deliveryID = regexp.MustCompile(`"delivery": "[^"]*"`)

// snapshot holds a hash of every object of the work bucket by its name. Delivery ids do not count.
func (w *world) snapshot() map[string]string {
	w.t.Helper()
	hashes := map[string]string{}
	for _, name := range w.objects("") {
		sum := sha256.Sum256(deliveryID.ReplaceAll(w.read(name), nil))
		hashes[name] = fmt.Sprintf("%x", sum[:6])
	}
	return hashes
}

// eventIDs are the ids of all events of a type that were published.
func (w *world) eventIDs(kind string) []string {
	var ids []string
	for _, m := range w.events {
		if m.Attributes["ce-type"] == kind {
			ids = append(ids, m.Attributes["ce-id"])
		}
	}
	return ids
}

func (w *world) status(id string) *run.Status {
	w.t.Helper()
	st, err := w.store.Status(w.t.Context(), id)
	if err != nil {
		w.t.Fatal(err)
	}
	return st
}

// fakeScorer rates by a hash of the sample's record and images, and counts.
type fakeScorer struct {
	id string
	mu sync.Mutex
	// rated counts how often each sample was rated, by id.
	rated map[string]int
	// before is called before a sample is rated. Its error is one of the world.
	before func(*dataset.Sample) error
	// short has every answer lack its last result.
	short bool
}

func (f *fakeScorer) times(id string) int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.rated[id]
}

func (f *fakeScorer) counts() map[string]int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return maps.Clone(f.rated)
}

// Words in a sample's answer that have the fakeScorer treat it specially.
const (
	unratable = "UNRATABLE"
	styleless = "STYLELESS"
	unrated   = "UNRATED"
	worthless = "WORTHLESS"
)

// boundScorer is a fakeScorer for one rubric.
type boundScorer struct {
	*fakeScorer
	capabilities int
	styles       []string
}

func (s boundScorer) ID() string { return s.id }

func (s boundScorer) Rate(_ context.Context, items []scorer.Item) ([]scorer.Result, error) {
	results := make([]scorer.Result, len(items))
	for i, item := range items {
		if s.before != nil {
			if err := s.before(item.Sample); err != nil {
				return nil, err
			}
		}
		s.mu.Lock()
		s.rated[item.Sample.ID]++
		s.mu.Unlock()
		results[i] = s.rate(item)
	}
	if s.short {
		results = results[:len(results)-1]
	}
	return results, nil
}

func (s boundScorer) rate(item scorer.Item) scorer.Result {
	h := fnv.New64a()
	h.Write(item.Sample.Raw)
	for _, img := range item.Images {
		h.Write(img)
	}
	rng := rand.New(rand.NewPCG(h.Sum64(), 0))
	answer := string(item.Sample.Raw)
	if strings.Contains(answer, unratable) {
		return scorer.Result{Reason: "unratable: the fake scorer was told so"}
	}
	res := scorer.Result{Styles: []string{s.styles[rng.IntN(len(s.styles))]}}
	for range s.capabilities {
		rating := int8(1 + rng.IntN(scorer.MaxRating))
		switch {
		case strings.Contains(answer, unrated):
			rating = scorer.Missing
		case strings.Contains(answer, worthless):
			rating = 0
		}
		res.Ratings = append(res.Ratings, rating)
		res.Expected = append(res.Expected, float32(max(rating, 0)))
	}
	if strings.Contains(answer, styleless) {
		res.Styles, res.OtherStyles = nil, []string{"limerick"}
	}
	return res
}

// record is one record in LLaVA's form.
func record(id, answer string, images ...string) string {
	raw, err := json.Marshal(map[string]any{
		"id": id, "image": images, "data_source": "tests",
		"conversations": []map[string]string{
			{"from": "human", "value": strings.Repeat("<image>\n", len(images)) + "What is said of " + id + "?"},
			{"from": "gpt", "value": answer},
		},
	})
	if err != nil {
		panic(err) // strings only: cannot happen
	}
	return string(raw)
}

// plain are n sound records without images, named by prefix and number.
func plain(prefix string, n int) []string {
	records := make([]string, n)
	for i := range records {
		records[i] = record(fmt.Sprintf("%s%02d", prefix, i), "Nothing but good.")
	}
	return records
}

// mixed are records of every fate that needs no image: 9 scored, one of them without a style, 2 failed, 1 skipped.
func mixed() []string {
	records := append(plain("m", 8), record("odd", styleless), record("bad", unratable), `{"id": "hollow"}`)
	return slices.Insert(records, 2, record("m01", "The same id again."))
}

// array and lines are manifests of both formats.
func array(records []string) []byte {
	return []byte("[\n  " + strings.Join(records, ",\n  ") + "\n]\n")
}
func lines(records []string) []byte { return []byte(strings.Join(records, "\n") + "\n") }

func pngImage(t testing.TB, width, height int) []byte {
	t.Helper()
	var out bytes.Buffer
	if err := png.Encode(&out, image.NewGray(image.Rect(0, 0, width, height))); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func budget(t testing.TB, text string) selection.Budget {
	t.Helper()
	b, err := selection.ParseBudget(text)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// refusal is the reason of an error that should be a *run.RefusedError.
func refusal(t testing.TB, err error) string {
	t.Helper()
	var refused *run.RefusedError
	if !errors.As(err, &refused) {
		t.Fatalf("got error %v, want a *run.RefusedError", err)
	}
	return refused.Reason
}
