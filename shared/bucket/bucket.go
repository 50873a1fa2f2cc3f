// Package bucket stores objects in a folder or in Cloud Storage, behind one small interface. Package gs opens a bucket
// by its URL. Objects are immutable: they are created once, whole or not at all, and never changed.
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

// A Reader reads objects. For a name that no object can have, a Reader returns ErrNotExist or an empty listing.
type Reader interface {
	// Stat returns an object's attributes, or ErrNotExist.
	Stat(ctx context.Context, name string) (Attrs, error)
	// Open reads length bytes of an object from offset on; a negative length reads to the end. A range may reach beyond
	// the end of the object: then Open reads the bytes that exist, possibly none. A negative offset is an error. A
	// generation other than 0 requests the content of that generation. The error is ErrNotExist if the object has another
	// generation now. When the context ends, reading from the result fails, too.
	Open(ctx context.Context, name string, generation, offset, length int64) (io.ReadCloser, error)
	// List yields the objects whose names begin with prefix and are greater than after, in
	// ascending byte order of their names. It stops after the first error.
	List(ctx context.Context, prefix, after string) iter.Seq2[Attrs, error]
	// Checksum returns the CRC-32C (Castagnoli) of an object's content.
	Checksum(ctx context.Context, name string) (uint32, error)
}

// A WholeOpener is a Reader that can get an object's attributes and content in one request, because each request costs
// money and time.
type WholeOpener interface {
	// OpenWhole returns the object's attributes, and its whole content as Open does.
	OpenWhole(ctx context.Context, name string) (Attrs, io.ReadCloser, error)
}

// OnDisk is a Reader whose objects are files of this machine: a Folder or a View.
type OnDisk interface {
	// Path returns the path of the folder that holds exactly the objects whose names begin with prefix. prefix ends in
	// a slash. The folder need not exist. The path is empty if there is no such folder.
	Path(prefix string) string
}

// A Bucket reads objects and creates them. Folders and Cloud Storage refuse the same names, with ErrName, so that a
// program that works on one machine also works in the cloud. A name is 1 to 1,024 bytes of UTF-8. Slashes separate its
// elements of 1 to 255 bytes. No element is "." or "..". No element has a NUL, a line break or a backslash. The first
// element is not ".tmp".
type Bucket interface {
	Reader
	// Create creates the object name with the bytes that write writes. If the object exists, the error is ErrExists, and
	// write may or may not have been called. If write fails, Create returns its error unchanged, and creates nothing.
	// When Create returns nil, the object is durable.
	Create(ctx context.Context, name string, write func(io.Writer) error) error
	// Compose creates the object name as the concatenation of parts, which are objects of this bucket. The error is
	// ErrExists if the object exists, ErrNotExist if a part is missing. Without parts the object is empty. Compose does
	// not remove the parts.
	Compose(ctx context.Context, name string, parts []string) error
}
