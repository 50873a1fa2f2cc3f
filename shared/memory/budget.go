// Package memory limits the memory that a process uses for images: encoded images while their samples are rated, and
// one decoded image at a time for each sample. A reserve is left for everything else. If there is not enough memory,
// work waits; it does not fail.
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

// Reserve is the part of a process's memory, in bytes, for everything except images: the program, the records of the
// shards that are being scored, caches, and request bodies of the API.
const Reserve = 352 << 20

// A Need is the memory that the largest allowed sample needs.
type Need struct {
	// Hold is the memory for the sample's encoded images while it is rated, in bytes.
	Hold int64
	// Step is the memory to decode one image, in bytes.
	Step int64
	// Settings name the variables that determine Hold and Step.
	Settings string
}

// A Budget is the memory that a process has for images. A process has one Budget. It is safe for concurrent use.
//
// No order of work can end in a deadlock. Readers are acquired first, then Holds, then Steps. All Readers together
// leave memory for the largest sample, and all Holds together leave memory for the largest Step. A Hold waits only
// while it is empty, and a Step ends without waiting.
type Budget struct {
	limit   Limit
	need    Need
	all     *semaphore.Weighted // bytes of Holds, Steps and Readers
	holds   *semaphore.Weighted // bytes of Holds and Readers
	readers *semaphore.Weighted // bytes of Readers
	spare   int64               // the largest number of bytes of all Readers
}

// New returns the budget of a process. It returns an error if the largest allowed sample does not fit. The error names
// the settings to raise or lower.
func New(limit Limit, need Need) (*Budget, error) {
	size := limit.Bytes - Reserve
	if need.Hold < 0 || need.Step < 0 || size < need.Hold+need.Step {
		return nil, fmt.Errorf("%s is %s, but the process needs %s for the images of the largest allowed sample, and %s "+
			"for everything else: give the process %s or more, by its container's memory or by GOMEMLIMIT, or lower %s",
			limit.Source, mib(limit.Bytes), mib(need.Hold+need.Step), mib(Reserve), mib(need.Hold+need.Step+Reserve),
			need.Settings)
	}
	spare := size - need.Step - need.Hold
	return &Budget{
		limit: limit, need: need, all: semaphore.NewWeighted(size), holds: semaphore.NewWeighted(size - need.Step),
		readers: semaphore.NewWeighted(spare), spare: spare,
	}, nil
}

// mib returns a number of bytes in MiB, rounded up, as text.
func mib(bytes int64) string { return fmt.Sprintf("%d MiB", (bytes+1<<20-1)>>20) }

// ErrFull is the error of a Hold if there is no memory for another sample now.
var ErrFull = errors.New("there is no memory for another sample now")

// A TooLargeError is the error of a request for more memory than the budget can ever give. Waiting would not help.
type TooLargeError struct {
	Bytes, Most int64  // requested, and the largest number for a sample
	Settings    string // the variables that determine Most
}

// Error names the settings to change.
func (e *TooLargeError) Error() string {
	return fmt.Sprintf("images need %d bytes of memory, and this process has %d for a sample: start the process with the "+
		"limits of the run (%s)", e.Bytes, e.Most, e.Settings)
}

// tooLarge returns the error of a request for more memory than the budget can ever give.
func (b *Budget) tooLarge(bytes, most int64) error {
	return &TooLargeError{bytes, most, b.need.Settings}
}

// A Hold is the memory of the encoded images of samples that are rated together. It is safe for concurrent use.
type Hold struct {
	budget  *Budget
	perByte float64
	mu      sync.Mutex
	held    int64
}

// NewHold returns an empty Hold. Its samples need perByte bytes of memory, 1 or more, for each byte of their encoded
// images.
func (b *Budget) NewHold(perByte float64) *Hold { return &Hold{budget: b, perByte: perByte} }

// Held returns the memory in bytes that encoded images of size bytes need while they are rated, with perByte bytes of
// memory for each byte.
func Held(size int64, perByte float64) int64 { return int64(math.Ceil(perByte * float64(size))) }

// Add acquires the memory for a sample before its images are read. size is the number of bytes of its encoded images.
// If h is empty, Add waits for memory; else it returns ErrFull if there is not enough memory now. Other errors are the
// error of an ended context, and a *TooLargeError.
func (h *Hold) Add(ctx context.Context, size int64) error {
	bytes := Held(size, h.perByte)
	if bytes == 0 {
		return nil
	}
	if bytes > h.budget.need.Hold {
		return h.budget.tooLarge(bytes, h.budget.need.Hold)
	}
	h.mu.Lock() // while the first sample waits, the other samples have no memory, so it does not wait for them
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

// Release releases the memory of h. The images of its samples must not be used afterwards.
func (h *Hold) Release() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.budget.all.Release(h.held)
	h.budget.holds.Release(h.held)
	h.held = 0
}

// Step waits for a number of bytes of memory, calls do, and releases the memory when do returns. do must not acquire
// memory. The error is the error of an ended context, or a *TooLargeError.
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

// Reader waits for the memory of a reader of images in a container. The reader needs a number of bytes while it is
// open. release releases them. Call Reader before Add for images of this reader. If the process has no memory beyond
// the largest sample, the Reserve covers the reader. It returns an error only if the context ends.
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

// largeStep is the smallest size, in bytes, of a step before which the garbage collector may run.
const largeStep = 32 << 20

// collect runs the garbage collector if a step of this size and the garbage together would exceed the limit. Go's
// runtime would start collecting only at the limit, and allocate more memory while it collects.
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
