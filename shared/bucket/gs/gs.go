// Package gs implements buckets in Cloud Storage. It is not part of package bucket, so that only programs that use it
// contain the client libraries of Google Cloud.
package gs

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"iter"
	"net/http"
	"slices"
	"strings"
	"unicode/utf8"

	"cloud.google.com/go/storage"
	"github.com/harvest-ml/harvest/shared/bucket"
	"google.golang.org/api/googleapi"
	"google.golang.org/api/iterator"
)

const (
	// maxParts is the largest number of objects that Cloud Storage concatenates in one request.
	maxParts = 32
	// chunkSize is the size of a Create's buffer in bytes. The library's default, 16 MiB, is too much for an instance that
	// writes many small objects concurrently.
	chunkSize = 4 << 20
)

// A Bucket is a Cloud Storage bucket. If a request fails with a transient error, the library retries it until its
// context ends.
//
// Cloud Storage decompresses an object that was uploaded with `Content-Encoding: gzip`, and ignores requested ranges.
// Such an object can only be read whole. Its size and checksum describe the compressed bytes.
type Bucket struct {
	bucket *storage.BucketHandle
	name   string
}

// New returns the Cloud Storage bucket of that name. It sends no request.
func New(client *storage.Client, name string) *Bucket {
	return &Bucket{client.Bucket(name), name}
}

// Stat implements Reader.
func (g *Bucket) Stat(ctx context.Context, name string) (bucket.Attrs, error) {
	object, err := g.object(name)
	if err != nil {
		return bucket.Attrs{}, err
	}
	attrs, err := object.Attrs(ctx)
	if err != nil {
		return bucket.Attrs{}, g.fail(name, err)
	}
	return bucket.Attrs{
		Name: attrs.Name, Size: attrs.Size, Generation: attrs.Generation, Encoded: attrs.ContentEncoding == "gzip",
	}, nil
}

// Open implements Reader.
func (g *Bucket) Open(ctx context.Context, name string, generation, offset, length int64) (io.ReadCloser, error) {
	if offset < 0 {
		return nil, fmt.Errorf("gs://%s/%s: negative offset %d", g.name, name, offset)
	}
	object, err := g.object(name)
	if err != nil {
		return nil, err
	}
	if generation != 0 {
		object = object.Generation(generation)
	}
	if length == 0 {
		// A range header cannot request zero bytes, so the library would read everything.
		if _, err := object.Attrs(ctx); err != nil {
			return nil, g.fail(name, err)
		}
		return http.NoBody, nil
	}
	r, err := object.NewRangeReader(ctx, offset, length)
	if status(err) == http.StatusRequestedRangeNotSatisfiable {
		return http.NoBody, nil
	}
	if err != nil {
		return nil, g.fail(name, err)
	}
	if r.Attrs.Decompressed && (offset > 0 || length > 0) {
		r.Close()
		return nil, fmt.Errorf("gs://%s/%s: the object has Content-Encoding gzip, so no part of it can be read "+
			"alone: upload it without this encoding", g.name, name)
	}
	// The library may return bytes that have already arrived after ctx is done.
	return bucket.WithContext(ctx, r), nil
}

// OpenWhole implements bucket.WholeOpener.
func (g *Bucket) OpenWhole(ctx context.Context, name string) (bucket.Attrs, io.ReadCloser, error) {
	object, err := g.object(name)
	if err != nil {
		return bucket.Attrs{}, nil, err
	}
	r, err := object.NewReader(ctx)
	if err != nil {
		return bucket.Attrs{}, nil, g.fail(name, err)
	}
	// If Cloud Storage decompresses the object, the answer lacks the stored size.
	if a := r.Attrs; !a.Decompressed && a.ContentEncoding != "gzip" && a.Generation != 0 && a.Size >= 0 {
		return bucket.Attrs{Name: name, Size: a.Size, Generation: a.Generation}, bucket.WithContext(ctx, r), nil
	}
	r.Close()
	attrs, err := g.Stat(ctx, name)
	if err != nil {
		return bucket.Attrs{}, nil, err
	}
	body, err := g.Open(ctx, name, attrs.Generation, 0, -1)
	return attrs, body, err
}

// List implements Reader.
func (g *Bucket) List(ctx context.Context, prefix, after string) iter.Seq2[bucket.Attrs, error] {
	return func(yield func(bucket.Attrs, error) bool) {
		query := &storage.Query{Prefix: prefix, StartOffset: after, Projection: storage.ProjectionNoACL}
		if err := query.SetAttrSelection([]string{"Name", "Size", "Generation"}); err != nil {
			yield(bucket.Attrs{}, err)
			return
		}
		for objects := g.bucket.Objects(ctx, query); ; {
			attrs, err := objects.Next()
			if errors.Is(err, iterator.Done) {
				return
			}
			if err != nil {
				yield(bucket.Attrs{}, fmt.Errorf("listing gs://%s/%s: %w", g.name, prefix, err))
				return
			}
			// Cloud Storage includes the offset itself; List excludes it.
			listed := bucket.Attrs{Name: attrs.Name, Size: attrs.Size, Generation: attrs.Generation}
			if attrs.Name != after && !yield(listed, nil) {
				return
			}
		}
	}
}

// Checksum implements Reader. Cloud Storage stores the checksum with the object, so the content is not read.
func (g *Bucket) Checksum(ctx context.Context, name string) (uint32, error) {
	object, err := g.object(name)
	if err != nil {
		return 0, err
	}
	attrs, err := object.Attrs(ctx)
	if err != nil {
		return 0, g.fail(name, err)
	}
	return attrs.CRC32C, nil
}

// Create implements Bucket. If the response to an upload is lost, the library uploads again. Then it may find the
// object that its first upload created, and Create returns ErrExists.
func (g *Bucket) Create(ctx context.Context, name string, write func(io.Writer) error) error {
	if err := bucket.CheckName(name); err != nil {
		return err
	}
	// An upload whose context ends is not completed, so it creates no object.
	ctx, abort := context.WithCancel(ctx)
	defer abort()
	upload := g.bucket.Object(name).If(storage.Conditions{DoesNotExist: true}).NewWriter(ctx)
	upload.ChunkSize = chunkSize
	w := uploadWriter{w: upload}
	err := bucket.Buffered(&w, write)
	switch {
	case w.err != nil:
		// The upload failed, and write only returned its error.
		err = w.err
	case err != nil:
		return err
	default:
		err = upload.Close()
	}
	if status(err) == http.StatusPreconditionFailed {
		err = bucket.ErrExists
	}
	if err != nil {
		return fmt.Errorf("creating gs://%s/%s: %w", g.name, name, err)
	}
	return nil
}

// Compose implements Bucket. It concatenates more than 32 parts in stages. The intermediate objects are named
// `<name>.parts/` and a hash of the names of their parts. They are not removed.
func (g *Bucket) Compose(ctx context.Context, name string, parts []string) error {
	if err := bucket.CheckName(name); err != nil {
		return err
	}
	if len(parts) == 0 {
		return g.Create(ctx, name, func(io.Writer) error { return nil })
	}
	if len(parts) > maxParts {
		// Do not make the stages if the object exists.
		if _, err := g.Stat(ctx, name); err == nil {
			return g.fail(name, bucket.ErrExists)
		} else if !errors.Is(err, bucket.ErrNotExist) {
			return err
		}
	}
	for len(parts) > maxParts {
		var staged []string
		for group := range slices.Chunk(parts, maxParts) {
			stage := fmt.Sprintf("%s.parts/%x", name, sha256.Sum256([]byte(strings.Join(group, "\n"))))
			if err := g.concatenate(ctx, stage, group); err != nil && !errors.Is(err, bucket.ErrExists) {
				return err
			}
			staged = append(staged, stage)
		}
		parts = staged
	}
	return g.concatenate(ctx, name, parts)
}

// concatenate creates an object of at most 32 parts in one request.
func (g *Bucket) concatenate(ctx context.Context, name string, parts []string) error {
	if err := bucket.CheckName(name); err != nil {
		return err
	}
	var sources []*storage.ObjectHandle
	for _, part := range parts {
		source, err := g.object(part)
		if err != nil {
			return fmt.Errorf("composing %s: %w", name, err)
		}
		sources = append(sources, source)
	}
	target := g.bucket.Object(name).If(storage.Conditions{DoesNotExist: true})
	if _, err := target.ComposerFrom(sources...).Run(ctx); err != nil {
		return fmt.Errorf("composing: %w", g.fail(name, err))
	}
	return nil
}

// object returns the handle of an object with any name that Cloud Storage allows. Create allows fewer names, but users'
// images may have any name.
func (g *Bucket) object(name string) (*storage.ObjectHandle, error) {
	reserved := name == "" || name == "." || name == ".."
	if reserved || len(name) > bucket.MaxName || !utf8.ValidString(name) || strings.ContainsAny(name, "\r\n") {
		return nil, fmt.Errorf("gs://%s/%s: %w (%w)", g.name, name, bucket.ErrNotExist, bucket.ErrName)
	}
	return g.bucket.Object(name), nil
}

// fail wraps an error of a request for an object.
func (g *Bucket) fail(name string, err error) error {
	switch {
	case errors.Is(err, storage.ErrObjectNotExist) || status(err) == http.StatusNotFound:
		err = bucket.ErrNotExist
	case status(err) == http.StatusPreconditionFailed:
		err = bucket.ErrExists
	}
	return fmt.Errorf("gs://%s/%s: %w", g.name, name, err)
}

// status returns the HTTP status code of a request's error, or 0 if it has none.
func status(err error) int {
	if answer, ok := errors.AsType[*googleapi.Error](err); ok {
		return answer.Code
	}
	return 0
}

// uploadWriter keeps the error of an upload, to distinguish it from an error of the function that writes to it.
type uploadWriter struct {
	w   io.Writer
	err error
}

func (u *uploadWriter) Write(p []byte) (int, error) {
	n, err := u.w.Write(p)
	if err != nil {
		u.err = err
	}
	return n, err
}
