// Package bucket is object storage behind a small interface, opened by URL: a Cloud Storage bucket
// or a folder. Objects are immutable: they are created once, whole or not at all, and never changed.
package bucket

import (
	"context"
	"errors"
	"io"
	"iter"
)

// Errors that callers test for with errors.Is.
var (
	ErrNotExist = errors.New("object does not exist")
	ErrExists   = errors.New("object already exists")
	ErrName     = errors.New("bad object name")
)

// Attrs describe one object.
type Attrs struct {
	Name string
	Size int64 // bytes
	// Generation changes whenever the object's content is replaced. Never 0.
	Generation int64
	// Encoded reports that the object is stored with a Content-Encoding, such as gzip, and is decoded when it is read. It
	// can only be read as a whole, and Size is the stored size. Listings leave Encoded false.
	Encoded bool
}

// A Reader reads objects. To a Reader a name that no object can have is a name without an object:
// ErrNotExist, or an empty listing.
type Reader interface {
	// Stat returns an object's attributes, or ErrNotExist.
	Stat(ctx context.Context, name string) (Attrs, error)
	// Open reads length bytes of an object from offset on; a negative length reads to the end. What
	// is past the end is left out, so an offset behind it reads nothing; a negative offset is an
	// error. A generation other than 0 asks for that very content: ErrNotExist if it is not the
	// stored one. The context governs the reading too.
	Open(ctx context.Context, name string, generation, offset, length int64) (io.ReadCloser, error)
	// List yields the objects whose names begin with prefix and are greater than after, in
	// ascending byte order of their names. It stops after the first error.
	List(ctx context.Context, prefix, after string) iter.Seq2[Attrs, error]
	// Checksum is the CRC-32C (Castagnoli) of an object's content.
	Checksum(ctx context.Context, name string) (uint32, error)
}

// A WholeOpener is a Reader for which a request costs: it opens an object and says what it is in one.
type WholeOpener interface {
	// OpenWhole is Stat, and Open of what that describes.
	OpenWhole(ctx context.Context, name string) (Attrs, io.ReadCloser, error)
}

// OnDisk is a Reader whose objects are files of this machine: a Folder or a View.
type OnDisk interface {
	// Path is the folder that holds exactly the objects whose names begin with prefix, which ends in a slash. It need
	// not exist. Empty if there is no such folder.
	Path(prefix string) string
}

// A Bucket reads objects and creates them. Both kinds refuse the same names, with ErrName, so that
// what runs on one machine runs in the cloud: a name is 1 to 1,024 bytes of UTF-8, cut by slashes
// into elements of 1 to 255 bytes; no element is "." or "..", none has a NUL, a line break or a
// backslash, and the first one is not ".tmp".
type Bucket interface {
	Reader
	// Create stores what write writes under name, if there is no such object yet, and ErrExists
	// otherwise; then write may or may not have been called. An error of write is returned as it is
	// and leaves nothing behind. When Create returns nil the object is durable.
	Create(ctx context.Context, name string, write func(io.Writer) error) error
	// Compose creates name as the concatenation of parts, objects of this bucket, in order;
	// ErrExists if it is there already, ErrNotExist if a part is missing. No parts make an empty
	// object. The parts stay.
	Compose(ctx context.Context, name string, parts []string) error
}
