// Package webdataset reads and writes the tar archives of WebDataset. A sample is a sequence of members with the same
// key. The key is the member's name up to the first dot after the last slash. The part after this dot is the member's
// field, such as json or 1.jpg. Source: webdataset's tariterators.py.
//
// The record is the content of KEY.json, with references in place of the names of images. If KEY.json names no image,
// all images of the sample are added as the list images. Without a KEY.json, the record has the content of KEY.txt and
// KEY.cls, and the images.
package webdataset

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"math"

	"github.com/harvest-ml/harvest/shared/dataset"
	"github.com/harvest-ml/harvest/shared/dataset/container"
)

// Kind returns the kind of WebDataset archives.
func Kind() container.Kind {
	return container.Kind{
		Format: dataset.Tar, Name: "a WebDataset tar", Shape: shape, Reads: reads, Is: isTar, Reader: reader{},
		Writer: writer{},
	}
}

const (
	shape = `coco/000001.jpg
coco/000001.json   {"image": "000001.jpg", "conversations": [{"from": "human", "value": "<image>\nWhy?"}, ...]}
coco/000002.1.jpg
coco/000002.2.jpg
coco/000002.json   {"conversations": ...}`
	reads = "consecutive members with the same key are a sample. Its record is KEY.json, in any of the forms. A " +
		"record without an id has the key as its id. The record names images of the sample by their names, or by the " +
		"part after the key. If it names no image, it has all images of the sample, in the order of the tar. Without a " +
		"KEY.json, the record has the content of KEY.txt and KEY.cls, without turns. A sample with video or audio fails. " +
		"All other members stay in the sample. Folders, and members without a dot in their name, are ignored"
)

// isTar reports whether the first header has the mark of tar, and zeros after its fields. The mark alone is not enough,
// because a text can contain it.
func isTar(head []byte) bool {
	return len(head) >= 262 && string(head[257:262]) == "ustar" && bytes.IndexByte(head[:257], 0) >= 0
}

type reader struct{}

// Scan reads the headers of an archive, and skips the data between them. A step ends before a sample.
func (reader) Scan(
	ctx context.Context, from container.Source, scan dataset.Scan, rangeBytes, stepBytes int64,
) (dataset.Scan, error) {
	if rangeBytes <= 0 || stepBytes <= 0 {
		return dataset.Scan{}, fmt.Errorf(
			"splitting an archive into ranges of %d bytes, in steps of %d: give sizes above 0", rangeBytes, stepBytes)
	}
	body, err := from.Open(ctx, scan.Size, -1)
	if err != nil {
		return dataset.Scan{}, err
	}
	defer body.Close()
	w := newWalker(body, scan.Size, nil)
	layout := dataset.Layout{Framing: dataset.Framing{Format: dataset.Tar}, Records: scan.Records}
	layout.Ranges = append([]dataset.Span{}, scan.Ranges...) // a copy, because the last range may still grow
	pauseAt := scan.Size + min(stepBytes, math.MaxInt64-scan.Size)
	for {
		s, err := w.next()
		switch {
		case err == io.EOF:
			layout.Size = w.in.n
			return dataset.Scan{Layout: layout, Done: true}, nil
		case err != nil:
			return dataset.Scan{}, err
		}
		if s.Offset >= pauseAt {
			layout.Size = s.Offset
			return dataset.Scan{Layout: layout, Element: layout.Records}, nil
		}
		add(&layout, s.Extent, rangeBytes)
	}
}

// add adds a sample to the last range, or begins a new range.
func add(l *dataset.Layout, at dataset.Extent, rangeBytes int64) {
	l.Records++
	if n := len(l.Ranges); n > 0 {
		if last := &l.Ranges[n-1]; at.End()-last.Start <= rangeBytes {
			last.End = at.End()
			last.Records++
			return
		}
	}
	l.Ranges = append(l.Ranges, dataset.Span{Start: at.Offset, End: at.End(), Records: 1, FirstElement: l.Records})
}

// Records reads the samples of a range. It skips images.
func (reader) Records(
	ctx context.Context, from container.Source, span dataset.Span, manifest string, limits dataset.Limits,
) iter.Seq2[dataset.Record, error] {
	return func(yield func(dataset.Record, error) bool) {
		fail := func(err error) {
			yield(dataset.Record{}, fmt.Errorf("reading bytes %d to %d of %s: %w", span.Start, span.End, manifest, err))
		}
		if err := limits.Validate(); err != nil {
			fail(err)
			return
		}
		body, err := from.Open(ctx, span.Start, span.End-span.Start)
		if err != nil {
			fail(err)
			return
		}
		defer body.Close()
		w := newWalker(body, span.Start, &limits)
		for i := range span.Records {
			w.left = span.Records - i
			s, err := w.next()
			switch format := (*dataset.FormatError)(nil); {
			case err == io.EOF:
				fail(fmt.Errorf("these bytes have %d records, but the plan has %d", i, span.Records))
				return
			case errors.As(err, &format): // Scan accepted the archive, so its author made no mistake
				fail(fmt.Errorf("these bytes have changed since planning: %s", format.Error()))
				return
			case err != nil:
				fail(err)
				return
			}
			if !yield(s.record(manifest, span.FirstElement+i, limits), nil) {
				return
			}
		}
	}
}

// Values reads images by their offsets.
func (reader) Values(from container.Source) container.Values { return values{from} }

type values struct{ from container.Source }

func (v values) Size(_ context.Context, r dataset.Record, number int) (int64, *dataset.Fault, error) {
	at, fault := valueOf(r, number)
	return at.Bytes, fault, nil
}

func (v values) Read(ctx context.Context, r dataset.Record, number int) ([]byte, *dataset.Fault, error) {
	at, fault := valueOf(r, number)
	if fault != nil {
		return nil, fault, nil
	}
	body, err := v.from.Open(ctx, at.Offset, at.Bytes)
	if err != nil {
		return nil, nil, err
	}
	defer body.Close()
	data := make([]byte, at.Bytes)
	if _, err := io.ReadFull(body, data); err != nil {
		return nil, nil, fmt.Errorf("reading bytes %d to %d of %s: %w", at.Offset, at.End(), r.Place.Manifest, err)
	}
	return data, nil, nil
}

func (values) Close() error { return nil }

// valueOf returns the position of a value. The record may name a value that does not exist, if Harvest did not write
// the reference.
func valueOf(r dataset.Record, number int) (dataset.Extent, *dataset.Fault) {
	if number < 0 || number >= len(r.Stored.Values) {
		return dataset.Extent{}, &dataset.Fault{Code: dataset.MemberUnusable, Detail: fmt.Sprintf(
			"the record names image %d, but the sample has %d; remove the key \"embedded\" from the record",
			number, len(r.Stored.Values))}
	}
	return r.Stored.Values[number], nil
}

// unusable returns the fault of a sample with a member that cannot be used.
func unusable(field, detail string) *dataset.Fault {
	return &dataset.Fault{Code: dataset.MemberUnusable, Field: field, Detail: detail}
}

// tooLarge returns the fault of a record that is larger than the limit.
func tooLarge(bytes int64, limits dataset.Limits) *dataset.Fault {
	return &dataset.Fault{Code: dataset.RecordTooLarge, Detail: fmt.Sprintf(
		"the record has %d bytes, more than the %d allowed (MAX_RECORD_BYTES); shorten it", bytes, limits.MaxRecordBytes)}
}
