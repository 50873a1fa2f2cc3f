// Package memory bounds the memory of a process for images: encoded images while their samples are rated, and one
// decoded image at a time for each sample. There is a reserve for all other memory. If there is no room, work waits; it
// does not fail.
package memory

import (
	"context"
	"errors"
	"fmt"
	"math"
	"runtime"
	"runtime/metrics"
	"sync"

	"golang.org/x/sync/semaphore"
)

// Reserve is the part of a process's memory, in bytes, that is kept for everything except images: the program, the
// records of the shards at work, caches, and bodies of the API.
const Reserve = 352 << 20

// Need is the memory for the largest sample within the limits.
type Need struct {
	// Hold is for its encoded images while it is rated, in bytes.
	Hold int64
	// Step is for decoding one image, in bytes.
	Step int64
	// Settings name the variables that determine Hold and Step.
	Settings string
}

// A Budget is the memory of a process for images. A process has one. It is safe for concurrent use.
//
// No order of work can end in a deadlock. Readers are acquired first, then Holds, then Steps. All Readers together
// leave room for the largest sample, and all Holds together leave room for the largest Step. A Hold waits only while it
// is empty, and a Step ends without waiting.
type Budget struct {
	limit   Limit
	need    Need
	all     *semaphore.Weighted // of all that is taken
	holds   *semaphore.Weighted // of Holds and readers
	readers *semaphore.Weighted
	spare   int64 // bytes for readers
}

// New makes the budget of a process. It is an error if it has no room for the largest sample. The error names the
// settings to raise or lower.
func New(limit Limit, need Need) (*Budget, error) {
	size := limit.Bytes - Reserve
	if need.Hold < 0 || need.Step < 0 || size < need.Hold+need.Step {
		return nil, fmt.Errorf("%s is %s, and the largest sample within the limits takes %s of images, and %s for "+
			"everything else: give the process %s or more, by its container's memory or by GOMEMLIMIT, or lower %s",
			limit.Source, mib(limit.Bytes), mib(need.Hold+need.Step), mib(Reserve), mib(need.Hold+need.Step+Reserve),
			need.Settings)
	}
	spare := size - need.Step - need.Hold
	return &Budget{
		limit: limit, need: need, all: semaphore.NewWeighted(size), holds: semaphore.NewWeighted(size - need.Step),
		readers: semaphore.NewWeighted(spare), spare: spare,
	}, nil
}

// mib is a number of bytes for people.
func mib(bytes int64) string { return fmt.Sprintf("%d MiB", (bytes+1<<20-1)>>20) }

// ErrFull is the error of a Hold that has no room for another sample now.
var ErrFull = errors.New("there is no memory for another sample now")

// A TooLargeError is the error of a request for more memory than the budget ever has: it would wait forever.
type TooLargeError struct {
	Bytes, Most int64
	Settings    string // the variables that Most follows from
}

// Error says what to do.
func (e *TooLargeError) Error() string {
	return fmt.Sprintf("images take %d bytes, and this process was started for %d of a sample: start it with the limits "+
		"of the run (%s)", e.Bytes, e.Most, e.Settings)
}

// tooLarge is the error of a request for more memory than the whole budget, which would wait forever.
func (b *Budget) tooLarge(bytes, most int64) error {
	return &TooLargeError{bytes, most, b.need.Settings}
}

// A Hold is the memory of samples that are rated together. It is safe for concurrent use.
type Hold struct {
	budget  *Budget
	perByte float64
	mu      sync.Mutex
	held    int64
}

// NewHold makes an empty Hold of samples that take perByte bytes, 1 or more, for each byte of their encoded images.
func (b *Budget) NewHold(perByte float64) *Hold { return &Hold{budget: b, perByte: perByte} }

// Held is the memory that images of size bytes take while they are rated, at perByte bytes for each byte.
func Held(size int64, perByte float64) int64 { return int64(math.Ceil(perByte * float64(size))) }

// Add acquires the memory for a sample whose encoded images have size bytes, before they are read. If h is empty, it
// waits for room; otherwise it returns ErrFull if there is no room now. Other errors: the context ended, or the sample
// exceeds the limits that the process was started with.
func (h *Hold) Add(ctx context.Context, size int64) error {
	bytes := Held(size, h.perByte)
	if bytes == 0 {
		return nil
	}
	if bytes > h.budget.need.Hold {
		return h.budget.tooLarge(bytes, h.budget.need.Hold)
	}
	h.mu.Lock() // the other samples have no memory while the first one waits, so it cannot wait for them
	defer h.mu.Unlock()
	if err := h.acquire(ctx, bytes); err != nil {
		return err
	}
	h.held += bytes
	return nil
}

func (h *Hold) acquire(ctx context.Context, bytes int64) error {
	b := h.budget
	if h.held > 0 {
		if !b.holds.TryAcquire(bytes) {
			return ErrFull
		}
		if !b.all.TryAcquire(bytes) {
			b.holds.Release(bytes)
			return ErrFull
		}
		return nil
	}
	if err := b.holds.Acquire(ctx, bytes); err != nil {
		return fmt.Errorf("waiting for memory: %w", err)
	}
	if err := b.all.Acquire(ctx, bytes); err != nil {
		b.holds.Release(bytes)
		return fmt.Errorf("waiting for memory: %w", err)
	}
	return nil
}

// Release frees the memory of h. Its images must not be used afterwards.
func (h *Hold) Release() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.budget.all.Release(h.held)
	h.budget.holds.Release(h.held)
	h.held = 0
}

// Step waits for room and calls do, which takes a number of bytes and frees them before it returns. do must not acquire
// memory. Errors: the context ended, or the step exceeds the limits that the process was started with.
func (b *Budget) Step(ctx context.Context, bytes int64, do func()) error {
	if bytes > b.need.Step {
		return b.tooLarge(bytes, b.need.Step)
	}
	if err := b.all.Acquire(ctx, bytes); err != nil {
		return fmt.Errorf("waiting for memory: %w", err)
	}
	defer b.all.Release(bytes)
	b.collect(bytes)
	do()
	return nil
}

// Reader waits for the memory of a reader of images in a container, which keeps bytes while it is open. release frees
// it. Call Reader before any Hold for its images. If the process has no memory beyond the largest sample, the Reserve
// covers the reader. The error says that the context ended.
func (b *Budget) Reader(ctx context.Context, bytes int64) (release func(), err error) {
	bytes = min(bytes, b.spare)
	taken := make([]*semaphore.Weighted, 0, 3)
	release = func() {
		for _, s := range taken {
			s.Release(bytes)
		}
		taken = nil
	}
	for _, s := range []*semaphore.Weighted{b.readers, b.holds, b.all} {
		if err := s.Acquire(ctx, bytes); err != nil {
			release()
			return nil, fmt.Errorf("waiting for memory: %w", err)
		}
		taken = append(taken, s)
	}
	return release, nil
}

// largeStep is the size from which a step collects garbage first.
const largeStep = 32 << 20

// collect runs the garbage collector if another step would exceed the limit together with the garbage. Go's runtime
// would begin to collect only above the limit, and allocate more while it collects.
func (b *Budget) collect(bytes int64) {
	if bytes < largeStep {
		return
	}
	samples := []metrics.Sample{
		{Name: "/memory/classes/total:bytes"},
		{Name: "/memory/classes/heap/released:bytes"},
		{Name: "/memory/classes/heap/free:bytes"},
	}
	metrics.Read(samples)
	used := samples[0].Value.Uint64() - samples[1].Value.Uint64() - samples[2].Value.Uint64()
	if int64(used)+bytes > b.limit.Bytes {
		runtime.GC()
	}
}
