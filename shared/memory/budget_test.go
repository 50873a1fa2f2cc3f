package memory

import (
	"context"
	"errors"
	"math/rand/v2"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

func budget(tb testing.TB, size, hold, step int64) *Budget {
	tb.Helper()
	b, err := New(Limit{size + Reserve, "the test"}, Need{Hold: hold, Step: step, Settings: "MAX_DECODED_BYTES"})
	if err != nil {
		tb.Fatal(err)
	}
	return b
}

// TestNewRefuses starts a process with too little memory for the largest sample. The error names the memory and both
// settings.
func TestNewRefuses(t *testing.T) {
	t.Parallel()
	need := Need{Hold: 256 << 20, Step: 512 << 20, Settings: "MAX_DECODED_BYTES or MAX_SAMPLE_IMAGE_BYTES"}
	if _, err := New(Limit{768<<20 + Reserve, "GOMEMLIMIT"}, need); err != nil {
		t.Errorf("with the smallest sufficient memory: %v", err)
	}
	_, err := New(Limit{768<<20 + Reserve - 1, "GOMEMLIMIT"}, need)
	want := "GOMEMLIMIT is 1120 MiB, but the process needs 768 MiB for the images of the largest allowed sample, and " +
		"352 MiB for everything else: give the process 1120 MiB or more, by its container's memory or by GOMEMLIMIT, " +
		"or lower MAX_DECODED_BYTES or MAX_SAMPLE_IMAGE_BYTES"
	if err == nil || err.Error() != want {
		t.Errorf("below it: %v\nwant %s", err, want)
	}
}

// TestTooLarge requests memory for a sample and an image above the limits of the process. They fail without waiting.
func TestTooLarge(t *testing.T) {
	t.Parallel()
	b := budget(t, 100, 40, 30)
	for name, err := range map[string]error{
		"sample": b.NewHold(2.4).Add(t.Context(), 17),
		"image":  b.Step(t.Context(), 31, func() { t.Error("the image was decoded") }),
	} {
		if err == nil || !strings.Contains(err.Error(), "start the process with the limits of the run (MAX_DECODED_BYTES)") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestHold fills the budget. A Hold with samples does not wait, an empty Hold waits, and memory is left for a step.
func TestHold(t *testing.T) {
	t.Parallel()
	b := budget(t, 100, 40, 30)
	first, second := b.NewHold(1), b.NewHold(1)
	for _, size := range []int64{40, 30} {
		if err := first.Add(t.Context(), size); err != nil {
			t.Fatal(err)
		}
	}
	if err := first.Add(t.Context(), 1); !errors.Is(err, ErrFull) {
		t.Errorf("a Hold that needs the memory of a step: %v", err)
	}
	soon, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
	defer cancel()
	if err := second.Add(soon, 1); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("an empty Hold: %v, want it to wait", err)
	}
	if err := b.Step(t.Context(), 30, func() {}); err != nil {
		t.Errorf("a step: %v", err)
	}
	first.Release()
	if err := second.Add(t.Context(), 40); err != nil {
		t.Errorf("after the release: %v", err)
	}
	second.Release()
}

// A worker loads batches while it rates other batches, as runs do. used counts the memory of all workers.
type worker struct {
	budget *Budget
	used   *atomic.Int64
	random *rand.Rand
}

// A testBatch is a batch of samples for which memory was acquired.
type testBatch struct {
	hold  *Hold
	bytes int64
}

// load makes batches of samples of random sizes.
func (w worker) load(ctx context.Context, samples int, batches chan<- testBatch) error {
	for samples > 0 {
		b := testBatch{hold: w.budget.NewHold(1)}
		for n := 0; samples > 0 && n < 8; n++ {
			size := w.random.Int64N(w.budget.need.Hold) + 1
			err := b.hold.Add(ctx, size)
			if errors.Is(err, ErrFull) {
				break
			} else if err != nil {
				return err
			}
			w.used.Add(size)
			b.bytes += size
			samples--
		}
		batches <- b
	}
	return nil
}

// rate makes three steps for each batch, one of the largest size.
func (w worker) rate(t *testing.T, ctx context.Context, batches <-chan testBatch) {
	for b := range batches {
		for i := range int64(3) {
			step := w.budget.need.Step - i
			err := w.budget.Step(ctx, step, func() {
				if now := w.used.Add(step); now > w.budget.limit.Bytes-Reserve {
					t.Errorf("%d bytes are held", now)
				}
				runtime.Gosched()
				w.used.Add(-step)
			})
			if err != nil {
				t.Error(err)
			}
		}
		w.used.Add(-b.bytes)
		b.hold.Release()
	}
}

// TestNoDeadlock runs many workers with memory for little more than the largest sample. All of them end, and together
// they never use more than the budget.
func TestNoDeadlock(t *testing.T) {
	t.Parallel()
	for _, size := range []int64{100, 140} { // without and with room for readers
		b := budget(t, size, 50, 40)
		ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
		defer cancel()
		var used atomic.Int64
		var group sync.WaitGroup
		for i := range uint64(16) {
			w, batches := worker{b, &used, rand.New(rand.NewPCG(i, 1))}, make(chan testBatch)
			group.Go(func() {
				defer close(batches)
				for range 10 { // shards, each with a reader
					release, err := b.Reader(ctx, 20)
					if err != nil {
						t.Error(err)
						return
					}
					used.Add(min(20, b.spare))
					err = w.load(ctx, 30, batches)
					used.Add(-min(20, b.spare))
					release()
					if err != nil {
						t.Error(err)
					}
				}
			})
			group.Go(func() { w.rate(t, ctx, batches) })
		}
		group.Wait()
	}
}

// TestReader checks that readers of containers wait for each other, and leave the memory of the largest sample.
func TestReader(t *testing.T) {
	t.Parallel()
	b := budget(t, 100, 30, 20)
	release, err := b.Reader(t.Context(), 40)
	if err != nil {
		t.Fatal(err)
	}
	soon, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
	defer cancel()
	if _, err := b.Reader(soon, 20); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("another reader: %v, want it to wait", err)
	}
	hold := b.NewHold(1)
	if err := hold.Add(t.Context(), 30); err != nil {
		t.Errorf("the largest sample: %v", err)
	}
	if err := b.Step(t.Context(), 20, func() {}); err != nil {
		t.Errorf("a step of the largest sample: %v", err)
	}
	hold.Release()
	release()
	release()
	for range 2 { // a request for more than the memory for readers gets all of it
		release, err := b.Reader(t.Context(), 1000)
		if err != nil {
			t.Fatal(err)
		}
		release()
	}
}
