// Package cache keeps values that never change, such as the contents of immutable objects, so that each is loaded once.
package cache

import (
	"container/list"
	"context"
	"sync"
	"time"

	"golang.org/x/sync/singleflight"
)

// loadTimeout ends a load that does not return. No delivery and no request lasts longer.
const loadTimeout = 10 * time.Minute

// A Cache keeps values by their keys. Concurrent calls with one key share one load. When the values take more memory
// than the limit, the cache removes the least recently used values. The newest value stays, whatever its size. The
// cache does not keep errors. If a call joins a load that began earlier, and that load fails, the call loads again,
// because the object may exist now.
type Cache[V any] struct {
	maxBytes int
	size     func(V) int
	loads    singleflight.Group

	mu      sync.Mutex
	bytes   int
	entries map[string]*list.Element
	recent  list.List // of entry[V], the most recently used first
}

type entry[V any] struct {
	key   string
	value V
	bytes int
}

// New returns a cache of values that take at most maxBytes of memory. size returns the memory of a value.
func New[V any](maxBytes int, size func(V) int) *Cache[V] {
	return &Cache[V]{maxBytes: maxBytes, size: size, entries: map[string]*list.Element{}}
}

// Get returns the value of a key, and loads it if the cache does not have it. The load continues when ctx ends, because
// other calls may wait for it. Its context has the values of ctx.
func (c *Cache[V]) Get(ctx context.Context, key string, load func(context.Context) (V, error)) (V, error) {
	v, own, err := c.get(ctx, key, load)
	if err != nil && !own && ctx.Err() == nil {
		// That load has ended, so any load that runs now began after this call.
		v, _, err = c.get(ctx, key, load)
	}
	return v, err
}

// get is Get without a second load. It also reports whether the value or the error is from this call's own load.
func (c *Cache[V]) get(
	ctx context.Context, key string, load func(context.Context) (V, error),
) (V, bool, error) {
	if v, ok := c.Lookup(key); ok {
		return v, false, nil
	}
	own := false
	loading := c.loads.DoChan(key, func() (any, error) {
		own = true
		// A load may have ended since the lookup above.
		if v, ok := c.Lookup(key); ok {
			return v, nil
		}
		detached, cancel := context.WithTimeout(context.WithoutCancel(ctx), loadTimeout)
		defer cancel()
		v, err := load(detached)
		if err == nil {
			c.Keep(key, v)
		}
		return v, err
	})
	select {
	case <-ctx.Done():
		var none V
		return none, false, ctx.Err()
	case loaded := <-loading:
		v, _ := loaded.Val.(V) // not ok if V is an interface and the value is nil: then v is nil
		return v, own, loaded.Err
	}
}

// Lookup returns the value of a key; ok is false if the cache does not have it.
func (c *Cache[V]) Lookup(key string) (v V, ok bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	at, ok := c.entries[key]
	if !ok {
		return v, false
	}
	c.recent.MoveToFront(at)
	return at.Value.(entry[V]).value, true
}

// Keep adds a value that was made without Get. If the cache has a value of this key, Keep does nothing.
func (c *Cache[V]) Keep(key string, v V) {
	e := entry[V]{key: key, value: v, bytes: c.size(v)}
	c.mu.Lock()
	defer c.mu.Unlock()
	if _, kept := c.entries[key]; kept {
		return
	}
	c.entries[key] = c.recent.PushFront(e)
	c.bytes += e.bytes
	c.trim(c.maxBytes, 1)
}

// Trim removes the least recently used values, even the newest, until the remaining values take at most maxBytes.
func (c *Cache[V]) Trim(maxBytes int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.trim(maxBytes, 0)
}

// trim removes the least recently used values until the remaining values take at most maxBytes, or their number is at
// most values.
func (c *Cache[V]) trim(maxBytes, values int) {
	for c.bytes > maxBytes && c.recent.Len() > values {
		oldest := c.recent.Remove(c.recent.Back()).(entry[V])
		delete(c.entries, oldest.key)
		c.bytes -= oldest.bytes
	}
}
