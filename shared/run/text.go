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

// A Texts opens the texts of manifests, in the input bucket or unpacked in the work bucket.
type Texts struct {
	Input bucket.Reader
	Work  bucket.Bucket
}

// unpacked returns the name of the object with the unpacked text of a compressed manifest. The name is a function of
// the manifest's content. The object is the only one in its folder.
func (m Manifest) unpacked() string {
	sum := sha256.Sum256(fmt.Appendf(nil, "%s\n%d\n%08x", m.Name, m.Size, m.CRC32C))
	return bucket.TemporaryPrefix + "unpacked/" + hex.EncodeToString(sum[:16]) + "/text"
}

// RemoveUnpacked removes the unpacked texts of a plan's manifests from the work bucket, unless a lifecycle rule of the
// bucket removes temporary objects. A step that needs such a text makes it again.
func (p *Plan) RemoveUnpacked(ctx context.Context, work bucket.Bucket) {
	for _, m := range p.Manifests {
		if m.Packed != "" {
			m.removeUnpacked(ctx, work)
		}
	}
}

// removeUnpacked removes the unpacked content of a manifest, if it exists.
func (m Manifest) removeUnpacked(ctx context.Context, work bucket.Bucket) {
	bucket.RemoveTemporary(context.WithoutCancel(ctx), work, path.Dir(m.unpacked())+"/")
}

// from opens the text of a manifest from an offset to its end, and returns how the manifest is compressed. At offset 0
// it finds the compression, and unpacks the manifest. If the manifest is invalid, the error is a *dataset.FormatError.
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

// A readCloser reads from a buffer, and closes the reader below it.
type readCloser struct {
	io.Reader
	io.Closer
}

// unpack writes the unpacked text of a manifest to the work bucket, unless it exists.
func (t Texts) unpack(ctx context.Context, m Manifest, stored io.Reader, limits compression.Limits) error {
	_, err := bucket.CreateOnce(ctx, t.Work, m.unpacked(), func(w io.Writer) error {
		return compression.Unpack(w, stored, m.Packed, limits)
	})
	return dataset.StreamFault(err, m.Packed)
}

// open opens a span of a manifest's text. The error is bucket.ErrNotExist if the planned content no longer exists.
func (t Texts) open(ctx context.Context, m Manifest, span dataset.Span) (io.ReadCloser, error) {
	return t.read(ctx, m, span.Start, span.End-span.Start)
}

// read opens length bytes of a manifest's text from offset on; all bytes from offset on if length is negative.
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
	// The text was within the limits when the run was planned.
	if err := t.unpack(ctx, m, stored, unlimited()); err != nil {
		return nil, fmt.Errorf("unpacking manifest %s: %w", m.Name, err)
	}
	return t.Work.Open(ctx, m.unpacked(), 0, offset, length)
}

func unlimited() compression.Limits {
	return compression.Limits{Gzip: math.MaxInt64, Zstd: math.MaxInt64, Bzip2: math.MaxInt64, XZ: math.MaxInt64}
}
