package main

import (
	"context"
	"fmt"
	"runtime"
	"sync/atomic"

	"github.com/harvest-ml/harvest/shared/images"
	"github.com/harvest-ml/harvest/shared/scorer"
	"github.com/harvest-ml/harvest/shared/scorer/embedded"
	"github.com/harvest-ml/harvest/shared/scorer/embedded/training"
	"golang.org/x/sync/errgroup"
)

// observe reads the images of samples and computes their features. A sample that no scorer could rate cannot be
// learned from: it is an error, for its annotation would be lost.
func (data *annotated) observe(ctx context.Context, samples []found, show *display) ([]training.Sample, error) {
	fetcher, err := data.openImages(data.limits.Images)
	if err != nil {
		return nil, err
	}
	learn := make([]training.Sample, len(samples))
	var done atomic.Int64
	work, ctx := errgroup.WithContext(ctx)
	work.SetLimit(runtime.GOMAXPROCS(0))
	for i, f := range samples {
		work.Go(func() error {
			if ctx.Err() != nil {
				return ctx.Err()
			}
			var err error
			if learn[i], err = observeOne(ctx, fetcher, f); err != nil {
				return err
			}
			show.update("read", done.Add(1), int64(len(samples)))
			return nil
		})
	}
	return learn, work.Wait()
}

// observeOne is an annotated sample with its features, and the hashes of its images, which distinguish them.
func observeOne(ctx context.Context, fetcher *images.Fetcher, f found) (training.Sample, error) {
	const advice = "mend it, or leave its annotation out"
	if f.sample.Problem != nil {
		return training.Sample{}, fmt.Errorf("annotated sample %s (%s): %s: %s",
			f.sample.ID, f.sample.Place, f.sample.Problem.Reason(), advice)
	}
	fetched, fault, err := fetcher.Fetch(ctx, f.sample)
	if err != nil {
		return training.Sample{}, err
	}
	if fault != nil {
		return training.Sample{}, fmt.Errorf("annotated sample %s (%s): %s: %s: %s: %s",
			f.sample.ID, f.sample.Place, fault.Kind, fault.Field, advice, fault.Detail)
	}
	features, reason := embedded.Observe(scorer.Item{Sample: f.sample, Images: fetched})
	if reason != "" {
		return training.Sample{}, fmt.Errorf("annotated sample %s (%s): %s: %s",
			f.sample.ID, f.sample.Place, reason, advice)
	}
	learned := training.Sample{Annotation: f.annotation, Source: f.sample.Source, Features: features}
	for _, data := range fetched {
		learned.Images = append(learned.Images, images.HashOf(data).String())
	}
	return learned, nil
}
