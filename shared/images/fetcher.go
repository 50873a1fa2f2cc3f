// Package images is the images of a sample: it finds, fetches, checks, bounds, decodes and hashes them.
//
// A fault of an image is a *dataset.Fault and fails its sample only. An error is transient: the same call may succeed
// later.
package images

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path/filepath"
	"strings"
	"syscall"

	"github.com/harvest-ml/harvest/shared/bucket"
	"github.com/harvest-ml/harvest/shared/dataset"
	"github.com/harvest-ml/harvest/shared/memory"
)

// Config is what a Fetcher needs.
type Config struct {
	// Input holds the images below Prefix, which ends with a slash, or is empty for the whole bucket. If it is a
	// bucket.OnDisk, names may also be absolute paths or file:// URLs of files in the folder of Prefix.
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
	folders []string // the folder of prefix on this machine: its path, and that without links; none in the cloud
	nearby  *nearby
}

// New makes a Fetcher. The error names what is missing or invalid.
func New(c Config) (*Fetcher, error) {
	var invalid []error
	if c.Input == nil {
		invalid = append(invalid, errors.New("the input bucket is missing"))
	}
	if c.Prefix != "" && !strings.HasSuffix(c.Prefix, "/") {
		invalid = append(invalid, fmt.Errorf("the prefix of images, %q, does not end with a slash", c.Prefix))
	}
	if err := errors.Join(append(invalid, c.Limits.Validate())...); err != nil {
		return nil, fmt.Errorf("reading images: %w", err)
	}
	f := &Fetcher{input: c.Input, prefix: c.Prefix, buckets: c.Buckets, limits: c.Limits, nearby: newNearby()}
	if disk, ok := c.Input.(bucket.OnDisk); ok {
		f.folders = folderPaths(disk.Path(c.Prefix))
	}
	return f, nil
}

// folderPaths are the ways to write the path of a folder, its own first.
func folderPaths(folder string) []string {
	if folder == "" {
		return nil
	}
	paths := []string{folder}
	if abs, err := filepath.Abs(folder); err == nil {
		paths[0] = abs
	}
	if target, err := filepath.EvalSymlinks(folder); err == nil && target != paths[0] {
		paths = append(paths, target)
	}
	return paths
}

// Values reads the binary values of records of a container, by their numbers from 0. A container.Values is one.
type Values interface {
	Size(ctx context.Context, record dataset.Record, number int) (int64, *dataset.Fault, error)
	Read(ctx context.Context, record dataset.Record, number int) ([]byte, *dataset.Fault, error)
}

// A Location is where a named image is: an object of a bucket.
type Location struct {
	Bucket bucket.Reader
	bucket.Attrs

	body io.ReadCloser // its content, if it was opened to find it
}

// Locate finds the image of a name without reading it. The name is relative to the dataset's images, an absolute path
// or file:// URL of a file among them, or a gs:// URL. The object with exactly this name is preferred to that of the
// name as dataset.CleanImageName reads it. The Field of its fault is the name.
func (f *Fetcher) Locate(ctx context.Context, name string) (Location, *dataset.Fault, error) {
	return f.find(ctx, name, f.stat)
}

// find is Locate by a look of its own.
func (f *Fetcher) find(ctx context.Context, name string, by look) (Location, *dataset.Fault, error) {
	at, fault, err := f.locate(ctx, name, by)
	if fault == nil || *fault != *f.notFound(name) { // a broken link, or another bucket, is known to be the cause
		return at, fault, err
	}
	names, err := dataset.ImageNames(name, f.folders)
	if err != nil || strings.HasPrefix(names[0], "gs://") {
		return at, fault, nil
	}
	if near := f.nearby.find(ctx, f, names[len(names)-1]); near != "" {
		fault.Detail = fmt.Sprintf("it is not in %s, but %s is, whose name differs only in case or in the spelling of its "+
			"extension; correct the name, or rename the file", f.place(), near)
	}
	return at, fault, nil
}

// locate is find without a look for files of nearly the same name.
func (f *Fetcher) locate(ctx context.Context, name string, by look) (Location, *dataset.Fault, error) {
	names, err := dataset.ImageNames(name, f.folders)
	if err != nil {
		return Location{}, &dataset.Fault{Code: dataset.ImageNameUnsafe, Field: name, Detail: err.Error()}, nil
	}
	if url, ok := strings.CutPrefix(names[0], "gs://"); ok {
		host, object, _ := strings.Cut(url, "/")
		from, ok := f.buckets[host]
		if !ok || from == f.input && !strings.HasPrefix(object, f.prefix) {
			return Location{}, &dataset.Fault{Code: NotAllowed, Field: name, Detail: fmt.Sprintf(
				"use a name below %s, or have the bucket added to IMAGE_BUCKETS", f.place())}, nil
		}
		return by(ctx, from, object, name)
	}
	for _, candidate := range names {
		at, fault, err := by(ctx, f.input, f.prefix+candidate, name)
		if err != nil || fault == nil || fault.Code != NotFound {
			return at, fault, err
		}
	}
	if broken := f.brokenLink(name, names[len(names)-1]); broken != nil {
		return Location{}, broken, nil
	}
	return Location{}, f.notFound(name), nil
}

// place is where names without a bucket are: a folder of this machine, or else their prefix.
func (f *Fetcher) place() string {
	if len(f.folders) > 0 {
		return f.folders[0]
	}
	return f.prefix
}

// notFound is the fault of an image that is not in its place.
func (f *Fetcher) notFound(name string) *dataset.Fault {
	return &dataset.Fault{
		Code: NotFound, Field: name, Detail: fmt.Sprintf("it is not in %s; add it there, then retry the run", f.place()),
	}
}

// stat is the location of an object, or the fault of the image of that name which it should be.
func (f *Fetcher) stat(
	ctx context.Context, from bucket.Reader, object, name string,
) (Location, *dataset.Fault, error) {
	attrs, err := from.Stat(ctx, object)
	if err == nil {
		return Location{Bucket: from, Attrs: attrs}, nil, nil
	}
	fault, err := readFault(name, object, err)
	return Location{}, fault, err
}

// readFault is an error of a bucket as the fault of the image of that name, or as a transient error.
func readFault(name, object string, err error) (*dataset.Fault, error) {
	switch {
	case errors.Is(err, bucket.ErrUnreadable):
		return &dataset.Fault{Code: Unreadable, Field: name, Detail: unreadableDetail(err)}, nil
	case errors.Is(err, bucket.ErrNotExist), errors.Is(err, bucket.ErrName):
		return &dataset.Fault{
			Code: NotFound, Field: name, Detail: "there is no such object; upload it, or correct the name, then retry the run",
		}, nil
	default:
		return nil, fmt.Errorf("reading image %s: %w", object, err)
	}
}

func unreadableDetail(err error) string {
	if link, ok := errors.AsType[*bucket.LinkError](err); ok {
		return fmt.Sprintf("it is a link out of the folder %s; copy the image into it (cp -L)", link.Folder)
	}
	switch {
	case errors.Is(err, fs.ErrPermission):
		return "this user may not read it (permission denied); run chmod +r on the file, and chmod +rx on its folders"
	case errors.Is(err, bucket.ErrNotExist):
		return "a folder, or something else that is not a file, has this name; put the image there, or correct the name"
	default:
		return "the disk reports an error in it (" + rootCause(err).Error() + "); restore the file from a copy"
	}
}

// rootCause is the innermost error of a chain, that of the system.
func rootCause(err error) error {
	if number, ok := errors.AsType[syscall.Errno](err); ok {
		return number
	}
	return err
}

// Fetched is what Fetch found of a sample's images.
type Fetched struct {
	// Images are the encoded images, in the sample's order. They are nil if one has a fault.
	Images [][]byte
	// Seen says what was there of each image, in the sample's order, as Look does. It ends with the first one that has a
	// fault: what the others are did not matter. It is nil of a sample with too many images: none was looked for.
	Seen []string
}

// Fetch finds the images of a sample, reads them in its order, and checks them. Images of one name are read once. held
// reads those that the record's container holds; nil for a record of a text manifest. What Fetch returns is within the
// limits; whether it decodes is not known yet. The fault is that of the first image which cannot be found, or exceeds a
// limit by its size; else that of the first which does not pass Check. The memory for what it returns is added to hold
// before anything is read; the error is memory.ErrFull if there is none now.
func (f *Fetcher) Fetch(
	ctx context.Context, sample *dataset.Sample, held Values, hold *memory.Hold,
) (Fetched, *dataset.Fault, error) {
	if fault := CheckCount(sample, f.limits); fault != nil {
		return Fetched{}, fault, nil
	}
	located, fetched, fault, err := f.locateAll(ctx, sample, held)
	if fault != nil || err != nil {
		return fetched, fault, err
	}
	defer closeAll(located)
	if err := hold.Add(ctx, bytesOf(located)); err != nil {
		return Fetched{}, nil, err
	}
	read := map[string][]byte{} // by name
	for i, img := range sample.Images {
		data, known := read[img.Name]
		if !known || img.Name == "" {
			if img.Embedded > 0 {
				data, fault, err = held.Read(ctx, sample.Record(), img.Embedded-1)
			} else {
				data, fault, err = f.read(ctx, img, located[i])
			}
			if err != nil {
				return Fetched{}, nil, err
			}
			if fault == nil {
				fault = Check(data, f.limits)
			}
		}
		if fault != nil {
			fault.Field = cmp.Or(fault.Field, Label(sample, i))
			return Fetched{Seen: fetched.Seen[:i+1]}, fault, nil
		}
		read[img.Name] = data
		fetched.Images = append(fetched.Images, data)
	}
	return fetched, nil, nil
}

// locateAll finds the images of a sample, and what is seen of them, up to the first that has a fault. For images that
// the record or its container embeds, the location is only a size.
func (f *Fetcher) locateAll(
	ctx context.Context, sample *dataset.Sample, held Values,
) (located []Location, found Fetched, fault *dataset.Fault, err error) {
	var together int64
	known := map[string]Location{} // a name that occurs several times is looked for once
	for i, img := range sample.Images {
		at, seen := Location{}, Embedded
		switch {
		case img.Embedded > 0:
			at.Size, fault, err = sizeIn(ctx, held, sample.Record(), img.Embedded-1)
		case img.Name != "":
			var again bool
			if at, again = known[img.Name]; !again {
				at, fault, err = f.find(ctx, img.Name, f.lookFor(located))
				known[img.Name] = at // a fault ends the search
			}
			seen = seenOf(at, fault)
		default:
			at.Size = int64(len(img.Data))
		}
		if err != nil {
			closeAll(located)
			return nil, Fetched{}, nil, err
		}
		found.Seen = append(found.Seen, seen)
		together += at.Size
		switch {
		case fault != nil:
			fault.Field = cmp.Or(fault.Field, Label(sample, i))
		case at.Size > f.limits.MaxBytes:
			fault = tooManyBytes(at.Size, f.limits)
			fault.Field = Label(sample, i)
		case together > f.limits.MaxSampleBytes:
			fault = tooLargeTogether(i+1, together, f.limits)
		}
		if fault != nil {
			at.close()
			closeAll(located)
			return nil, found, fault, nil
		}
		located = append(located, at)
	}
	return located, found, nil, nil
}

// sizeIn is the size of an image that a container holds.
func sizeIn(ctx context.Context, held Values, record dataset.Record, number int) (int64, *dataset.Fault, error) {
	if held == nil {
		return 0, nil, fmt.Errorf("reading an image of %s: its container is not open", record.Place)
	}
	return held.Size(ctx, record, number)
}

// bytesOf is how many bytes the images of a sample have together.
func bytesOf(located []Location) (together int64) {
	for _, at := range located {
		together += at.Size
	}
	return together
}

// read reads one image that is at a location, or in its record. If the image is replaced meanwhile, only the generation
// that is recorded as seen is read.
func (f *Fetcher) read(ctx context.Context, img dataset.Image, at Location) ([]byte, *dataset.Fault, error) {
	if img.Name == "" {
		return img.Data, nil, nil
	}
	body, err := at.content(ctx)
	if err != nil {
		fault, err := readFault(img.Name, at.Name, err)
		return nil, fault, err
	}
	defer body.Close()
	data := bytes.NewBuffer(make([]byte, 0, at.Size+bytes.MinRead)) // it does not grow
	if _, err := data.ReadFrom(io.LimitReader(body, at.Size+1)); err != nil {
		fault, err := readFault(img.Name, at.Name, err)
		return nil, fault, err
	}
	if int64(data.Len()) > at.Size {
		return nil, &dataset.Fault{Code: Unreadable, Field: img.Name, Detail: fmt.Sprintf("it has more than the %d bytes "+
			"that its bucket says; if it is stored with Content-Encoding: gzip, upload it without", at.Size)}, nil
	}
	return data.Bytes(), nil, nil
}
