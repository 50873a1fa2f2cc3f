// Package cache keeps values that never change, such as what immutable objects hold, so that each is loaded once.
package cache

import (
	"container/list"
	"context"
	"sync"
	"time"

	"golang.org/x/sync/singleflight"
)

// loadTimeout ends a load that hangs. No delivery and no request takes longer.
const loadTimeout = 10 * time.Minute

// A Cache keeps values by their keys. Callers that ask for one key at the same time share one load. When the values
// take more than the bound, the least recently used ones are removed first. The newest stays at any size. Errors are
// not kept. If a load began before a call and fails, the call loads again, because the object may exist by now.
type Cache[V any] struct {
	maxBytes int
	size     func(V) int
	loads    singleflight.Group

	mu      sync.Mutex
	bytes   int
	entries map[string]*list.Element
	recent  list.List // of entry[V], the last used first
}

type entry[V any] struct {
	key   string
	value V
	bytes int
}

// New makes a cache of values that take at most maxBytes of memory, as measured by size.
func New[V any](maxBytes int, size func(V) int) *Cache[V] {
	return &Cache[V]{maxBytes: maxBytes, size: size, entries: map[string]*list.Element{}}
}

// Get returns the value of a key, and loads it if it is not kept. The load continues when the caller's context ends,
// because other callers may wait for it; its context has the caller's values.
func (c *Cache[V]) Get(ctx context.Context, key string, load func(context.Context) (V, error)) (V, error) {
	v, own, err := c.get(ctx, key, load)
	if err != nil && !own && ctx.Err() == nil {
		// Another load is under way now only if it began after this call.
		v, _, err = c.get(ctx, key, load)
	}
	return v, err
}

// get is Get, and reports whether an error is that of the call's own load.
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
		v, _ := loaded.Val.(V) // of a V that is an interface and nil, the zero value
		return v, own, loaded.Err
	}
}

// Lookup returns the value of a key, if it is kept.
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

// Keep keeps a value that was made without Get. A key has one value: another is ignored while it is kept.
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

// Trim drops values, even the newest, until the rest takes maxBytes at most. Values that were not used for the longest
// time are dropped first.
func (c *Cache[V]) Trim(maxBytes int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.trim(maxBytes, 0)
}

// trim drops values until the rest takes maxBytes at most, or has at most that number of values.
func (c *Cache[V]) trim(maxBytes, values int) {
	for c.bytes > maxBytes && c.recent.Len() > values {
		oldest := c.recent.Remove(c.recent.Back()).(entry[V])
		delete(c.entries, oldest.key)
		c.bytes -= oldest.bytes
	}
}
