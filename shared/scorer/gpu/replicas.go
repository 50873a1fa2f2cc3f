package gpu

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"sync"
	"time"

	"github.com/harvest-ml/harvest/shared/scorer"
	"github.com/harvest-ml/harvest/shared/scorer/remote"
)

const (
	// firstAway and mostAway are how long a sidecar that takes no requests is asked after the others only. The pause
	// doubles each time.
	firstAway, mostAway = 5 * time.Second, time.Minute
	// nameTimeout is how long one of several sidecars has to name its models.
	nameTimeout = 5 * time.Second
)

// Replicas are the sidecars that have the same models. A request goes to the least loaded of those that take any.
type replicas struct {
	Options
	sidecars []*client
}

func newReplicas(bases []string, o Options) *replicas {
	p := &replicas{Options: o}
	for _, base := range bases {
		p.sidecars = append(p.sidecars, newClient(base, o))
	}
	return p
}

// inFlight is how many requests they have concurrently.
func (p *replicas) inFlight() (n int) {
	for _, c := range p.sidecars {
		n += c.throttle.Allowed()
	}
	return n
}

// order is the sidecars that take requests, the least loaded first, and then the others.
func (p *replicas) order() []*client {
	type state struct {
		*client
		away bool
		load int64
	}
	now := time.Now()
	states := make([]state, len(p.sidecars))
	for i, c := range p.sidecars {
		states[i] = state{c, c.isAway(now), c.load.Load()}
	}
	slices.SortStableFunc(states, func(a, b state) int {
		if a.away != b.away {
			if a.away {
				return 1
			}
			return -1
		}
		return cmp.Compare(a.load, b.load)
	})
	ordered := make([]*client, len(states))
	for i, s := range states {
		ordered[i] = s.client
	}
	return ordered
}

// do makes a request of the first sidecar that takes it; alone, with no other request of this process there. Its error
// is as that of client.call.
func (p *replicas) do(ctx context.Context, alone bool, request func(*client) error) error {
	var err error
	for _, c := range p.order() {
		if err = c.do(ctx, alone, request); !isLater(err) {
			return err
		}
	}
	return err
}

// ready waits until one of the sidecars is ready, whatever their state is now. Its next request goes there.
func (p *replicas) ready(ctx context.Context) error {
	return p.Retry.Do(ctx, 1, func() error {
		var last error
		for _, c := range p.order() {
			err := c.call(ctx, http.MethodGet, "/healthz", nil, &struct{}{})
			if err == nil {
				c.back()
				return nil
			}
			c.leave()
			if last = err; remote.IsBroken(err) {
				last = remote.LaterError{Err: err}
			}
		}
		return last
	})
}

// An introduction is what a sidecar says of itself.
type introduction struct {
	models models
	limits limits
}

// introduce asks all sidecars for their models and limits. One of several may be away: it has what the others have. Its
// error is a scorer.ErrUnavailable.
func (p *replicas) introduce(ctx context.Context) (introduction, error) {
	var all introduction
	err := p.Retry.Do(ctx, 1, func() (err error) {
		all, err = p.introduceOnce(ctx)
		return err
	})
	if err != nil {
		return introduction{}, fmt.Errorf("%w: %w", scorer.ErrUnavailable, err)
	}
	return all, nil
}

func (p *replicas) introduceOnce(ctx context.Context) (introduction, error) {
	each, errs := make([]introduction, len(p.sidecars)), make([]error, len(p.sidecars))
	within := ctx
	if len(p.sidecars) > 1 {
		var cancel context.CancelFunc
		within, cancel = context.WithTimeout(ctx, nameTimeout)
		defer cancel()
	}
	var group sync.WaitGroup
	for i, c := range p.sidecars {
		group.Go(func() { each[i], errs[i] = c.introduce(within) })
	}
	group.Wait()
	if ctx.Err() != nil {
		return introduction{}, fmt.Errorf("asking the sidecars: %w", context.Cause(ctx))
	}
	first := -1
	for i, c := range p.sidecars {
		switch {
		case errs[i] == nil && first < 0:
			first = i
		case errs[i] == nil && !maps.Equal(each[i].models.Models, each[first].models.Models):
			return introduction{}, fmt.Errorf("the sidecars at %s and %s have different models, %v and %v: "+
				"start both with the same", p.sidecars[first].base, c.base, each[first].models.Models, each[i].models.Models)
		case errs[i] == nil:
			each[first].limits = each[first].limits.least(each[i].limits)
		case len(p.sidecars) > 1 && (isLater(errs[i]) || remote.IsBroken(errs[i]) || within.Err() != nil):
			c.leave()
		default:
			return introduction{}, errs[i]
		}
		if errs[i] == nil {
			c.back()
		}
	}
	if first < 0 {
		return introduction{}, remote.LaterError{Err: errs[0]}
	}
	return each[first], nil
}

// introduce asks a sidecar for its models and limits.
func (c *client) introduce(ctx context.Context) (introduction, error) {
	var i introduction
	if err := c.call(ctx, http.MethodGet, "/v1/models", nil, &i.models); err != nil {
		return introduction{}, err
	}
	if err := c.call(ctx, http.MethodGet, "/v1/limits", nil, &i.limits); err != nil {
		return introduction{}, err
	}
	if i.models.Protocol != protocol {
		return introduction{}, fmt.Errorf("the sidecar at %s speaks version %d of its protocol, and this program "+
			"version %d: update the older of the two", c.base, max(i.models.Protocol, 1), protocol)
	}
	if i.limits.Items < 1 || i.limits.Bytes < envelope || i.limits.Queries < 1 {
		return introduction{}, c.invalid(fmt.Errorf("limits of %+v", i.limits))
	}
	c.throttle.Allow(cmp.Or(max(i.limits.InFlight, 0), inFlight))
	return i, nil
}

// do makes a request of the sidecar when it has a slot, and notes whether it takes requests.
func (c *client) do(ctx context.Context, alone bool, request func(*client) error) error {
	c.load.Add(1)
	defer c.load.Add(-1)
	err := c.throttle.Do(ctx, alone, func() error { return request(c) })
	switch {
	case isLater(err) || remote.IsBroken(err):
		c.leave()
	case err == nil:
		c.back()
	}
	return err
}

// isAway reports whether the sidecar is asked after the others only.
func (c *client) isAway(now time.Time) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return now.Before(c.awayUntil)
}

func (c *client) leave() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.pause = min(max(2*c.pause, firstAway), mostAway)
	c.awayUntil = time.Now().Add(c.pause)
}

func (c *client) back() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.pause, c.awayUntil = 0, time.Time{}
}

func isLater(err error) bool {
	_, later := errors.AsType[remote.LaterError](err)
	return later
}
