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

// subsetImages reads the images of a subset, sample by sample: those that the subset itself holds, or those of the
// dataset where they lie on this machine.
type subsetImages struct {
	format string // that the subset is converted to, for messages
	// named reads images of files, of a sample of a manifest.
	named func(ctx context.Context, manifest int, s *dataset.Sample, hold *memory.Hold) (
		images.Fetched, *dataset.Fault, error)
	memory *memory.Budget
	hold   *memory.Hold // of the last sample
	close  func() error
}

// openSubsetImages opens the images of the subset that is stored. The caller has to close them.
func (f outputFolder) openSubsetImages(ctx context.Context, stored string) (*subsetImages, error) {
	limits, err := limits(ctx)
	if err != nil {
		return nil, err
	}
	s := &subsetImages{format: f.format}
	if s.memory, err = imageMemory(limits.Images, scorers.Config{}); err != nil {
		return nil, err
	}
	if f.containedIn() != "" {
		return s, s.openContained(f.input, stored, limits.Images)
	}
	if f.input == nil {
		return nil, usageError{fmt.Errorf("--output-format %s: it takes the images into the subset, and this command cannot "+
			"reach those of a run that it did not start; leave the flag out", f.format)}
	}
	opened, err := f.input.openImages(ctx, limits.Images, limits.Compressed)
	if err != nil {
		return nil, err
	}
	s.named, s.close = opened.Fetch, opened.Close
	return s, nil
}

// openContained opens the images that the subset holds, and those that its records name in the dataset's folder.
func (s *subsetImages) openContained(in *input, stored string, limits images.Limits) error {
	const prefix = "images/"
	content := map[string]bucket.Content{}
	if in != nil {
		content[prefix] = bucket.AtFolder(in.Images)
	}
	view, err := bucket.NewView(content)
	if err != nil {
		return err
	}
	fetcher, err := images.New(images.Config{Input: view, Prefix: prefix, Limits: limits})
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
	held := kind.Values(container.FileSource(file))
	s.close = func() error { return errors.Join(held.Close(), file.Close()) }
	s.named = func(ctx context.Context, _ int, sample *dataset.Sample, hold *memory.Hold) (
		images.Fetched, *dataset.Fault, error,
	) {
		return fetcher.Fetch(ctx, sample, held, hold)
	}
	return nil
}

// fetch reads the images of a sample. They count in memory until the next sample.
func (s *subsetImages) fetch(ctx context.Context, manifest int, sample *dataset.Sample) ([][]byte, error) {
	s.release()
	s.hold = s.memory.NewHold(1)
	fetched, fault, err := s.named(ctx, manifest, sample, s.hold)
	if err == nil && fault != nil { // it has changed since it was scored
		err = fmt.Errorf("--output-format %s: sample %s: %s: %s; put the image where it was, or leave the sample out with "+
			"--exclude", s.format, spelling.Shown(sample.ID), fault.Code.Text(fault.Field), fault.Detail)
	}
	return fetched.Images, err
}

func (s *subsetImages) release() {
	if s.hold != nil {
		s.hold.Release()
		s.hold = nil
	}
}

// Close ends the reading.
func (s *subsetImages) Close() error {
	s.release()
	return s.close()
}
