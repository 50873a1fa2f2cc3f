// Package evaluation reads evaluation sets, such as benchmarks, so that samples can be compared with them. A set is an
// object of a bucket or a folder of images. An object is JSON or JSONL, TSV with base64 images, Parquet, or tar. Its
// records have any form of datasets, or fields for a question and images.
package evaluation

import (
	"context"
	"crypto/sha256"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"path"
	"strings"

	"github.com/harvest-ml/harvest/shared/bucket"
	"github.com/harvest-ml/harvest/shared/dataset"
	"github.com/harvest-ml/harvest/shared/dataset/compression"
	"github.com/harvest-ml/harvest/shared/dataset/container"
	"github.com/harvest-ml/harvest/shared/dataset/container/kinds"
	"github.com/harvest-ml/harvest/shared/images"
	"github.com/harvest-ml/harvest/shared/memory"
	"github.com/harvest-ml/harvest/shared/similarity"
)

// An Object identifies the source of a set. Equal objects give equal sets.
type Object struct {
	// Name is the name of an object, or the prefix of the images of a folder, which ends with a slash.
	Name string `json:"name"`
	Size int64  `json:"size"` // bytes; for a folder, of all its images
	// Checksum is the CRC-32C of an object in eight hex digits; for a folder, a hash of its objects' names and checksums.
	Checksum string `json:"checksum"`
	// Generation is the generation of an object; 0 for a folder.
	Generation int64 `json:"-"`
}

// An Item is an item of an evaluation set, such as a question of a benchmark.
type Item struct {
	// Name has the name of the file, and the item's id or position in the file: mmbench.tsv#12.
	Name string
	similarity.Content
}

// A Result is the content of an evaluation set.
type Result struct {
	Items []Item
	// Images is the number of images that were read. Unread is the number of images that could not be read; they are not
	// compared. Example is the name of an unread image; empty if no unread image has a name.
	Images, Unread int
	Example        string
}

// A FaultError is a permanent error of a set. The user must change its file, or name another file.
type FaultError struct{ Name, Reason string }

func (e *FaultError) Error() string { return e.Name + ": " + e.Reason }

// fault converts an error of reading an object or a folder: to a *FaultError if the error is permanent.
func fault(name string, err error) error {
	_, format := errors.AsType[*dataset.FormatError](err)
	_, line := errors.AsType[*csv.ParseError](err)
	if errors.Is(err, bucket.ErrUnreadable) || errors.Is(err, bucket.ErrName) || format || line {
		return &FaultError{name, err.Error()}
	}
	return fmt.Errorf("reading %s: %w", name, err)
}

// Identify finds an object, or a folder with images, by its name. The error is a *FaultError if neither exists.
func (s Source) Identify(ctx context.Context, name string) (Object, error) {
	object, err := s.identify(ctx, name)
	switch {
	case err == nil:
		return object, nil
	case errors.Is(err, bucket.ErrNotExist) && !errors.Is(err, bucket.ErrUnreadable):
		return Object{}, &FaultError{name, "there is no such file, and no folder with images"}
	default:
		return Object{}, fault(name, err)
	}
}

func (s Source) identify(ctx context.Context, name string) (Object, error) {
	in := s.Input
	if !strings.HasSuffix(name, "/") {
		attrs, err := in.Stat(ctx, name)
		if err != nil {
			return Object{}, err
		}
		sum, err := in.Checksum(ctx, name)
		return Object{name, attrs.Size, fmt.Sprintf("%08x", sum), attrs.Generation}, err
	}
	folder, all := Object{Name: name}, sha256.New()
	for attrs, err := range in.List(ctx, name, "") {
		if err != nil {
			return Object{}, err
		}
		if !images.IsName(attrs.Name) {
			continue
		}
		sum, err := in.Checksum(ctx, attrs.Name)
		if err != nil {
			return Object{}, err
		}
		folder.Size += attrs.Size
		fmt.Fprintf(all, "%s %d %08x\n", attrs.Name, attrs.Size, sum)
	}
	if folder.Size == 0 {
		return Object{}, bucket.ErrNotExist
	}
	folder.Checksum = fmt.Sprintf("%x", all.Sum(nil)[:8])
	return folder, nil
}

// A reading is the state of reading one set.
type reading struct {
	in      bucket.Reader
	object  Object
	records dataset.Limits
	named   *images.Fetcher  // reads images by their names
	held    container.Values // reads images inside a container; nil for other files
	last    *dataset.Problem // problem of the last record; nil if it has none
	*signing
}

// A Source has the bucket with evaluation sets, and the memory budget for reading their images.
type Source struct {
	Input  bucket.Reader
	Memory *memory.Budget
}

// Read reads a set that Identify found. The limits of records and images are the limits for samples, except that an
// item may have any number of images. An image that exceeds the limits counts as unread. The error is a *FaultError if
// the file is invalid, or if none of the set's images could be read. If the file was replaced after Identify, it is
// another error.
func (s Source) Read(
	ctx context.Context, object Object, records dataset.Limits, limits images.Limits,
) (*Result, error) {
	prefix := object.Name[:strings.LastIndexByte(object.Name, '/')+1]
	named, err := images.New(images.Config{Input: s.Input, Prefix: prefix, Limits: limits})
	if err != nil {
		return nil, err
	}
	r := &reading{in: s.Input, object: object, records: records, named: named}
	r.signing, ctx = newSigning(ctx, path.Base(object.Name), s.Memory)
	err = r.read(ctx)
	if failed := r.wait(); failed != nil { // this error ended the reading
		err = failed
	}
	if err != nil {
		if _, known := errors.AsType[*FaultError](err); known {
			return nil, err
		}
		return nil, fault(object.Name, err)
	}
	result := r.result()
	switch {
	case len(result.Items) == 0:
		return nil, r.refuse("none of its records can be used: a record needs a conversation, or a field such as question " +
			"or image")
	case result.Images == 0 && result.Unread > 0:
		return nil, r.refuse(fmt.Sprintf("none of its images (%d) could be found and read%s; give names relative to its "+
			"folder", result.Unread, suchAs(result.Example)))
	}
	return result, nil
}

// refuse returns a *FaultError of the set.
func (r *reading) refuse(reason string) error { return &FaultError{r.object.Name, reason} }

// suchAs returns a clause with an example for a message; empty without an example.
func suchAs(example string) string {
	if example == "" {
		return ""
	}
	return fmt.Sprintf(", such as %q", example)
}

func (r *reading) read(ctx context.Context) error {
	if strings.HasSuffix(r.object.Name, "/") {
		return r.readFolder(ctx)
	}
	source := objectSource{r.in, r.object}
	head, err := r.head(ctx, source)
	if err != nil {
		return err
	}
	if packed := compression.Of(head); packed != "" {
		return r.refuse(fmt.Sprintf("the file is compressed (%s); unpack it", packed))
	}
	add := func(s *dataset.Sample) error { return r.add(ctx, s) }
	if kind, contained := kinds.Of(head); contained {
		release, err := r.memory.Reader(ctx, kind.HeldBytes)
		if err != nil {
			return err
		}
		defer release()
		r.held = kind.Values(source)
		defer r.held.Close()
		err = kinds.EachContained(ctx, kind, source, path.Base(r.object.Name), r.records, parse, add)
		return errors.Join(err, r.wait()) // wait for readers of the values before the values are closed
	}
	if ext := strings.ToLower(path.Ext(r.object.Name)); ext == ".tsv" {
		return r.readTSV(ctx)
	}
	file := &objectSeeker{ctx: ctx, from: source}
	defer file.Close()
	err = dataset.EachSample(file, path.Base(r.object.Name), r.records, parse, add)
	if err == nil && r.last != nil && r.last.Code == dataset.NotAnObject { // otherwise, its item would be missed
		return r.refuse("its last record cannot be read: " + r.last.Detail)
	}
	return err
}

func (r *reading) head(ctx context.Context, source objectSource) ([]byte, error) {
	body, err := source.Open(ctx, 0, container.HeadBytes)
	if err != nil {
		return nil, err
	}
	defer body.Close()
	return io.ReadAll(body)
}

func (r *reading) readFolder(ctx context.Context) error {
	for attrs, err := range r.in.List(ctx, r.object.Name, "") {
		if err != nil {
			return err
		}
		if !images.IsName(attrs.Name) {
			continue
		}
		sample := &dataset.Sample{ID: strings.TrimPrefix(attrs.Name, r.object.Name)}
		sample.Images = []dataset.Image{{Name: sample.ID}}
		if err := r.add(ctx, sample); err != nil {
			return err
		}
	}
	return nil
}
