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

	"github.com/harvest-ml/harvest/shared/scorer/remote"
)

const (
	// firstDown and mostDown are the shortest and the longest time for which a sidecar that did not accept a request comes
	// last in the order of sidecars. The time doubles at each failure.
	firstDown, mostDown = 5 * time.Second, time.Minute
	// nameTimeout is the time limit of requests for a sidecar's models, if there are several sidecars.
	nameTimeout = 5 * time.Second
)

// replicas are sidecars with the same models. A request goes to the least loaded sidecar that accepts requests.
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

// inFlight returns the number of concurrent requests that all sidecars together allow.
func (p *replicas) inFlight() (n int) {
	for _, c := range p.sidecars {
		n += c.throttle.Allowed()
	}
	return n
}

// order returns the sidecars in the order in which they get requests: first the sidecars that accept requests, the
// least loaded first, and then the others.
func (p *replicas) order() []*client {
	type state struct {
		*client
		down bool
		load int64
	}
	now := time.Now()
	states := make([]state, len(p.sidecars))
	for i, c := range p.sidecars {
		states[i] = state{c, c.isDown(now), c.load.Load()}
	}
	slices.SortStableFunc(states, func(a, b state) int {
		if a.down != b.down {
			if a.down {
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

// do sends a request to the first sidecar that accepts it. If alone is true, that sidecar has no other request of this
// process. The errors are those of client.call.
func (p *replicas) do(ctx context.Context, alone bool, request func(*client) error) error {
	var err error
	for _, c := range p.order() {
		if err = c.do(ctx, alone, request); !isLater(err) {
			return err
		}
	}
	return err
}

// ready polls the sidecars until one of them is ready. The next request goes to that sidecar.
func (p *replicas) ready(ctx context.Context) error {
	return p.Retry.Do(ctx, 1, func() error {
		var last error
		for _, c := range p.order() {
			err := c.call(ctx, http.MethodGet, "/healthz", nil, &struct{}{})
			if err == nil {
				c.markUp()
				return nil
			}
			c.markDown()
			if last = err; remote.IsBroken(err) {
				last = remote.LaterError{Err: err}
			}
		}
		return last
	})
}

// An introduction has the models and limits of a sidecar.
type introduction struct {
	models models
	limits limits
}

// introduce requests the models and limits of all sidecars. If some of several sidecars cannot be reached, it assumes
// that they have the same models as the others. The error is a scorer.ErrUnavailable.
func (p *replicas) introduce(ctx context.Context) (introduction, error) {
	var all introduction
	err := p.Retry.Do(ctx, 1, func() (err error) {
		all, err = p.introduceOnce(ctx)
		return err
	})
	if err != nil {
		return introduction{}, remote.Unavailable(err)
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
		return introduction{}, fmt.Errorf("calling the sidecars: %w", context.Cause(ctx))
	}
	first := -1
	for i, c := range p.sidecars {
		switch {
		case errs[i] == nil && first < 0:
			first = i
		case errs[i] == nil && !maps.Equal(each[i].models.Models, each[first].models.Models):
			return introduction{}, fmt.Errorf("the sidecars at %s and %s have different models, %v and %v: start both "+
				"with the same models", p.sidecars[first].base, c.base, each[first].models.Models, each[i].models.Models)
		case errs[i] == nil:
			each[first].limits = each[first].limits.least(each[i].limits)
		case len(p.sidecars) > 1 && (isLater(errs[i]) || remote.IsBroken(errs[i]) || within.Err() != nil):
			c.markDown()
		default:
			return introduction{}, errs[i]
		}
		if errs[i] == nil {
			c.markUp()
		}
	}
	if first < 0 {
		return introduction{}, remote.LaterError{Err: errs[0]}
	}
	return each[first], nil
}

// introduce requests the models and limits of a sidecar.
func (c *client) introduce(ctx context.Context) (introduction, error) {
	var i introduction
	if err := c.call(ctx, http.MethodGet, "/v1/models", nil, &i.models); err != nil {
		return introduction{}, err
	}
	if err := c.call(ctx, http.MethodGet, "/v1/limits", nil, &i.limits); err != nil {
		return introduction{}, err
	}
	if i.models.Protocol != protocol {
		return introduction{}, fmt.Errorf("the sidecar at %s uses version %d of its protocol, but this program uses "+
			"version %d: update the older of the two", c.base, max(i.models.Protocol, 1), protocol)
	}
	if i.limits.Items < 1 || i.limits.Bytes < envelope || i.limits.Queries < 1 {
		return introduction{}, c.invalid(fmt.Errorf("its limits are %+v, but must be positive", i.limits))
	}
	c.throttle.Allow(cmp.Or(max(i.limits.InFlight, 0), inFlight))
	return i, nil
}

// do waits for a free slot of the sidecar, makes a request, and records whether the sidecar accepts requests.
func (c *client) do(ctx context.Context, alone bool, request func(*client) error) error {
	c.load.Add(1)
	defer c.load.Add(-1)
	err := c.throttle.Do(ctx, alone, func() error { return request(c) })
	switch {
	case isLater(err) || remote.IsBroken(err):
		c.markDown()
	case err == nil:
		c.markUp()
	}
	return err
}

// isDown reports whether requests go to the other sidecars first.
func (c *client) isDown(now time.Time) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return now.Before(c.downUntil)
}

func (c *client) markDown() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.pause = min(max(2*c.pause, firstDown), mostDown)
	c.downUntil = time.Now().Add(c.pause)
}

func (c *client) markUp() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.pause, c.downUntil = 0, time.Time{}
}

func isLater(err error) bool {
	_, later := errors.AsType[remote.LaterError](err)
	return later
}
