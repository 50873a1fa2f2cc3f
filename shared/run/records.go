package run

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/harvest-ml/harvest/shared/bucket"
	"github.com/harvest-ml/harvest/shared/dataset"
	"github.com/harvest-ml/harvest/shared/dataset/container/kinds"
	"github.com/harvest-ml/harvest/shared/scores/reason"
)

// ManifestChanged is the code of every record of a range whose manifest was replaced before it was read.
const ManifestChanged reason.Code = "manifest_changed"

// EachRecord reads a range of a plan, and calls use for each record of the range that is in the run, in order.
func EachRecord(
	ctx context.Context, texts Texts, plan *Plan, r int, use func(*dataset.Sample) error,
) error {
	parse, err := plan.Parser(r)
	if err != nil {
		return err
	}
	return eachRecord(ctx, texts, plan, r, parse, nil, use)
}

// eachRecord is EachRecord with the given parser instead of the plan's parser. If plain is not nil, samples are only
// valid until use returns (dataset.Reader.Lend).
func eachRecord(
	ctx context.Context, texts Texts, plan *Plan, r int, parse dataset.Parser, plain func([]byte) (length, lines int),
	use func(*dataset.Sample) error,
) error {
	use = plan.trial(r, use)
	rng := plan.Ranges[r]
	m := plan.Manifests[rng.Manifest]
	if kind, contained := kinds.ByFormat(m.Format); contained {
		return eachContained(ctx, texts, plan, r, kind, parse, use)
	}
	body, err := texts.open(ctx, m, rng.Span)
	if errors.Is(err, bucket.ErrNotExist) {
		return lostRecords(m, rng.Span, use)
	} else if err != nil {
		return err
	}
	defer body.Close()
	reader, err := dataset.NewReader(body, m.Framing, rng.Span, m.Base(), plan.Options.Limits, parse)
	if err != nil {
		return err
	}
	if plain != nil {
		reader.Lend(plain)
	}
	for {
		sample, err := reader.Next()
		if err == io.EOF {
			return nil
		} else if err != nil {
			return fmt.Errorf("reading manifest %s: %w", m.Name, err)
		}
		if err := use(sample); err != nil {
			return err
		}
	}
}

// openManifest opens length bytes of a manifest from start on; all bytes from start on if length is negative. It opens
// the planned generation, or another generation with equal content, for example after a second upload of the same file.
func openManifest(ctx context.Context, input bucket.Reader, m Manifest, start, length int64) (io.ReadCloser, error) {
	body, err := input.Open(ctx, m.Name, m.Generation, start, length)
	if !errors.Is(err, bucket.ErrNotExist) {
		return body, err
	}
	attrs, err := input.Stat(ctx, m.Name)
	if err != nil {
		return nil, err
	}
	sum, err := input.Checksum(ctx, m.Name)
	if err != nil {
		return nil, err
	}
	if attrs.Size != m.Size || sum != m.CRC32C {
		return nil, fmt.Errorf("manifest %s was replaced by a file with other content: %w", m.Name, bucket.ErrNotExist)
	}
	return input.Open(ctx, m.Name, attrs.Generation, start, length)
}

// lostRecords calls use with a failed sample for each record of a range whose manifest no longer exists, so that each
// record has an outcome.
func lostRecords(m Manifest, span dataset.Span, use func(*dataset.Sample) error) error {
	for i := range span.Records {
		place := dataset.Place{Manifest: m.Base(), Element: span.FirstElement + i, Line: span.FirstLine}
		if err := use(dataset.Unread(place, *lostRecord())); err != nil {
			return err
		}
	}
	return nil
}

// lostRecord returns the fault of a record whose manifest no longer exists.
func lostRecord() *dataset.Fault {
	return &dataset.Fault{Code: ManifestChanged, Detail: "the manifest was replaced or removed before this record was " +
		"read; the new version has a separate run"}
}
