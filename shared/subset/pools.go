package subset

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/harvest-ml/harvest/shared/cache"
)

// poolIdle is the time for which unused pools stay in memory.
const poolIdle = 10 * time.Minute

// ErrBusy reports that too many selections are waiting. The caller should try again later.
var ErrBusy = errors.New("other selections are being made")

// A pools keeps the pools of runs in memory, and allows one selection to compute at a time. So a process needs the
// memory of its pools and of one selection.
type pools struct {
	maxBytes int
	kept     *cache.Cache[*Pool]
	slot     chan struct{} // holds one element while a selection computes
	queue    chan struct{} // holds one element for each selection that computes or waits

	mu   sync.Mutex
	idle *time.Timer
}

func newPools(l Limits) *pools {
	return &pools{
		maxBytes: l.PoolBytes, kept: cache.New(l.PoolBytes, (*Pool).bytes),
		slot: make(chan struct{}, 1), queue: make(chan struct{}, 1+l.Waiting),
	}
}

// bytes estimates the memory of a pool.
func (p *Pool) bytes() int { return p.Bytes() + len(p.Status) + 8*len(p.first) }

// get returns the pool of a key. If it is not in memory, get removes other pools to make room, and then calls load.
// bytes is the estimated memory of the pool.
func (p *pools) get(
	ctx context.Context, key string, bytes int, load func(context.Context) (*Pool, error),
) (*Pool, error) {
	p.dropLater()
	return p.kept.Get(ctx, key, func(ctx context.Context) (*Pool, error) {
		p.kept.Trim(max(p.maxBytes-bytes, 0))
		return load(ctx)
	})
}

// dropLater removes all pools from memory after no pool was used for poolIdle.
func (p *pools) dropLater() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.idle == nil {
		p.idle = time.AfterFunc(poolIdle, func() { p.kept.Trim(0) })
		return
	}
	p.idle.Reset(poolIdle)
}

// compute waits for the slot for computing, and calls use. The error is ErrBusy if too many selections are waiting.
func (p *pools) compute(ctx context.Context, use func() error) error {
	select {
	case p.queue <- struct{}{}:
		defer func() { <-p.queue }()
	default:
		return ErrBusy
	}
	return p.alone(ctx, use)
}

// alone is compute without ErrBusy, for work that is already accepted. It waits even if many selections are waiting.
func (p *pools) alone(ctx context.Context, use func() error) error {
	select {
	case p.slot <- struct{}{}:
		defer func() { <-p.slot }()
	case <-ctx.Done():
		return ctx.Err()
	}
	defer p.kept.Trim(p.maxBytes)
	return use()
}
