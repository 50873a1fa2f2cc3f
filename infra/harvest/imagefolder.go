package main

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"image"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"

	"github.com/google/renameio/v2"
	"github.com/harvest-ml/harvest/shared/dataset"
)

// An imageFolder copies images into images/ of a folder, each once and named by its content, so that the folder
// can be moved to another machine as a whole, and equal images are equal names.
type imageFolder struct {
	from    string // the folder that image names begin in
	to      string
	limits  dataset.ImageLimits
	written map[string]bool
}

// take copies a sample's images and returns their names relative to the folder. A reason is a fault of the sample.
func (f *imageFolder) take(s *dataset.Sample) (names []string, reason string, err error) {
	if s.Problem != nil {
		return nil, s.Problem.Kind, nil
	}
	for _, img := range s.Images {
		data, reason, err := f.read(img)
		if reason != "" || err != nil {
			return nil, reason, err
		}
		if err := dataset.CheckImage(data, f.limits); err != nil {
			if fault, ok := errors.AsType[*dataset.ImageError](err); ok {
				return nil, fault.Kind, nil
			}
			return nil, "", err
		}
		name, err := f.write(data)
		if err != nil {
			return nil, "", err
		}
		names = append(names, name)
	}
	return names, "", nil
}

// read reads an image of this machine.
func (f *imageFolder) read(img dataset.Image) (data []byte, reason string, err error) {
	if img.Name == "" {
		return img.Data, "", nil
	}
	name, err := dataset.CleanImageName(img.Name)
	if err != nil {
		return nil, dataset.ImageNameUnsafe, nil //nolint:nilerr // a fault of the sample
	}
	if strings.HasPrefix(name, "gs://") {
		return nil, dataset.ImageNotFound, nil
	}
	data, err = os.ReadFile(filepath.Join(f.from, filepath.FromSlash(name)))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, dataset.ImageNotFound, nil
	} else if err != nil {
		return nil, "", fmt.Errorf("reading image %s: %w", img.Name, err)
	}
	return data, "", nil
}

func (f *imageFolder) write(data []byte) (string, error) {
	_, format, err := image.DecodeConfig(bytes.NewReader(data))
	if err != nil {
		return "", err
	}
	sum := sha256.Sum256(data)
	name := path.Join("images", hex.EncodeToString(sum[:8])+"."+strings.Replace(format, "jpeg", "jpg", 1))
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
