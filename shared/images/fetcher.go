// Package images is the images of a sample: it finds, fetches, checks, bounds, decodes and hashes them.
//
// A fault of an image is a *dataset.Fault and fails its sample only. An error is transient: the same call may succeed
// later.
package images

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/harvest-ml/harvest/shared/bucket"
	"github.com/harvest-ml/harvest/shared/dataset"
)

// Config is what a Fetcher needs.
type Config struct {
	// Input holds the images below Prefix, which ends with a slash.
	Input  bucket.Reader
	Prefix string
	// Buckets are those, by name, that gs:// image names may point into. The input bucket, if it is among them, is
	// open below Prefix only. None are allowed, too.
	Buckets map[string]bucket.Reader
	Limits  Limits
}

// A Fetcher reads the images of a dataset's samples. It is safe for concurrent use.
type Fetcher struct {
	input   bucket.Reader
	prefix  string
	buckets map[string]bucket.Reader
	limits  Limits
}

// New makes a Fetcher. The error names what is missing or invalid.
func New(c Config) (*Fetcher, error) {
	var invalid []error
	if c.Input == nil {
		invalid = append(invalid, errors.New("the input bucket is missing"))
	}
	if !strings.HasSuffix(c.Prefix, "/") {
		invalid = append(invalid, fmt.Errorf("the prefix of images, %q, does not end with a slash", c.Prefix))
	}
	if err := errors.Join(append(invalid, c.Limits.Validate())...); err != nil {
		return nil, fmt.Errorf("reading images: %w", err)
	}
	return &Fetcher{input: c.Input, prefix: c.Prefix, buckets: c.Buckets, limits: c.Limits}, nil
}

// A Location is where a named image lies: an object of a bucket.
type Location struct {
	Bucket bucket.Reader
	bucket.Attrs
}

// Locate finds the image of a name, relative to the dataset's images or a gs:// URL, without reading it. The Field of
// its fault is the name.
func (f *Fetcher) Locate(ctx context.Context, name string) (Location, *dataset.Fault, error) {
	clean, err := dataset.CleanImageName(name)
	if err != nil {
		return Location{}, &dataset.Fault{Kind: dataset.ImageNameUnsafe, Field: name, Detail: err.Error()}, nil
	}
	from, object := f.input, f.prefix+clean
	if url, ok := strings.CutPrefix(clean, "gs://"); ok {
		var host string
		host, object, _ = strings.Cut(url, "/")
		if from, ok = f.buckets[host]; !ok || from == f.input && !strings.HasPrefix(object, f.prefix) {
			return Location{}, &dataset.Fault{Kind: NotAllowed, Field: name, Detail: fmt.Sprintf(
				"use a name below %s, or have the bucket added to IMAGE_BUCKETS", f.prefix)}, nil
		}
	}
	attrs, err := from.Stat(ctx, object)
	switch {
	case errors.Is(err, bucket.ErrNotExist), errors.Is(err, bucket.ErrName):
		return Location{}, notFound(name), nil
	case err != nil:
		return Location{}, nil, fmt.Errorf("looking for image %s: %w", object, err)
	}
	return Location{from, attrs}, nil, nil
}

func notFound(name string) *dataset.Fault {
	return &dataset.Fault{
		Kind: NotFound, Field: name, Detail: "it is not among the dataset's images; add it, then retry the run",
	}
}

// Fetch reads the images of a sample, in its order, and checks them. What it returns is within the limits; whether it
// decodes is not known yet. The fault is that of the first image which has one.
func (f *Fetcher) Fetch(ctx context.Context, sample *dataset.Sample) ([][]byte, *dataset.Fault, error) {
	var fetched [][]byte
	for i, img := range sample.Images {
		data, fault, err := f.read(ctx, img)
		if err != nil {
			return nil, nil, err
		}
		if fault == nil {
			fault = Check(data, f.limits)
		}
		if fault != nil {
			if fault.Field == "" {
				fault.Field = Label(sample, i)
			}
			return nil, fault, nil
		}
		fetched = append(fetched, data)
	}
	return fetched, nil, nil
}

// read reads one image, unless it is too large.
func (f *Fetcher) read(ctx context.Context, img dataset.Image) ([]byte, *dataset.Fault, error) {
	if img.Name == "" {
		return img.Data, nil, nil
	}
	at, fault, err := f.Locate(ctx, img.Name)
	if fault != nil || err != nil {
		return nil, fault, err
	}
	if at.Size > f.limits.MaxBytes {
		return nil, tooManyBytes(at.Size, f.limits), nil
	}
	body, err := at.Bucket.Open(ctx, at.Name, at.Generation, 0, -1)
	if errors.Is(err, bucket.ErrNotExist) {
		return nil, notFound(img.Name), nil
	} else if err != nil {
		return nil, nil, fmt.Errorf("reading image %s: %w", at.Name, err)
	}
	defer body.Close()
	data, err := io.ReadAll(body)
	if err != nil {
		return nil, nil, fmt.Errorf("reading image %s: %w", at.Name, err)
	}
	return data, nil, nil
}
