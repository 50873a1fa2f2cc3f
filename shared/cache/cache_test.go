package cache_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/harvest-ml/harvest/shared/cache"
)

// lengths is a cache of texts. It loads a key as the key's own text, and counts the loads.
type lengths struct {
	*cache.Cache[string]
	mu    sync.Mutex
	loads map[string]int
	takes time.Duration
	err   error
}

func newLengths(maxBytes int) *lengths {
	return &lengths{Cache: cache.New(maxBytes, func(s string) int { return len(s) }), loads: map[string]int{}}
}

func (l *lengths) get(ctx context.Context, key string) (string, error) {
	return l.Get(ctx, key, func(ctx context.Context) (string, error) {
		l.mu.Lock()
		l.loads[key]++
		l.mu.Unlock()
		select {
		case <-time.After(l.takes):
			return key, l.err
		case <-ctx.Done():
			return "", ctx.Err()
		}
	})
}

// TestEarlierMiss requests a value during a load that began before the value existed.
func TestEarlierMiss(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c := cache.New(100, func(s string) int { return len(s) })
		missing := errors.New("it is not there")
		there := false
		var mu sync.Mutex
		load := func(context.Context) (string, error) {
			mu.Lock()
			found := there
			mu.Unlock()
			time.Sleep(time.Second)
			if !found {
				return "", missing
			}
			return "value", nil
		}
		var group sync.WaitGroup
		group.Go(func() {
			if _, err := c.Get(t.Context(), "key", load); !errors.Is(err, missing) {
				t.Errorf("the early call got %v", err)
			}
		})
		time.Sleep(500 * time.Millisecond)
		mu.Lock()
		there = true
		mu.Unlock()
		if v, err := c.Get(t.Context(), "key", load); v != "value" || err != nil {
			t.Errorf("the later call got %q, %v", v, err)
		}
		group.Wait()
	})
}

func TestConcurrentCallersShareALoad(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l := newLengths(100)
		l.takes = time.Second
		var group sync.WaitGroup
		for i := range 20 {
			group.Go(func() {
				key := fmt.Sprint("key", i%2)
				if v, err := l.get(t.Context(), key); v != key || err != nil {
					t.Errorf("%s is %q, %v", key, v, err)
				}
			})
		}
		group.Wait()
		if diff := cmp.Diff(map[string]int{"key0": 1, "key1": 1}, l.loads); diff != "" {
			t.Errorf("loads (-want +got):\n%s", diff)
		}
	})
}

// TestCancelledCaller cancels the call that began a load. It returns, and the load continues for the other calls.
func TestCancelledCaller(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l := newLengths(100)
		l.takes = time.Second
		ctx, cancel := context.WithCancel(t.Context())
		first := make(chan error, 1)
		go func() {
			_, err := l.get(ctx, "k")
			first <- err
		}()
		synctest.Wait()
		begin := time.Now()
		cancel()
		if err := <-first; !errors.Is(err, context.Canceled) || time.Since(begin) > 0 {
			t.Errorf("error %v after %s, want the context's error immediately", err, time.Since(begin))
		}
		if v, err := l.get(t.Context(), "k"); v != "k" || err != nil || l.loads["k"] != 1 {
			t.Errorf("%q, %v after %d loads, want one", v, err, l.loads["k"])
		}
	})
}

// TestHangingLoad checks that a load that does not return ends after the timeout.
func TestHangingLoad(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l := newLengths(100)
		l.takes = 24 * time.Hour
		if _, err := l.get(t.Context(), "k"); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("error %v, want the error of a deadline", err)
		}
	})
}

func TestErrorsAreNotKept(t *testing.T) {
	t.Parallel()
	l := newLengths(100)
	l.err = errors.New("away")
	if _, err := l.get(t.Context(), "k"); !errors.Is(err, l.err) {
		t.Errorf("error %v, want the load's error", err)
	}
	l.err = nil
	if v, err := l.get(t.Context(), "k"); v != "k" || err != nil || l.loads["k"] != 2 {
		t.Errorf("%q, %v after %d loads, want two", v, err, l.loads["k"])
	}
}

func TestBound(t *testing.T) {
	t.Parallel()
	l := newLengths(6)
	for _, key := range []string{"aa", "bb", "cc", "aa", "dd", "aa", "bb", "longer than all", "longer than all", "cc"} {
		if v, err := l.get(t.Context(), key); v != key || err != nil {
			t.Fatalf("%s is %q, %v", key, v, err)
		}
	}
	// dd replaced bb, the least recently used value; bb replaced cc; the long value replaced all, and stayed.
	if diff := cmp.Diff(map[string]int{"aa": 1, "bb": 2, "cc": 2, "dd": 1, "longer than all": 1}, l.loads); diff != "" {
		t.Errorf("loads (-want +got):\n%s", diff)
	}
}

// TestTrim removes values that are not in use, even the newest.
func TestTrim(t *testing.T) {
	t.Parallel()
	c := cache.New(100, func(n int) int { return n })
	loaded := 0
	get := func(key string, size int) {
		t.Helper()
		if _, err := c.Get(t.Context(), key, func(context.Context) (int, error) {
			loaded++
			return size, nil
		}); err != nil {
			t.Fatal(err)
		}
	}
	get("a", 40)
	get("b", 40)
	c.Trim(40)
	if get("b", 40); loaded != 2 {
		t.Error("the most recently used value was removed")
	}
	if get("a", 40); loaded != 3 {
		t.Error("the least recently used value is still there")
	}
	c.Trim(39)
	get("a", 40)
	get("b", 40)
	if loaded != 5 {
		t.Errorf("%d loads, want 5: no value is within the limit", loaded)
	}
	get("large", 200)
	get("large", 200)
	if c.Trim(100); loaded != 6 {
		t.Errorf("%d loads, want 6: the newest value stays, whatever its size, until Trim", loaded)
	}
	if get("large", 200); loaded != 7 {
		t.Error("a value above the limit is still there after Trim")
	}
}

// TestKeep adds a value without Get. Lookup and Get return it, and a later value of the same key is ignored.
func TestKeep(t *testing.T) {
	t.Parallel()
	c := cache.New(5, func(s string) int { return len(s) })
	if v, ok := c.Lookup("a"); ok {
		t.Errorf("an empty cache has %q", v)
	}
	c.Keep("a", "one")
	c.Keep("a", "two")
	if v, ok := c.Lookup("a"); v != "one" || !ok {
		t.Errorf("a is %q, %v", v, ok)
	}
	c.Keep("b", "more") // both values exceed the limit
	_, first := c.Lookup("a")
	if v, ok := c.Lookup("b"); v != "more" || !ok || first {
		t.Errorf("b is %q, %v, and a is still there: %v", v, ok, first)
	}
}
