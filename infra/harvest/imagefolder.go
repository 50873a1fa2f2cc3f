package main

import (
	"context"
	"errors"
	"fmt"
	"path"
	"path/filepath"

	"github.com/google/renameio/v2"
	"github.com/harvest-ml/harvest/shared/dataset"
	"github.com/harvest-ml/harvest/shared/dataset/compression"
	"github.com/harvest-ml/harvest/shared/dataset/container"
	"github.com/harvest-ml/harvest/shared/images"
	"github.com/harvest-ml/harvest/shared/memory"
)

// datasetImages reads the images of a dataset on this machine, from the folder of images or from the manifests.
type datasetImages struct {
	named *images.Fetcher
	held  map[int]container.Values // images inside containers, by the number of the manifest
	files []*manifestFile
}

// openImages opens the dataset's images. packed limits the unpacking of compressed manifests. The caller has to close
// the result.
func (in input) openImages(
	ctx context.Context, limits images.Limits, packed compression.Limits,
) (*datasetImages, error) {
	place, err := in.imagesPlace()
	if err != nil {
		return nil, err
	}
	named, err := place.open(limits)
	if err != nil {
		return nil, err
	}
	opened := &datasetImages{named: named, held: map[int]container.Values{}}
	for i, name := range in.Manifests {
		if err := opened.openManifest(ctx, i, name, packed); err != nil {
			return nil, errors.Join(err, opened.Close())
		}
	}
	return opened, nil
}

// openManifest opens a manifest that holds images.
func (d *datasetImages) openManifest(ctx context.Context, i int, name string, packed compression.Limits) error {
	kind, contained, err := containerKind(name)
	if !contained || err != nil {
		return err
	}
	file, err := openManifest(ctx, name, packed)
	if err != nil {
		return err
	}
	d.files, d.held[i] = append(d.files, file), kind.Values(container.FileSource(file.File))
	return nil
}

// Fetch reads the images of a sample of a manifest (images.Fetcher.Fetch).
func (d *datasetImages) Fetch(
	ctx context.Context, manifest int, s *dataset.Sample, hold *memory.Hold,
) (images.Fetched, *dataset.Fault, error) {
	if held, contained := d.held[manifest]; contained {
		return d.named.Fetch(ctx, s, held, hold)
	}
	return d.named.Fetch(ctx, s, nil, hold)
}

// Close closes the manifests.
func (d *datasetImages) Close() error {
	var faults []error
	for _, held := range d.held {
		faults = append(faults, held.Close())
	}
	for _, file := range d.files {
		faults = append(faults, file.Close())
	}
	return errors.Join(faults...)
}

// An imageFolder copies images into images/ of a folder. Each image is named by its content and written once, so equal
// images have one name. The folder can be moved to another machine as a whole.
type imageFolder struct {
	from    *datasetImages
	memory  *memory.Budget
	to      string
	written map[string]bool
}

// take copies the images of a sample and returns their names relative to the folder. If the sample is invalid, it
// returns a fault; else fault is nil.
func (f *imageFolder) take(
	ctx context.Context, manifest int, s *dataset.Sample,
) (names []string, fault *dataset.Fault, err error) {
	if s.Problem != nil {
		return nil, &s.Problem.Fault, nil
	}
	hold := f.memory.NewHold(1)
	defer hold.Release()
	fetched, fault, err := f.from.Fetch(ctx, manifest, s, hold)
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

// place implements placement.
func (f *imageFolder) place(_ *dataset.Sample, _ int, data []byte) (string, error) {
	return f.write(data)
}

// files implements placement.
func (f *imageFolder) files() []string { return baseNames(f.written) }

// baseNames returns the last elements of the names of a set.
func baseNames(set map[string]bool) []string {
	names := []string{}
	for name := range set {
		names = append(names, path.Base(name))
	}
	return names
}

// imageName returns the name of an image by its content, relative to the parent of the images' folder.
func imageName(data []byte) (string, error) {
	extension, err := images.Extension(data)
	return path.Join(imagesFolder, images.HashOf(data).Short()+"."+extension), err
}

func (f *imageFolder) write(data []byte) (string, error) {
	name, err := imageName(data)
	if err != nil || f.written[name] {
		return name, err
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
