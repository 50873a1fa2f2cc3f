package gpu

import (
	"context"
	"errors"
	"net/http"

	"github.com/harvest-ml/harvest/shared/scorer"
)

const (
	// batchItems and batchBytes are the most of one request, if the sidecar takes as much: enough to fill it,
	// and small enough for one request to run while the next one arrives.
	batchItems = 32
	batchBytes = 16 << 20
)

// batches cuts items into requests of about equal length. The cut depends on the items and the limits alone.
func (p *part) batches(items []sized) [][]sized {
	if len(items) == 0 {
		return nil
	}
	most := min(batchItems, p.limits.Items)
	requests := (len(items) + most - 1) / most
	most = (len(items) + requests - 1) / requests
	bytes := min(batchBytes, p.limits.Bytes)
	var cut [][]sized
	from, sum := 0, envelope
	for i, it := range items {
		if i > from && (i-from == most || sum+it.size > bytes) {
			cut = append(cut, items[from:i])
			from, sum = i, envelope
		}
		sum += it.size
	}
	return append(cut, items[from:])
}

// exchange has a batch answered. A batch that broke the sidecar is given another chance alone.
func (p *part) exchange(ctx context.Context, batch []sized) ([]finding, error) {
	found, err := p.score(ctx, batch, 1)
	switch {
	case err == nil:
		return found, nil
	case errors.Is(err, errTooLarge) && len(batch) == 1:
		return []finding{{reason: p.tooLarge(batch[0])}}, nil
	case errors.Is(err, errTooLarge):
		return halves(batch, func(half []sized) ([]finding, error) { return p.exchange(ctx, half) })
	}
	if _, broken := errors.AsType[brokenError](err); broken {
		return p.isolate(ctx, batch)
	}
	return nil, err
}

// isolate has a batch answered on which the sidecar broke, with nothing else in flight, and finds the
// sample that breaks it, if any does.
func (p *part) isolate(ctx context.Context, batch []sized) ([]finding, error) {
	found, err := p.again(ctx, batch)
	if errors.Is(err, errTooLarge) {
		return p.exchange(ctx, batch) // it was reset while it was being sent
	}
	if _, broken := errors.AsType[brokenError](err); !broken {
		return found, err
	}
	if len(batch) > 1 {
		return halves(batch, func(half []sized) ([]finding, error) { return p.isolate(ctx, half) })
	}
	// The sample takes the blame only where the sidecar does answer for another, and then breaks again.
	if _, err := p.again(ctx, []sized{p.harmless()}); err != nil {
		return nil, err
	}
	found, err = p.again(ctx, batch)
	if _, still := errors.AsType[brokenError](err); still {
		return []finding{{reason: scorer.Died + ": the sidecar answers for another and breaks on it each time; look at its images"}}, nil
	}
	return found, err
}

// again has a batch answered once the sidecar is ready, and alone.
func (p *part) again(ctx context.Context, batch []sized) ([]finding, error) {
	if err := p.ready(ctx); err != nil {
		return nil, err
	}
	return p.score(ctx, batch, inFlight)
}

// harmless is an item that any sidecar can answer.
func (p *part) harmless() sized {
	return sized{item: item{Prefix: "Question: Is it so? Answer: Yes.", Queries: p.encoded}}
}

func halves(batch []sized, do func([]sized) ([]finding, error)) ([]finding, error) {
	first, err := do(batch[:len(batch)/2])
	if err != nil {
		return nil, err
	}
	second, err := do(batch[len(batch)/2:])
	return append(first, second...), err
}

// score makes one request and reads its answer, holding while the sidecar takes none.
func (p *part) score(ctx context.Context, batch []sized, places int64) ([]finding, error) {
	var answered response
	err := p.hold(ctx, func() error {
		// Not held over pauses: whoever waits must not keep others from finding the sidecar ready.
		if err := p.places.Acquire(ctx, places); err != nil {
			return err
		}
		defer p.places.Release(places)
		body := request{Items: make([]item, len(batch))}
		for i := range batch {
			body.Items[i] = batch[i].item
		}
		data, err := encode(body)
		if err != nil {
			return err
		}
		answered = response{}
		return p.call(ctx, http.MethodPost, "/v1/score", data, &answered)
	})
	if err != nil {
		return nil, err
	}
	return p.read(answered, len(batch))
}
