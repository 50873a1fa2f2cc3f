package webdataset

import (
	"context"
	"fmt"
	"io"

	"github.com/harvest-ml/harvest/shared/dataset"
	"github.com/harvest-ml/harvest/shared/dataset/container"
)

type writer struct{}

// maxGap is the largest number of bytes between two samples that are copied with one read. The bytes between the
// samples are dropped.
const maxGap = 64 << 10

// Part copies the bytes of the samples.
func (writer) Part(
	ctx context.Context, w io.Writer, from container.Source, records []dataset.Record, _ dataset.Part,
) ([]byte, error) {
	for first := 0; first < len(records); {
		last := first
		for last+1 < len(records) && records[last+1].Stored.Offset-records[last].Stored.End() <= maxGap {
			last++
		}
		if err := copySamples(ctx, w, from, records[first:last+1]); err != nil {
			return nil, err
		}
		first = last + 1
	}
	return nil, nil
}

// copySamples copies neighbouring samples with one read.
func copySamples(ctx context.Context, w io.Writer, from container.Source, records []dataset.Record) error {
	at, end := records[0].Stored.Offset, records[len(records)-1].Stored.End()
	body, err := from.Open(ctx, at, end-at)
	if err != nil {
		return err
	}
	defer body.Close()
	for _, r := range records {
		if _, err := io.CopyN(io.Discard, body, r.Stored.Offset-at); err != nil {
			return copyFault(r, err)
		}
		if _, err := io.CopyN(w, body, r.Stored.Bytes); err != nil {
			return copyFault(r, err)
		}
		at = r.Stored.End()
	}
	return nil
}

func copyFault(r dataset.Record, err error) error {
	if err == io.EOF {
		err = io.ErrUnexpectedEOF
	}
	return fmt.Errorf("copying %s, bytes %d to %d: %w", r.Place, r.Stored.Offset, r.Stored.End(), err)
}

// endBytes is the number of zeros at the end of an archive.
const endBytes = 2 * blockBytes

// End writes the zeros at the end of an archive.
func (writer) End(w io.Writer, _ io.Reader) error {
	_, err := w.Write(make([]byte, endBytes))
	return err
}
