package embedded

import (
	"context"
	"errors"
	"image"

	"github.com/harvest-ml/harvest/shared/cache"
	"github.com/harvest-ml/harvest/shared/dataset"
	"github.com/harvest-ml/harvest/shared/images"
	"github.com/harvest-ml/harvest/shared/memory"
	"github.com/harvest-ml/harvest/shared/scorer"
)

// An Observer computes the features of samples. It keeps what it measured of images, so that one which many samples
// show is decoded once. It is safe for concurrent use.
type Observer struct {
	memory *memory.Budget
	seen   *cache.Cache[imageStats] // by the hash of the encoded image
}

const (
	// seenBytes bounds what an Observer keeps of images: of some 9,000.
	seenBytes = 4 << 20
	// statsBytes is what an entry takes: the numbers, the key, and what the cache adds.
	statsBytes = 24*8 + 64 + 200
)

// NewObserver makes an Observer that decodes images one at a time, in steps of budget.
func NewObserver(budget *memory.Budget) *Observer {
	return &Observer{memory: budget, seen: cache.New(seenBytes, func(imageStats) int { return statsBytes })}
}

// Observe computes the features of a sample. An image is shown to the item if it was decoded for that. A fault is that
// of an image that does not decode. The error is that of the budget.
func (o *Observer) Observe(ctx context.Context, item scorer.Item) (*Features, *dataset.Fault, error) {
	var pictures []imageStats
	for _, i := range item.Sample.RatedImages() {
		stats, fault, err := o.look(ctx, item.Images[i], func(picture image.Image) {
			if item.Decoded != nil {
				item.Decoded(i, picture)
			}
		})
		if err != nil {
			return nil, nil, err
		}
		if fault != nil {
			fault.Field = images.Label(item.Sample, i)
			return nil, fault, nil
		}
		pictures = append(pictures, stats)
	}
	return observe(item.Sample.Rated(), pictures), nil, nil
}

// A faultError is the fault of an image, as an error: nothing is kept of such an image.
type faultError struct{ fault dataset.Fault }

func (e *faultError) Error() string { return e.fault.Reason() }

// look measures an image, and shows it if it has to be decoded. Samples that are observed at the same time share this.
func (o *Observer) look(ctx context.Context, data []byte, show func(image.Image)) (imageStats, *dataset.Fault, error) {
	stats, err := o.seen.Get(ctx, images.HashOf(data).String(), func(ctx context.Context) (stats imageStats, err error) {
		fault, err := images.DecodeOnWhite(ctx, data, o.memory, func(picture image.Image) {
			stats = measureImage(picture)
			show(picture)
		})
		if fault != nil {
			err = &faultError{*fault}
		}
		return stats, err
	})
	if faulty, ok := errors.AsType[*faultError](err); ok {
		fault := faulty.fault // whose field the caller sets
		return imageStats{}, &fault, nil
	}
	return stats, nil, err
}
