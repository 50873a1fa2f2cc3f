package run

import (
	"bufio"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"math"

	"github.com/harvest-ml/harvest/shared/bucket"
	"github.com/harvest-ml/harvest/shared/dataset"
	"github.com/harvest-ml/harvest/shared/dataset/compression"
)

// TemporaryPrefix is that of objects in the work bucket that may be removed at any time: a step that finds one gone
// makes it again.
const TemporaryPrefix = "tmp/"

// Texts open the text of manifests: in the input bucket, or unpacked in the work bucket.
type Texts struct {
	Input bucket.Reader
	Work  bucket.Bucket
}

// unpacked is the name of what a compressed manifest holds, a function of its content.
func (m Manifest) unpacked() string {
	sum := sha256.Sum256(fmt.Appendf(nil, "%s\n%d\n%08x", m.Name, m.Size, m.CRC32C))
	return TemporaryPrefix + "unpacked/" + hex.EncodeToString(sum[:16])
}

// Unpacked are the names of the temporary objects of a plan.
func (p *Plan) Unpacked() []string {
	var names []string
	for _, m := range p.Manifests {
		if m.Packed != "" {
			names = append(names, m.unpacked())
		}
	}
	return names
}

// split finds the ranges of a manifest's text, which it unpacks first if it is compressed. A *dataset.FormatError is a
// fault of the manifest.
func (t Texts) split(
	ctx context.Context, m *Manifest, rangeBytes int64, limits compression.Limits,
) (dataset.Layout, error) {
	stored, err := t.Input.Open(ctx, m.Name, m.Generation, 0, -1)
	if err != nil {
		return dataset.Layout{}, err
	}
	defer stored.Close()
	in := bufio.NewReader(stored)
	head, _ := in.Peek(compression.MagicBytes) // an error other than a short file is returned again by the next read
	if m.Packed == "" {
		m.Packed = compression.Of(head)
	}
	if m.Packed == "" {
		return dataset.Split(in, rangeBytes)
	}
	if err := t.unpack(ctx, *m, in, limits); err != nil {
		return dataset.Layout{}, err
	}
	text, err := t.Work.Open(ctx, m.unpacked(), 0, 0, -1)
	if err != nil {
		return dataset.Layout{}, err
	}
	defer text.Close()
	return dataset.Split(text, rangeBytes)
}

// unpack writes what a manifest holds to the work bucket, unless it is there.
func (t Texts) unpack(ctx context.Context, m Manifest, stored io.Reader, limits compression.Limits) error {
	_, err := bucket.CreateOnce(ctx, t.Work, m.unpacked(), func(w io.Writer) error {
		return compression.Unpack(w, stored, m.Packed, limits)
	})
	if stream, ok := errors.AsType[*compression.StreamError](err); ok {
		fault := &dataset.FormatError{Detail: stream.Error()}
		if _, tooLong := errors.AsType[*compression.LimitError](err); tooLong && m.Packed.Command() != "" {
			fault.Command = m.Packed.Command() + " < FILE > OUT"
		}
		return fault
	}
	return err
}

// open opens a span of a manifest's text. bucket.ErrNotExist says that the content that was planned is gone.
func (t Texts) open(ctx context.Context, m Manifest, span dataset.Span) (io.ReadCloser, error) {
	if m.Packed == "" {
		return openManifest(ctx, t.Input, m, span.Start, span.End-span.Start)
	}
	text, err := t.Work.Open(ctx, m.unpacked(), 0, span.Start, span.End-span.Start)
	if !errors.Is(err, bucket.ErrNotExist) {
		return text, err
	}
	stored, err := openManifest(ctx, t.Input, m, 0, -1)
	if err != nil {
		return nil, err
	}
	defer stored.Close()
	// It was within the limits when it was planned.
	if err := t.unpack(ctx, m, stored, unlimited()); err != nil {
		return nil, fmt.Errorf("unpacking manifest %s: %w", m.Name, err)
	}
	return t.Work.Open(ctx, m.unpacked(), 0, span.Start, span.End-span.Start)
}

func unlimited() compression.Limits {
	return compression.Limits{Gzip: math.MaxInt64, Zstd: math.MaxInt64, Bzip2: math.MaxInt64, XZ: math.MaxInt64}
}
