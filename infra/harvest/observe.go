package main

import (
	"context"
	"fmt"
	"runtime"
	"sync/atomic"

	"github.com/harvest-ml/harvest/shared/dataset"
	"github.com/harvest-ml/harvest/shared/scorer"
	"github.com/harvest-ml/harvest/shared/scorer/embedded"
	"github.com/harvest-ml/harvest/shared/scorer/embedded/training"
	"golang.org/x/sync/errgroup"
)

// observe reads the images of samples and computes their features. A sample that no scorer could rate cannot be learned from: it
// is an error, for its annotation would be lost.
func (data *annotated) observe(ctx context.Context, samples []found, limits dataset.ImageLimits, show *display) ([]training.Sample, error) {
	images := imageFolder{from: data.Images, limits: limits}
	learn := make([]training.Sample, len(samples))
	var done atomic.Int64
	work, ctx := errgroup.WithContext(ctx)
	work.SetLimit(runtime.GOMAXPROCS(0))
	for i, f := range samples {
		work.Go(func() error {
			if ctx.Err() != nil {
				return ctx.Err()
			}
			item, hashes, reason, err := images.item(f.sample)
			if err != nil {
				return err
			}
			learn[i] = training.Sample{Annotation: f.annotation, Source: f.sample.Source, Images: hashes}
			if reason == "" {
				learn[i].Features, reason = embedded.Observe(item)
			}
			if reason != "" {
				return fmt.Errorf("annotated sample %s (%s): %s: mend it, or leave its annotation out", f.sample.ID, f.sample.Place, reason)
			}
			show.update("read", done.Add(1), int64(len(samples)))
			return nil
		})
	}
	return learn, work.Wait()
}

// item is a sample with its images, and what tells those apart: hashes of their bytes.
func (f *imageFolder) item(s *dataset.Sample) (item scorer.Item, hashes []string, reason string, err error) {
	if s.Problem != nil {
		return scorer.Item{}, nil, s.Problem.Reason(), nil
	}
	item.Sample = s
	for _, img := range s.Images {
		data, reason, err := f.read(img)
		if reason != "" || err != nil {
			return scorer.Item{}, nil, fmt.Sprintf("%s: %s", reason, img.Name), err
		}
		if err := dataset.CheckImage(data, f.limits); err != nil {
			return scorer.Item{}, nil, fmt.Sprintf("%v: %s", err, img.Name), nil
		}
		item.Images = append(item.Images, data)
		hashes = append(hashes, hashOf(data))
	}
	return item, hashes, "", nil
}
