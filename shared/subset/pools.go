package subset

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/harvest-ml/harvest/shared/cache"
)

// poolIdle is how long the pools stay in memory that no selection uses.
const poolIdle = 10 * time.Minute

// ErrBusy is the error of a selection that finds as many others waiting as may: the caller tries again later.
var ErrBusy = errors.New("other selections are being made")

// pools keeps the pools of runs, and lets one selection at a time compute: so a process has the memory of one selection
// in addition to that of its pools.
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

// bytes is about the memory that a pool takes.
func (p *Pool) bytes() int { return p.Bytes() + len(p.Status) + 8*len(p.first) }

// get is the pool of a key. If it is not in memory, load reads it, and other pools are dropped first to make room for
// its bytes.
func (p *pools) get(
	ctx context.Context, key string, bytes int, load func(context.Context) (*Pool, error),
) (*Pool, error) {
	p.dropLater()
	return p.kept.Get(ctx, key, func(ctx context.Context) (*Pool, error) {
		p.kept.Trim(max(p.maxBytes-bytes, 0))
		return load(ctx)
	})
}

// dropLater drops all pools when none was used for poolIdle.
func (p *pools) dropLater() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.idle == nil {
		p.idle = time.AfterFunc(poolIdle, func() { p.kept.Trim(0) })
		return
	}
	p.idle.Reset(poolIdle)
}

// compute calls use while no other selection computes; ErrBusy if too many wait already.
func (p *pools) compute(ctx context.Context, use func() error) error {
	select {
	case p.queue <- struct{}{}:
		defer func() { <-p.queue }()
	default:
		return ErrBusy
	}
	return p.alone(ctx, use)
}

// alone is compute of what was asked for before: it waits, however many others do.
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
