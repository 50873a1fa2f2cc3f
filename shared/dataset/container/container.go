// Package container defines containers: binary manifests that contain their images, such as the tar archives of
// WebDataset. A Kind reads the records of such a file as JSON text, without images. It reads the images when samples
// are scored, and it writes subsets in its own form. Each kind has its own package; package kinds lists the kinds.
//
// The record of a container is JSON text, like that of any other manifest. So forms, shards and subsets work as with
// text. In place of binary data, the record has a reference, {"path": "a.jpg", "embedded": 0}. path is the name of the
// data in the file, or null. embedded is the number of the binary value in its record, from 0, in the order of the
// file. A binary value that is null has no reference.
package container

import (
	"context"
	"io"
	"iter"

	"github.com/harvest-ml/harvest/shared/dataset"
)

// A Source reads ranges of one version of a file. If the version is deleted, errors are bucket.ErrNotExist.
type Source interface {
	// Size returns the number of bytes of the file.
	Size(ctx context.Context) (int64, error)
	// Open returns a reader of length bytes from an offset on. If length is negative, it reads to the end of the file. If
	// the range extends beyond the end of the file, it returns fewer bytes.
	Open(ctx context.Context, offset, length int64) (io.ReadCloser, error)
}

// A Kind is a kind of container. Its methods keep no state, and are safe for concurrent use.
type Kind struct {
	// Format is the name of the kind in plans, and the extension of subsets of this kind.
	Format dataset.Format
	// Name is the name of a file of the kind in messages: "a WebDataset tar".
	Name string
	// Shape is an example of a file's content. Reads describes how the content is read. Both are for the page of package
	// forms.
	Shape, Reads string
	// HeldBytes is the largest number of bytes that Values keeps in memory between two calls.
	HeldBytes int64
	// Is reports whether a file is of the kind. head has the first HeadBytes of the file, or all bytes of a shorter file.
	Is func(head []byte) bool
	Reader
	Writer
}

// HeadBytes is the number of bytes, at the start of a file, that are needed to recognise its kind.
const HeadBytes = 4 << 10

// A Reader reads the files of a kind. If a method's comment has nothing else, errors come from the source or the
// context.
type Reader interface {
	// Scan makes one step of the search for the records of a file. scan is the zero Scan, or the result of the previous
	// step. Each step except the last ends after about stepBytes of the file; a kind that does not read whole files may
	// need only one step. The last Scan is Done. Its Layout has Format, Size, Records, and Ranges of about rangeBytes of
	// the file, with FirstLine 0; it has Schema if only files with equal schemas can be in one subset. If the file is
	// refused, the error is a *dataset.FormatError with the reason and the fix.
	Scan(ctx context.Context, from Source, scan dataset.Scan, rangeBytes, stepBytes int64) (dataset.Scan, error)
	// Records yields all records of a range, in order, without reading images. Their places have the name manifest and no
	// line. Stored has the positions that Values and Writer need to find the records. The caller may keep Raw. Raw is nil
	// if the record has a Fault, such as a size above the limits. After an error, no record follows.
	Records(
		ctx context.Context, from Source, span dataset.Span, manifest string, limits dataset.Limits,
	) iter.Seq2[dataset.Record, error]
	// Values returns a reader of the binary values of a file's records.
	Values(from Source) Values
}

// Values reads binary values of records of one file. It is fast if records are requested in order. It may keep up to
// HeldBytes of neighbouring records. It uses only Place and Stored of a record. It is safe for concurrent use.
type Values interface {
	// Size returns the size, in bytes, of the value with this number, from 0. If the value can never be read, the fault
	// has the reason, with an empty Field.
	Size(ctx context.Context, record dataset.Record, number int) (int64, *dataset.Fault, error)
	// Read returns the value. The caller may keep it.
	Read(ctx context.Context, record dataset.Record, number int) ([]byte, *dataset.Fault, error)
	// Close releases the memory.
	Close() error
}

// A Writer writes a subset as a file of the kind: a part for each range, and an end after the last part. Equal records
// give equal bytes.
type Writer interface {
	// Part writes the selected records of a range to w. records are in order, as Records yielded them, but without Raw;
	// there may be none. It returns notes about the part for End; the notes may be empty.
	Part(
		ctx context.Context, w io.Writer, from Source, records []dataset.Record, part dataset.Part,
	) (notes []byte, err error)
	// End writes the end of the file, after the last part. notes are the concatenated notes of all parts.
	End(w io.Writer, notes io.Reader) error
}
