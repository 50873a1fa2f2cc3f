// Package images finds, reads, checks, decodes and hashes the images of samples, within limits.
//
// A fault of an image is a *dataset.Fault. It fails only the image's sample. An error is transient: the same call may
// succeed later.
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

// A Config configures a Fetcher.
type Config struct {
	// Input has the images below Prefix. Prefix ends with a slash, or is empty for the whole bucket. If Input is a
	// bucket.OnDisk, image names may also be absolute paths or file:// URLs of files in the folder of Prefix.
	Input  bucket.Reader
	Prefix string
	// Buckets are the buckets, by name, that gs:// image names may refer to. If the input bucket is among them, only
	// objects below Prefix may be used. Buckets may be empty.
	Buckets map[string]bucket.Reader
	Limits  Limits
	// Elsewhere is a prefix of Input where a user may have put the images instead. If a missing image is there, its fault
	// names the place. Elsewhere may be empty.
	Elsewhere string
}

// A Fetcher reads the images of a dataset's samples. It is safe for concurrent use.
type Fetcher struct {
	input   bucket.Reader
	prefix  string
	buckets map[string]bucket.Reader
	limits  Limits
	folders []string // the paths of the folder of prefix on this machine, as it is and without links; nil in the cloud
	nearby  *nearby

	elsewhere string
}

// New returns a Fetcher. The error names all missing or invalid fields of c.
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
	f := &Fetcher{
		input: c.Input, prefix: c.Prefix, buckets: c.Buckets, limits: c.Limits, nearby: newNearby(), elsewhere: c.Elsewhere,
	}
	if disk, ok := c.Input.(bucket.OnDisk); ok {
		f.folders = folderPaths(disk.Path(c.Prefix))
	}
	return f, nil
}

// folderPaths returns the absolute path of a folder and, if it differs, its path without links; nil for an empty path.
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

// Values reads the binary values of records of a container, by their numbers from 0. container.Values implements it.
type Values interface {
	Size(ctx context.Context, record dataset.Record, number int) (int64, *dataset.Fault, error)
	Read(ctx context.Context, record dataset.Record, number int) ([]byte, *dataset.Fault, error)
}

// A Location is the object of a named image, and its bucket.
type Location struct {
	Bucket bucket.Reader
	bucket.Attrs

	body io.ReadCloser // the content, if the object was opened when it was found; else nil
}

// Locate finds the object of an image by the image's name, without reading it. The name is relative to the dataset's
// images, an absolute path or file:// URL of a file among them, or a gs:// URL. If an object has exactly this name, it
// is preferred to the object with the name cleaned by dataset.CleanImageName. The Field of the fault is the name.
func (f *Fetcher) Locate(ctx context.Context, name string) (Location, *dataset.Fault, error) {
	return f.find(ctx, name, f.stat)
}

// locate does the same as find, but does not search for files with nearly the same name.
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

// place returns the place of images whose names have no bucket: the folder on this machine or, in the cloud, the
// prefix.
func (f *Fetcher) place() string {
	if len(f.folders) > 0 {
		return f.folders[0]
	}
	return f.prefix
}

// ThenRetry is the end of the advice of faults after which the run must be retried. A caller removes it if there is no
// run yet.
const ThenRetry = ", then retry the run"

// notFound returns the fault of an image that is missing in the place of the images.
func (f *Fetcher) notFound(name string) *dataset.Fault {
	return &dataset.Fault{
		Code: NotFound, Field: name, Detail: fmt.Sprintf("it is not in %s; add it there%s", f.place(), ThenRetry),
	}
}

// stat is a look that returns the location of an object, or the fault of the image with this name.
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

// readFault converts an error of reading an object into the fault of the image with this name, or into a transient
// error.
func readFault(name, object string, err error) (*dataset.Fault, error) {
	switch {
	case errors.Is(err, bucket.ErrUnreadable):
		return &dataset.Fault{Code: Unreadable, Field: name, Detail: unreadableDetail(err)}, nil
	case errors.Is(err, bucket.ErrNotExist), errors.Is(err, bucket.ErrName):
		return &dataset.Fault{
			Code: NotFound, Field: name, Detail: "there is no such object; upload it, or correct the name" + ThenRetry,
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
		return "this user may not read the file (permission denied); run chmod +r on the file, and chmod +rx on its folders"
	case errors.Is(err, bucket.ErrNotExist):
		return "a folder, or something else that is not a file, has this name; put the image there, or correct the name"
	default:
		return "the disk reports an error (" + rootCause(err).Error() + "); restore the file from a copy"
	}
}

// rootCause returns the system's error in a chain of errors; err itself if there is none.
func rootCause(err error) error {
	if number, ok := errors.AsType[syscall.Errno](err); ok {
		return number
	}
	return err
}

// A Fetched is the result of Fetch for a sample.
type Fetched struct {
	// Images are the encoded images, in the sample's order. They are nil if an image has a fault.
	Images [][]byte
	// Seen has the state of each image, as Look returns it, in the sample's order. The last entry is that of the first
	// image with a fault, because later images have no effect. It is nil if the sample has too many images.
	Seen []string
}

// Fetch finds the images of a sample, reads them in the sample's order, and checks them. Images with one name are read
// once. held reads the images that the record's container holds; it is nil for a record of a text manifest. The images
// are within the limits, but decoding them may fail. The fault is that of the first image that cannot be found or whose
// size exceeds a limit. If there is no such image, it is that of the first image that does not pass Check. Before Fetch
// reads anything, it adds the memory for the images to hold. The error is memory.ErrFull if there is not enough memory
// now.
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
	read := map[string][]byte{} // images that were read, by name
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

// locateAll finds the images of a sample, and their states, up to the first image with a fault. The location of an
// image that the record or its container embeds has only a size.
func (f *Fetcher) locateAll(
	ctx context.Context, sample *dataset.Sample, held Values,
) (located []Location, found Fetched, fault *dataset.Fault, err error) {
	var together int64
	known := map[string]Location{} // a name that occurs several times is looked up once
	for i, img := range sample.Images {
		at, seen := Location{}, Embedded
		switch {
		case img.Embedded > 0:
			at.Size, fault, err = sizeIn(ctx, held, sample.Record(), img.Embedded-1)
		case img.Name != "":
			var again bool
			if at, again = known[img.Name]; !again {
				at, fault, err = f.find(ctx, img.Name, f.lookFor(located))
				known[img.Name] = at // not used after a fault, which ends the loop
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

// sizeIn returns the size in bytes of an image that a container holds.
func sizeIn(ctx context.Context, held Values, record dataset.Record, number int) (int64, *dataset.Fault, error) {
	if held == nil {
		return 0, nil, fmt.Errorf("reading an image of %s: its container is not open", record.Place)
	}
	return held.Size(ctx, record, number)
}

// bytesOf returns the total size, in bytes, of all images of a sample.
func bytesOf(located []Location) (together int64) {
	for _, at := range located {
		together += at.Size
	}
	return together
}

// read reads one image from its location or from its record. If the image was replaced after it was located, the new
// content is not read: the fault is NotFound.
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
	data := bytes.NewBuffer(make([]byte, 0, at.Size+bytes.MinRead)) // large enough, so the buffer does not grow
	if _, err := data.ReadFrom(io.LimitReader(body, at.Size+1)); err != nil {
		fault, err := readFault(img.Name, at.Name, err)
		return nil, fault, err
	}
	if int64(data.Len()) > at.Size {
		return nil, &dataset.Fault{Code: Unreadable, Field: img.Name, Detail: fmt.Sprintf("it has more than the %d bytes "+
			"that its bucket reports; if it has Content-Encoding: gzip, upload it without this header", at.Size)}, nil
	}
	return data.Bytes(), nil, nil
}
