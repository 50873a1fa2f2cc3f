package main

import (
	"context"
	"errors"
	"fmt"
	"os"

	"github.com/harvest-ml/harvest/shared/bucket"
	"github.com/harvest-ml/harvest/shared/dataset"
	"github.com/harvest-ml/harvest/shared/dataset/container"
	"github.com/harvest-ml/harvest/shared/dataset/container/kinds"
	"github.com/harvest-ml/harvest/shared/images"
	"github.com/harvest-ml/harvest/shared/memory"
	scorers "github.com/harvest-ml/harvest/shared/scorer/kinds"
	"github.com/harvest-ml/harvest/shared/spelling"
)

// An imagesPlace is the place of the images that records of a dataset name; zero if they cannot be reached.
type imagesPlace struct {
	from   bucket.Reader
	prefix string
}

// imagesPlace returns the place of the dataset's images.
func (in input) imagesPlace() (imagesPlace, error) {
	view, err := bucket.NewView(map[string]bucket.Content{in.imagesPrefix(): in.imagesContent()})
	return imagesPlace{view, in.imagesPrefix()}, err
}

// open opens the images.
func (p imagesPlace) open(limits images.Limits) (*images.Fetcher, error) {
	return images.New(images.Config{Input: p.from, Prefix: p.prefix, Limits: limits})
}

// subsetImages reads the images of a subset, sample by sample: from the subset itself if it holds images, else from the
// dataset's files on this machine.
type subsetImages struct {
	asked string // the flag that requires the images, for messages
	// exclude is the flag that excludes a sample, for messages.
	exclude string
	named   func(ctx context.Context, s *dataset.Sample, hold *memory.Hold) (images.Fetched, *dataset.Fault, error)
	memory  *memory.Budget
	hold    *memory.Hold // memory of the last sample's images
	close   func() error
}

// openSubsetImages opens the images of the stored subset. The caller has to close them.
func (f outputFolder) openSubsetImages(ctx context.Context, stored string) (*subsetImages, error) {
	limits, err := limits(ctx)
	if err != nil {
		return nil, err
	}
	s := &subsetImages{asked: f.asked(), exclude: f.exclude()}
	if s.memory = f.memory; s.memory == nil {
		if s.memory, err = imageMemory(limits.Images, scorers.Config{}); err != nil {
			return nil, err
		}
	}
	if f.containedIn() != "" {
		return s, s.openContained(ctx, f.place, stored, limits.Images)
	}
	if f.place.from == nil {
		return nil, usageError{fmt.Errorf("%s: the subset needs the images, and this command finds only the images of "+
			"runs that it started; remove the flag", s.asked)}
	}
	named, err := f.place.open(limits.Images)
	if err != nil {
		return nil, err
	}
	s.close = func() error { return nil }
	s.named = func(ctx context.Context, sample *dataset.Sample, hold *memory.Hold) (
		images.Fetched, *dataset.Fault, error,
	) {
		return named.Fetch(ctx, sample, nil, hold)
	}
	return s, nil
}

// openContained opens the images in the subset itself, and the images that its records name.
func (s *subsetImages) openContained(
	ctx context.Context, place imagesPlace, stored string, limits images.Limits,
) error {
	if place.from == nil { // the image files cannot be reached
		none, err := bucket.NewView(nil)
		if err != nil {
			return err
		}
		place = imagesPlace{none, "images/"}
	}
	fetcher, err := place.open(limits)
	if err != nil {
		return err
	}
	file, err := os.Open(stored)
	if err != nil {
		return err
	}
	kind, _, err := kinds.OfFile(file)
	if err != nil {
		return errors.Join(err, file.Close())
	}
	release, err := s.memory.Reader(ctx, kind.HeldBytes)
	if err != nil {
		return errors.Join(err, file.Close())
	}
	held := kind.Values(container.FileSource(file))
	s.close = func() error {
		defer release()
		return errors.Join(held.Close(), file.Close())
	}
	s.named = func(ctx context.Context, sample *dataset.Sample, hold *memory.Hold) (
		images.Fetched, *dataset.Fault, error,
	) {
		return fetcher.Fetch(ctx, sample, held, hold)
	}
	return nil
}

// fetch reads the images of a sample. The images count in the memory budget until the next call.
func (s *subsetImages) fetch(ctx context.Context, sample *dataset.Sample) ([][]byte, error) {
	s.release()
	s.hold = s.memory.NewHold(1)
	fetched, fault, err := s.named(ctx, sample, s.hold)
	if err == nil && fault != nil { // the image has changed since it was scored
		err = fmt.Errorf("%s: sample %s: %s: %s; put the image back, or exclude the sample with %s",
			s.asked, spelling.Shown(sample.ID), fault.Code.Text(fault.Field), fault.Detail, s.exclude)
	}
	return fetched.Images, err
}

func (s *subsetImages) release() {
	if s.hold != nil {
		s.hold.Release()
		s.hold = nil
	}
}

// Close closes the images.
func (s *subsetImages) Close() error {
	s.release()
	return s.close()
}
