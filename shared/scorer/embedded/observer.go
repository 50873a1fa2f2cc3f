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

// An Observer computes the features of samples. It caches the statistics of images, so that an image that many samples
// share is decoded once. It is safe for concurrent use.
type Observer struct {
	memory *memory.Budget
	seen   *cache.Cache[imageStats] // by the hash of the encoded image
}

const (
	// seenBytes limits the cache of an Observer to the statistics of about 9,000 images.
	seenBytes = 4 << 20
	// statsBytes is the memory of a cache entry: the numbers, the key and the cache's own data.
	statsBytes = 24*8 + 64 + 200
)

// NewObserver makes an Observer. Decoding images reserves memory from budget.
func NewObserver(budget *memory.Budget) *Observer {
	return &Observer{memory: budget, seen: cache.New(seenBytes, func(imageStats) int { return statsBytes })}
}

// Observe computes the features of a sample. If it decodes an image, it passes the picture to item.Decoded. If an image
// cannot be decoded, it returns a fault. An error comes from the budget or the context.
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

// A faultError is the fault of an image as an error. The cache keeps no entry for an error.
type faultError struct{ fault dataset.Fault }

func (e *faultError) Error() string { return e.fault.Reason() }

// look returns the statistics of an image. If it decodes the image, it calls show with the picture. Concurrent calls
// for one image share the work.
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
		fault := faulty.fault // a copy, because the caller sets its field
		return imageStats{}, &fault, nil
	}
	return stats, nil, err
}
