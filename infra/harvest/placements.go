package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/harvest-ml/harvest/shared/bucket"
	"github.com/harvest-ml/harvest/shared/dataset"
	"github.com/harvest-ml/harvest/shared/export"
	"github.com/harvest-ml/harvest/shared/images"
)

// placement returns the placement of images that the request names. to is the parent of the folder of images.
func (e trainerExport) placement(ctx context.Context, to string) (placement, error) {
	if e.request.Images == export.Copy {
		return &imageFolder{to: to, written: map[string]bool{}}, nil
	}
	named, err := e.newNamedImages(ctx)
	if err != nil || e.request.Images == export.Reference {
		return named, err
	}
	return &linkedImages{namedImages: named, to: to, made: map[string]bool{}}, nil
}

// namedImages does not copy images. Records name the original images by absolute paths.
type namedImages struct {
	asked  string // the flag that requested this placement, for messages
	folder string // folder of images
	prefix string // prefix of the images' objects
	locate func(name string) (images.Location, *dataset.Fault, error)
}

// newNamedImages finds images in the folder of the dataset's images.
func (e trainerExport) newNamedImages(ctx context.Context) (*namedImages, error) {
	asked := "--images " + string(e.request.Images)
	disk, ok := e.place.from.(bucket.OnDisk)
	folder := ""
	if ok {
		folder = disk.Path(e.place.prefix)
	}
	if folder == "" {
		return nil, usageError{fmt.Errorf("%s: no folder of this machine holds the images of the dataset; give --images "+
			"copy", asked)}
	}
	folder, err := filepath.Abs(folder)
	if err != nil {
		return nil, err
	}
	limits, err := limits(ctx)
	if err != nil {
		return nil, err
	}
	fetcher, err := e.place.open(limits.Images)
	if err != nil {
		return nil, err
	}
	return &namedImages{
		asked: asked, folder: folder, prefix: e.place.prefix,
		locate: func(name string) (images.Location, *dataset.Fault, error) { return fetcher.Locate(ctx, name) },
	}, nil
}

// errNoFile is the error of an image that is not a separate file.
var errNoFile = errors.New("it is not a file, because the manifest itself holds it; give --images copy")

// place implements placement.
func (n *namedImages) place(s *dataset.Sample, number int, _ []byte) (string, error) {
	image := s.Images[number]
	if image.Name == "" {
		return "", fmt.Errorf("%s: image %d: %w", n.asked, number+1, errNoFile)
	}
	at, fault, err := n.locate(image.Name)
	if err != nil {
		return "", err
	}
	file := filepath.Join(n.folder, filepath.FromSlash(strings.TrimPrefix(at.Name, n.prefix)))
	if _, lost := os.Stat(file); fault != nil || lost != nil {
		return "", fmt.Errorf("%s: image %s: its file was not found in %s; give --images copy", n.asked, image.Name, n.folder)
	}
	return file, nil
}

// files implements placement.
func (n *namedImages) files() []string { return nil }

// linkedImages makes one symbolic link to each different image. The link is named by the image's content.
type linkedImages struct {
	*namedImages
	to   string
	made map[string]bool
}

// place implements placement.
func (l *linkedImages) place(s *dataset.Sample, number int, data []byte) (string, error) {
	name, err := imageName(data)
	if err != nil || l.made[name] {
		return name, err
	}
	file, err := l.namedImages.place(s, number, data)
	if err != nil {
		return "", err
	}
	link := filepath.Join(l.to, filepath.FromSlash(name))
	if err := makeOut(filepath.Dir(link)); err != nil {
		return "", err
	}
	l.made[name] = true
	return name, os.Symlink(file, link)
}

// files implements placement.
func (l *linkedImages) files() []string { return baseNames(l.made) }
