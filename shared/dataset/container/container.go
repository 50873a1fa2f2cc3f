// Package container is manifests that hold their images: binary files of records and images, such as the tar archives
// of WebDataset. A Kind reads the records of such a file as JSON text, without its images, which it reads when samples
// are scored, and writes subsets in its own form. Each kind has a package of its own; package kinds lists them.
//
// The record of a container is JSON text like that of any other manifest, so that forms, shards and subsets work as
// with text. Where the file holds binary data, the record holds {"path": "a.jpg", "embedded": 0}: path is the name that
// the data has in the file, or null, and embedded is the number of the binary value in its record, from 0, in the order
// of the file. A null value has no reference.
package container

import (
	"context"
	"io"
	"iter"

	"github.com/harvest-ml/harvest/shared/dataset"
)

// A Source is one version of a file, read by range. The error of a version that is gone is bucket.ErrNotExist.
type Source interface {
	// Size is how many bytes the file has.
	Size(ctx context.Context) (int64, error)
	// Open reads length bytes from an offset on; a negative length reads to the end. A range past the end gives fewer
	// bytes.
	Open(ctx context.Context, offset, length int64) (io.ReadCloser, error)
}

// A Kind is a kind of container. Its methods keep no state, and are safe for concurrent use.
type Kind struct {
	// Format is how plans name the kind, and the extension of its files.
	Format dataset.Format
	// Name is how messages name a file of the kind: "a WebDataset tar".
	Name string
	// Shape shows what a file of the kind holds, and Reads says what is taken from it, for the page of the forms.
	Shape, Reads string
	// HeldBytes is the most that Values keep in memory between two calls.
	HeldBytes int64
	// Is reports whether a file is of the kind, by its first HeadBytes, or all bytes of a shorter file.
	Is func(head []byte) bool
	Reader
	Writer
}

// HeadBytes of a file are enough to recognise its kind.
const HeadBytes = 4 << 10

// A Reader reads the files of a kind. Unless a method says otherwise, errors come from the source or the context.
type Reader interface {
	// Scan does one step of finding the records of a file. It starts from scan: the zero Scan, or the result of the step
	// before. A step that is not the last one ends after about stepBytes of the file; a kind that does not read files from
	// beginning to end may do all in one step. The last Scan is Done, its Layout has Format, Size, Records, and Ranges of
	// about rangeBytes of the file, with FirstLine 0, and Schema if files can only share a subset when their schemas are
	// equal. A *dataset.FormatError refuses the file, and says what was found and what to do.
	Scan(ctx context.Context, from Source, scan dataset.Scan, rangeBytes, stepBytes int64) (dataset.Scan, error)
	// Records yields all records of a range, in order, and reads no image. Their places have that manifest and no line,
	// and Stored is what Values and Writer need to find them. The caller may keep Raw; it is nil where the record has a
	// Fault, such as one above the limits. An error is the last thing that is yielded.
	Records(
		ctx context.Context, from Source, span dataset.Span, manifest string, limits dataset.Limits,
	) iter.Seq2[dataset.Record, error]
	// Values reads the binary values of records of a file.
	Values(from Source) Values
}

// Values reads binary values of records of one file. It is fast for records in their order, and may keep what
// neighbours share, a bounded number of bytes. It uses only Place and Stored of the record. It is safe for concurrent
// use.
type Values interface {
	// Size is the size in bytes of the value with the given number, from 0. The fault says why a value can never be read;
	// its Field is empty.
	Size(ctx context.Context, record dataset.Record, number int) (int64, *dataset.Fault, error)
	// Read reads the value. The caller may keep it.
	Read(ctx context.Context, record dataset.Record, number int) ([]byte, *dataset.Fault, error)
	// Close ends the reading.
	Close() error
}

// A Writer writes subsets in the form of the kind: a part for each range, and an end that follows the last part. The
// same records make the same bytes.
type Writer interface {
	// Part writes the selected records of a range to w. records are as Records yielded them, but without Raw, in their
	// order; there may be none. It returns notes on the part for End, which may be empty.
	Part(
		ctx context.Context, w io.Writer, from Source, records []dataset.Record, part dataset.Part,
	) (notes []byte, err error)
	// End writes what follows the last part. notes are the notes of all parts, joined in order.
	End(w io.Writer, notes io.Reader) error
}
