//go:build load

// Package load tests the whole system on one machine under load: many clients call the API concurrently, and datasets
// are uploaded at the same time.
package load

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"os"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/harvest-ml/harvest/infra/local"
	"github.com/harvest-ml/harvest/shared/bucket"
	"github.com/harvest-ml/harvest/shared/dataset"
	"github.com/harvest-ml/harvest/shared/events"
	"github.com/harvest-ml/harvest/shared/images"
	"github.com/harvest-ml/harvest/shared/memory/memorytest"
	"github.com/harvest-ml/harvest/shared/run"
	"github.com/harvest-ml/harvest/shared/run/runtest"
	"github.com/harvest-ml/harvest/shared/scorer/kinds"
	"github.com/harvest-ml/harvest/shared/selection"
	"github.com/harvest-ml/harvest/shared/subset"
	"github.com/harvest-ml/harvest/shared/thorough"
)

const (
	clients = 200
	// samples is the size of each dataset.
	samples = 60
	// phases is the number of phases of the mixed load. After each phase the test measures memory and goroutines.
	phases = 5
	// cached is the limit, in bytes, of the cache of runs and selections, and of the cache of pools. With the durations
	// of the gate, one phase fills both caches.
	cached = 4 << 20
	// patience is the maximum time, after a load, until all work is done.
	patience = 5 * time.Minute
)

// durations returns the durations of the clients' calls and of the mixed load. With HARVEST_LOAD in the environment
// these are the durations of the gate, otherwise short durations.
func durations() (calls, mixed time.Duration) {
	if os.Getenv("HARVEST_LOAD") != "" {
		return time.Minute, 10 * time.Minute
	}
	return time.Second, 3 * time.Second
}

// A system is a stack with its input, its datasets and its completed selections.
type system struct {
	*local.Stack
	input  bucket.Bucket
	client *http.Client

	mu         sync.Mutex
	selections []string // <run>/<selection>, in the order of their completion
	dropped    int

	calls, refused atomic.Int64
}

// start starts a system with small ranges, shards and caches.
func start(t *testing.T) *system {
	t.Helper()
	return startWith(t, func(o *local.Options) {
		o.Limits.RangeBytes, o.Limits.ShardSamples, o.Limits.ShardBytes = 4<<10, 20, 1<<20
		o.Selections = subset.Limits{PoolBytes: cached, CacheBytes: cached, Waiting: 8, AnsweredSamples: 1_000_000}
	})
}

// startWith starts a system with the default limits of a service, modified by change.
func startWith(t testing.TB, change func(*local.Options)) *system {
	t.Helper()
	s := &system{client: &http.Client{
		Timeout: time.Minute, Transport: &http.Transport{MaxIdleConnsPerHost: clients, IdleConnTimeout: time.Second},
	}}
	input, err := bucket.OpenFolder(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	work, err := bucket.OpenFolder(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	budget := memorytest.Budget(t)
	scorers, err := kinds.New(kinds.Config{}, budget, nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	share, err := selection.ParseBudget("30%")
	if err != nil {
		t.Fatal(err)
	}
	s.input = input
	options := local.Options{
		Input: input, Work: work, Memory: budget, OpenScorer: scorers.Open, Log: slog.New(slog.DiscardHandler),
		Limits: run.Limits{
			Scorer: kinds.Embedded, Budget: share, Records: dataset.Limits{MaxRecordBytes: 1 << 20},
			Images: images.Limits{
				MaxBytes: 1 << 24, MaxPixels: 1 << 24, MaxDecodedBytes: 1 << 29, MaxImages: 64, MaxSampleBytes: 1 << 28,
			},
			PlanBytes: 8 << 30, RangeBytes: 16 << 20, ShardSamples: 200, ShardBytes: 64 << 20, InFlight: 16,
		},
		OnEvent: s.event, Reconcile: time.Second,
	}
	change(&options)
	s.Stack, err = local.Start(t.Context(), options)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

func (s *system) event(m events.Message) {
	if m.Attributes[events.AttrType] != events.SelectionCompleted {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.selections = append(s.selections, m.Attributes["ce-id"])
}

// drop uploads a new dataset.
func (s *system) drop(ctx context.Context) error {
	s.mu.Lock()
	number := s.dropped
	s.dropped++
	s.mu.Unlock()
	return s.upload(ctx, fmt.Sprintf("datasets/d%d/all.json", number),
		runtest.Array(runtest.Plain(fmt.Sprintf("d%d-", number), samples)))
}

// upload uploads an object that starts a run.
func (s *system) upload(ctx context.Context, object string, content []byte) error {
	if _, err := bucket.CreateBytes(ctx, s.input, object, content); err != nil {
		return err
	}
	return s.Upload(ctx, object)
}

// known returns a completed selection, and its run.
func (s *system) known(random *rand.Rand) (runID, id string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	runID, id, _ = strings.Cut(s.selections[random.IntN(len(s.selections))], "/")
	return runID, id
}

// settle waits until each dataset has a selection and the parts and reports of all selections are written.
func (s *system) settle(t testing.TB, patience time.Duration) {
	t.Helper()
	for end := time.Now().Add(patience); ; time.Sleep(20 * time.Millisecond) {
		s.mu.Lock()
		made := map[string]bool{}
		for _, one := range s.selections {
			runID, _, _ := strings.Cut(one, "/")
			made[runID] = true
		}
		dropped := s.dropped
		s.mu.Unlock()
		outstanding := s.Outstanding()
		if len(made) == dropped && outstanding == 0 {
			return
		}
		if time.Now().After(end) {
			t.Fatalf("after %v %d of %d datasets have a selection, and %d deliveries are outstanding",
				patience, len(made), dropped, outstanding)
		}
	}
}

// call makes a random call of the API. A 5xx answer is an error.
func (s *system) call(ctx context.Context, random *rand.Rand) error {
	runID, id := s.known(random)
	method, path, body := http.MethodGet, "/v1/runs/"+runID, ""
	switch random.IntN(10) {
	case 0:
		path = "/v1/runs"
	case 1, 2:
		path += "/selections/" + id
	case 3:
		path += "/selections/" + id + "/explain?id=1"
	case 4:
		path = "/v1/runs/none-0123456789ab"
	case 5:
		method, path, body = http.MethodPost, path+"/selections", `{"budget": "no budget"}`
	case 6:
		method, path = http.MethodPost, path+"/selections"
		body = fmt.Sprintf(`{"budget": %d}`, 1+random.IntN(10))
	}
	req, err := http.NewRequestWithContext(ctx, method, s.URL+path, strings.NewReader(body))
	if err != nil {
		return err
	}
	resp, err := s.client.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	answer, err := io.ReadAll(resp.Body)
	if err != nil {
		return err
	}
	s.calls.Add(1)
	switch {
	case resp.StatusCode >= 500:
		return fmt.Errorf("%s %s %s: %s: %s", method, path, body, resp.Status, answer)
	case resp.StatusCode == http.StatusTooManyRequests:
		s.refused.Add(1)
	}
	return nil
}

// load lets n clients call the API for a duration. Each client ends after its last answer.
func (s *system) load(t *testing.T, n int, d time.Duration) {
	t.Helper()
	end := time.Now().Add(d)
	var group sync.WaitGroup
	for number := range n {
		group.Go(func() {
			random := rand.New(rand.NewPCG(uint64(number), s.seed()))
			for time.Now().Before(end) {
				if err := s.call(t.Context(), random); err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	group.Wait()
}

// seed returns a seed that is different in each phase.
func (s *system) seed() uint64 { return uint64(s.calls.Load()) }

// A state is the number of goroutines and the heap size of an idle process.
type state struct {
	goroutines int
	heap       uint64 // bytes
}

// idle returns the state after unused connections have ended.
func (s *system) idle() state {
	s.client.CloseIdleConnections()
	least := state{goroutines: 1 << 30}
	for range 12 {
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		now := state{runtime.NumGoroutine(), m.HeapAlloc}
		if now.goroutines < least.goroutines {
			least = now
		}
		least.heap = min(least.heap, now.heap)
		time.Sleep(25 * time.Millisecond)
	}
	return least
}

// flat checks that a load has left at most 10 more goroutines, and at most `most` more bytes of heap.
func flat(t *testing.T, before, after state, most uint64) {
	t.Helper()
	if after.goroutines > before.goroutines+10 || after.heap > before.heap+most {
		t.Errorf("after the load %d goroutines and %d MB of heap, and before it %d and %d MB",
			after.goroutines, after.heap>>20, before.goroutines, before.heap>>20)
	}
}

// TestLoad calls the API with 200 concurrent clients. Then datasets are uploaded while some clients call the API. No
// call gets a 5xx answer, each dataset gets its selection, and goroutines and memory do not grow once caches are full.
func TestLoad(t *testing.T) {
	thorough.Only(t)
	calls, mixed := durations()
	s := start(t)
	if err := s.drop(t.Context()); err != nil {
		t.Fatal(err)
	}
	s.settle(t, patience)
	s.load(t, clients, calls/10) // fills caches
	s.settle(t, patience)
	before := s.idle()
	s.load(t, clients, calls)
	s.settle(t, patience)
	after := s.idle()
	flat(t, before, after, 4*cached)
	t.Logf("%d clients for %v: %d calls, %d answered 429; %d -> %d goroutines, %d -> %d MB", clients, calls,
		s.calls.Load(), s.refused.Load(), before.goroutines, after.goroutines, before.heap>>20, after.heap>>20)

	var first state
	for phase := range phases {
		ended, cancel := context.WithTimeout(t.Context(), mixed/phases)
		var dropping sync.WaitGroup
		dropping.Go(func() {
			for ended.Err() == nil {
				if err := s.drop(t.Context()); err != nil {
					t.Error(err)
				}
				select {
				case <-ended.Done():
				case <-time.After(max(mixed/300, 200*time.Millisecond)):
				}
			}
		})
		s.load(t, clients/10, mixed/phases)
		dropping.Wait()
		cancel()
		s.settle(t, patience)
		now := s.idle()
		t.Logf("phase %d: %d calls, %d datasets, %d goroutines, %d MB",
			phase+1, s.calls.Load(), s.dropped, now.goroutines, now.heap>>20)
		if phase == 0 {
			first = now
		} else {
			flat(t, first, now, 2*cached)
		}
	}
}
