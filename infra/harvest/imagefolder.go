package main

import (
	"context"
	"fmt"
	"path"
	"path/filepath"

	"github.com/google/renameio/v2"
	"github.com/harvest-ml/harvest/shared/bucket"
	"github.com/harvest-ml/harvest/shared/dataset"
	"github.com/harvest-ml/harvest/shared/images"
	"github.com/harvest-ml/harvest/shared/memory"
)

// openImages opens the dataset's images where they lie on this machine.
func (in input) openImages(limits images.Limits) (*images.Fetcher, error) {
	view, err := bucket.NewView(map[string]bucket.Content{in.imagesPrefix(): bucket.AtFolder(in.Images)})
	if err != nil {
		return nil, err
	}
	return images.New(images.Config{Input: view, Prefix: in.imagesPrefix(), Limits: limits})
}

// An imageFolder copies images into images/ of a folder, each once and named by its content, so that the folder
// can be moved to another machine as a whole, and equal images are equal names.
type imageFolder struct {
	from    *images.Fetcher
	memory  *memory.Budget
	to      string
	written map[string]bool
}

// take copies a sample's images and returns their names relative to the folder. A fault is one of the sample.
func (f *imageFolder) take(ctx context.Context, s *dataset.Sample) (names []string, fault *dataset.Fault, err error) {
	if s.Problem != nil {
		return nil, &s.Problem.Fault, nil
	}
	hold := f.memory.NewHold(1)
	defer hold.Release()
	fetched, fault, err := f.from.Fetch(ctx, s, hold)
	if fault != nil || err != nil {
		return nil, fault, err
	}
	for _, data := range fetched.Images {
		name, err := f.write(data)
		if err != nil {
			return nil, nil, err
		}
		names = append(names, name)
	}
	return names, nil, nil
}

func (f *imageFolder) write(data []byte) (string, error) {
	extension, err := images.Extension(data)
	if err != nil {
		return "", err
	}
	name := path.Join("images", images.HashOf(data).Short()+"."+extension)
	if f.written[name] {
		return name, nil
	}
	file := filepath.Join(f.to, filepath.FromSlash(name))
	if err := makeOut(filepath.Dir(file)); err != nil {
		return "", err
	}
	if err := renameio.WriteFile(file, data, 0o644); err != nil {
		return "", fmt.Errorf("copying an image to %s: %w", file, err)
	}
	f.written[name] = true
	return name, nil
}
