package gpu

import (
	"context"
	"errors"
	"fmt"
	"net/http"

	"github.com/harvest-ml/harvest/shared/scorer/remote"
)

const (
	// batchItems and batchBytes limit one request, in addition to the sidecar's limits. batchItems applies if the sidecar
	// states no preference. A request of this size keeps the GPU busy while the next request arrives.
	batchItems = 32
	batchBytes = 16 << 20
)

// A batchItem is an item that is small enough for a request.
type batchItem struct {
	item
	at   int // index among all items
	size int // in bytes
}

// batches divides items into requests of about equal numbers of items. The division depends only on the items and
// limits.
func (b *backend) batches(items []batchItem) [][]batchItem {
	if len(items) == 0 {
		return nil
	}
	most := b.limits.batch()
	requests := (len(items) + most - 1) / most
	most = (len(items) + requests - 1) / requests
	bytes := min(batchBytes, b.limits.Bytes)
	var cut [][]batchItem
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

// scoreBatch returns the answers for a batch. If a batch is too large for the sidecar, or makes it fail, it is divided.
func (b *backend) scoreBatch(ctx context.Context, batch []batchItem) ([]sampleAnswers, error) {
	scored, err := b.request(ctx, batch, false)
	switch {
	case errors.Is(err, errTooLarge) && len(batch) == 1:
		return []sampleAnswers{{fault: b.tooLarge(batch[0])}}, nil
	case errors.Is(err, errTooLarge):
		return halve(batch, func(half []batchItem) ([]sampleAnswers, error) { return b.scoreBatch(ctx, half) })
	case remote.IsBroken(err):
		return b.isolate(ctx, batch)
	case err != nil:
		return nil, err
	}
	return scored, b.sendAgain(ctx, batch, scored)
}

// sendAgain sends the items again that a stopping sidecar did not answer.
func (b *backend) sendAgain(ctx context.Context, batch []batchItem, scored []sampleAnswers) error {
	var rest []batchItem
	var at []int
	for k := range scored {
		if scored[k].again {
			rest, at = append(rest, batch[k]), append(at, k)
		}
	}
	if len(rest) == 0 {
		return nil
	}
	others, err := b.scoreBatch(ctx, rest)
	for k, answers := range others {
		scored[at[k]] = answers
	}
	return err
}

// isolate rates a batch again after the sidecar failed on it. If a sample makes the sidecar fail, isolate finds it.
func (b *backend) isolate(ctx context.Context, batch []batchItem) ([]sampleAnswers, error) {
	if len(batch) > 1 {
		scored, err := b.scoreAlone(ctx, batch)
		if remote.IsBroken(err) {
			return halve(batch, func(half []batchItem) ([]sampleAnswers, error) { return b.isolate(ctx, half) })
		}
		return scored, err
	}
	var scored []sampleAnswers
	err := remote.Isolate(
		func() (err error) {
			scored, err = b.scoreAlone(ctx, batch)
			return err
		},
		func() error {
			_, err := b.scoreAlone(ctx, []batchItem{b.trialItem()})
			return err
		})
	if died, ok := errors.AsType[remote.DiedError](err); ok {
		return []sampleAnswers{{fault: died.Fault()}}, nil
	}
	return scored, err
}

// scoreAlone waits until a sidecar is ready and has no other request of this process. Then it rates a batch.
func (b *backend) scoreAlone(ctx context.Context, batch []batchItem) ([]sampleAnswers, error) {
	if err := b.ready(ctx); err != nil {
		return nil, err
	}
	scored, err := b.request(ctx, batch, true)
	if errors.Is(err, errTooLarge) {
		return b.scoreBatch(ctx, batch) // the sidecar closed the connection while the request was being sent
	}
	if err != nil {
		return nil, err
	}
	return scored, b.sendAgain(ctx, batch, scored)
}

// trialItem returns an item that any sidecar can answer.
func (b *backend) trialItem() batchItem {
	return batchItem{item: item{Prefix: prefix{"Question: Is it so? Answer: Yes."}, Queries: b.encoded}}
}

func halve(batch []batchItem, do func([]batchItem) ([]sampleAnswers, error)) ([]sampleAnswers, error) {
	first, err := do(batch[:len(batch)/2])
	if err != nil {
		return nil, err
	}
	second, err := do(batch[len(batch)/2:])
	return append(first, second...), err
}

// request makes one request and returns its answers. It waits while no sidecar accepts requests.
func (b *backend) request(ctx context.Context, batch []batchItem, alone bool) ([]sampleAnswers, error) {
	var answered response
	var from *client
	err := b.Retry.Do(ctx, 1, func() error {
		return b.do(ctx, alone, func(c *client) error {
			body := request{Items: make([]item, len(batch))}
			for i := range batch {
				body.Items[i] = batch[i].item
			}
			data, err := encode(body)
			if err != nil {
				return err
			}
			answered, from = response{}, c
			err = c.call(ctx, http.MethodPost, "/v1/score", data, &answered)
			if err == nil && answered.stopped() {
				return remote.LaterError{Err: fmt.Errorf("the sidecar at %s is stopping", c.base)}
			}
			return err
		})
	})
	if err != nil {
		return nil, err
	}
	return b.read(from, answered, len(batch))
}
