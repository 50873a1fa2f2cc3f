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
	"path"

	"github.com/harvest-ml/harvest/shared/bucket"
	"github.com/harvest-ml/harvest/shared/dataset"
	"github.com/harvest-ml/harvest/shared/dataset/compression"
)

// Texts open the text of manifests: in the input bucket, or unpacked in the work bucket.
type Texts struct {
	Input bucket.Reader
	Work  bucket.Bucket
}

// unpacked is the name of what a compressed manifest holds, a function of its content. Its folder holds nothing else.
func (m Manifest) unpacked() string {
	sum := sha256.Sum256(fmt.Appendf(nil, "%s\n%d\n%08x", m.Name, m.Size, m.CRC32C))
	return bucket.TemporaryPrefix + "unpacked/" + hex.EncodeToString(sum[:16]) + "/text"
}

// RemoveUnpacked removes what the compressed manifests of a plan hold from the work bucket, unless a rule of the bucket
// removes temporary objects. Any step that needs one makes it again.
func (p *Plan) RemoveUnpacked(ctx context.Context, work bucket.Bucket) {
	for _, m := range p.Manifests {
		if m.Packed != "" {
			m.removeUnpacked(ctx, work)
		}
	}
}

// from opens the text of a manifest from an offset to its end, and says how the manifest is compressed. At offset 0 it
// finds that out and unpacks it. A *dataset.FormatError is a fault of the manifest.
func (t Texts) from(
	ctx context.Context, m Manifest, offset int64, limits compression.Limits,
) (text io.ReadCloser, packed compression.Kind, err error) {
	if offset > 0 {
		text, err = t.read(ctx, m, offset, -1)
		return text, m.Packed, err
	}
	stored, err := openManifest(ctx, t.Input, m, 0, -1)
	if err != nil {
		return nil, "", err
	}
	in := bufio.NewReader(stored)
	if m.Packed == "" {
		head, _ := in.Peek(compression.MagicBytes) // an error other than a short file is returned again by the next read
		m.Packed = compression.Of(head)
	}
	if m.Packed == "" {
		return readCloser{in, stored}, "", nil
	}
	defer stored.Close()
	if err := t.unpack(ctx, m, in, limits); err != nil {
		return nil, "", err
	}
	text, err = t.Work.Open(ctx, m.unpacked(), 0, 0, -1)
	return text, m.Packed, err
}

// readCloser reads through a buffer from what it closes.
type readCloser struct {
	io.Reader
	io.Closer
}

// unpack writes what a manifest holds to the work bucket, unless it is there.
func (t Texts) unpack(ctx context.Context, m Manifest, stored io.Reader, limits compression.Limits) error {
	_, err := bucket.CreateOnce(ctx, t.Work, m.unpacked(), func(w io.Writer) error {
		return compression.Unpack(w, stored, m.Packed, limits)
	})
	return dataset.StreamFault(err, m.Packed)
}

// open opens a span of a manifest's text. bucket.ErrNotExist says that the content that was planned is gone.
func (t Texts) open(ctx context.Context, m Manifest, span dataset.Span) (io.ReadCloser, error) {
	return t.read(ctx, m, span.Start, span.End-span.Start)
}

// read opens length bytes of a manifest's text, or all from the offset on if that is negative.
func (t Texts) read(ctx context.Context, m Manifest, offset, length int64) (io.ReadCloser, error) {
	if m.Packed == "" {
		return openManifest(ctx, t.Input, m, offset, length)
	}
	text, err := t.Work.Open(ctx, m.unpacked(), 0, offset, length)
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
	return t.Work.Open(ctx, m.unpacked(), 0, offset, length)
}

func unlimited() compression.Limits {
	return compression.Limits{Gzip: math.MaxInt64, Zstd: math.MaxInt64, Bzip2: math.MaxInt64, XZ: math.MaxInt64}
}

// removeUnpacked removes the unpacked content of a manifest, if there is any.
func (m Manifest) removeUnpacked(ctx context.Context, work bucket.Bucket) {
	bucket.RemoveTemporary(context.WithoutCancel(ctx), work, path.Dir(m.unpacked())+"/")
}
