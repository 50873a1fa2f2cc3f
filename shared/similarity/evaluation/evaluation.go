// Package evaluation reads the parts of evaluation sets, such as benchmarks, that samples are compared with: JSON,
// JSONL of any form of records or with fields of a question and images, TSV with base64 images, Parquet, tar, and
// folders of images. They are objects of a bucket.
package evaluation

import (
	"bufio"
	"context"
	"crypto/sha256"
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

// An Object is what a set was read from. Equal objects give equal sets.
type Object struct {
	// Name is the name of an object, or the prefix of the images of a folder, which ends with a slash.
	Name string `json:"name"`
	Size int64  `json:"size"` // bytes, of all images of a folder
	// Checksum is the CRC-32C of an object in eight hex digits, or a hash of the names and checksums of a folder's.
	Checksum string `json:"checksum"`
}

// An Item is one of a set.
type Item struct {
	// Name is the file and the item's id or place in it: mmbench.tsv#12.
	Name string
	similarity.Content
}

// A Result is a set as it was read.
type Result struct {
	Items []Item
	// Images are those that could be read, Unread those that could not: they are compared with nothing. Example is the
	// name of one of these, if any has one.
	Images, Unread int
	Example        string
}

// A NotFoundError is that there is no such object, and no folder of images.
type NotFoundError struct{ Name string }

func (e *NotFoundError) Error() string {
	return fmt.Sprintf("%s: there is no such file, and no folder with images", e.Name)
}

// Identify finds an object, or the images of a folder. The error is a *NotFoundError if there is none.
func (s Source) Identify(ctx context.Context, name string) (Object, error) {
	in := s.Input
	if !strings.HasSuffix(name, "/") {
		attrs, err := in.Stat(ctx, name)
		if errors.Is(err, bucket.ErrNotExist) {
			return Object{}, &NotFoundError{name}
		} else if err != nil {
			return Object{}, fmt.Errorf("looking for %s: %w", name, err)
		}
		sum, err := in.Checksum(ctx, name)
		if err != nil {
			return Object{}, fmt.Errorf("reading %s: %w", name, err)
		}
		return Object{name, attrs.Size, fmt.Sprintf("%08x", sum)}, nil
	}
	folder, all := Object{Name: name}, sha256.New()
	for attrs, err := range in.List(ctx, name, "") {
		if err != nil {
			return Object{}, fmt.Errorf("listing %s: %w", name, err)
		}
		if !isImage(attrs.Name) {
			continue
		}
		sum, err := in.Checksum(ctx, attrs.Name)
		if err != nil {
			return Object{}, fmt.Errorf("reading %s: %w", attrs.Name, err)
		}
		folder.Size += attrs.Size
		fmt.Fprintf(all, "%s %d %08x\n", attrs.Name, attrs.Size, sum)
	}
	if folder.Size == 0 {
		return Object{}, &NotFoundError{name}
	}
	folder.Checksum = fmt.Sprintf("%x", all.Sum(nil)[:8])
	return folder, nil
}

// isImage says whether a file is looked at in a folder of images.
func isImage(name string) bool {
	switch strings.ToLower(path.Ext(name)) {
	case ".jpg", ".jpeg", ".png", ".gif", ".webp", ".bmp", ".tif", ".tiff":
		return true
	}
	return false
}

// A reading is one of a set.
type reading struct {
	in      bucket.Reader
	name    string
	records dataset.Limits
	named   *images.Fetcher
	held    container.Values // of a container; else nil
	*signing
}

// A Source is where sets are read from, and the memory of the process that decodes their images.
type Source struct {
	Input  bucket.Reader
	Memory *memory.Budget
}

// Read reads a set. Records are of limits, and images too; a larger one is counted as unread. A *FormatError of package
// dataset, or another error, says what is wrong with the file; so does one of a set with images of which none is read.
func (s Source) Read(
	ctx context.Context, name string, records dataset.Limits, limits images.Limits,
) (*Result, error) {
	in := s.Input
	named, err := images.New(images.Config{Input: in, Prefix: path.Dir(name) + "/", Limits: limits})
	if err != nil {
		return nil, err
	}
	r := &reading{in: in, name: name, records: records, named: named}
	r.signing, ctx = newSigning(ctx, path.Base(name), limits, s.Memory)
	err = r.read(ctx)
	if failed := r.wait(); failed != nil { // it is what ended the reading
		err = failed
	}
	if err == nil && len(r.items) == 0 {
		err = errors.New("it has no item that is read: a record needs a conversation, or a field such as question " +
			"or image")
	}
	result := r.result()
	if err == nil && result.Images == 0 && result.Unread > 0 {
		err = fmt.Errorf("none of its %d images is found and can be read%s; their names are relative to its folder",
			result.Unread, suchAs(result.Example))
	}
	if err != nil {
		return nil, fmt.Errorf("reading %s: %w", name, err)
	}
	return result, nil
}

// suchAs names an example, if there is one.
func suchAs(example string) string {
	if example == "" {
		return ""
	}
	return fmt.Sprintf(", such as %q", example)
}

func (r *reading) read(ctx context.Context) error {
	if strings.HasSuffix(r.name, "/") {
		return r.readFolder(ctx)
	}
	head, err := r.head(ctx)
	if err != nil {
		return err
	}
	if packed := compression.Of(head); packed != "" {
		return fmt.Errorf("it is compressed (%s); unpack it", packed)
	}
	if kind, contained := kinds.Of(head); contained {
		source := objectSource{r.in, r.name}
		r.held = kind.Values(source)
		defer r.held.Close()
		err := kinds.EachContained(ctx, kind, source, path.Base(r.name), r.records, parse, func(s *dataset.Sample) error {
			return r.add(ctx, s)
		})
		return errors.Join(err, r.wait()) // what reads its values ends before they are closed
	}
	if ext := strings.ToLower(path.Ext(r.name)); ext == ".tsv" {
		return r.readTSV(ctx)
	}
	file := &objectSeeker{ctx: ctx, in: r.in, name: r.name}
	defer file.Close()
	return dataset.EachSample(file, path.Base(r.name), r.records, parse, func(s *dataset.Sample) error {
		return r.add(ctx, s)
	})
}

func (r *reading) head(ctx context.Context) ([]byte, error) {
	body, err := r.in.Open(ctx, r.name, 0, 0, container.HeadBytes)
	if err != nil {
		return nil, err
	}
	defer body.Close()
	return io.ReadAll(bufio.NewReader(body))
}

func (r *reading) readFolder(ctx context.Context) error {
	for attrs, err := range r.in.List(ctx, r.name, "") {
		if err != nil {
			return err
		}
		if !isImage(attrs.Name) {
			continue
		}
		sample := &dataset.Sample{
			ID: strings.TrimPrefix(attrs.Name, r.name),
		}
		sample.Images = []dataset.Image{{Name: sample.ID}}
		if err := r.add(ctx, sample); err != nil {
			return err
		}
	}
	return nil
}
