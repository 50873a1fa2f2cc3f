package run_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/klauspost/compress/gzip"

	"github.com/harvest-ml/harvest/shared/bucket"
	"github.com/harvest-ml/harvest/shared/dataset"
	"github.com/harvest-ml/harvest/shared/run"
	"github.com/harvest-ml/harvest/shared/run/runtest"
)

const packedManifest = mixedManifest + ".gz"

func zipped(t *testing.T, content []byte) []byte {
	t.Helper()
	var out bytes.Buffer
	w := gzip.NewWriter(&out)
	if _, err := w.Write(content); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// scoresOf scores a manifest, with the temporary objects removed after planning, and returns the ratings of its
// samples. It fails unless every range is cut.
func scoresOf(t *testing.T, f *runtest.Fixture, manifest string) map[string]string {
	t.Helper()
	plan := f.Begin(manifest)
	if len(plan.Ranges) < 2 {
		t.Fatalf("%d ranges, want several", len(plan.Ranges))
	}
	if plan.Manifests[0].Packed != "" {
		if unpacked := f.Objects(bucket.TemporaryPrefix); len(unpacked) != 1 {
			t.Errorf("temporary objects %v, want one", unpacked)
		}
		f.Remove(bucket.TemporaryPrefix)
		f.Restart()
	}
	f.Finish(plan)
	if left := f.Objects(bucket.TemporaryPrefix + "unpacked/"); len(left) > 0 {
		t.Errorf("temporary objects %v of a scored run", left)
	}
	rated := map[string]string{}
	for id, record := range f.Records(plan) {
		rated[strings.Replace(id, ".gz", "", 1)] = record.Content + record.Source + string(record.Status)
	}
	return rated
}

// A compressed manifest is read like its unpacked text, even if the unpacked text was removed in the meantime.
func TestCompressedManifest(t *testing.T) {
	t.Parallel()
	plain := newMixed(t)
	content := readInput(t, plain.Input, mixedManifest)
	packed := newMixed(t)
	packed.Upload(packedManifest, zipped(t, content))
	want, got := scoresOf(t, plain, mixedManifest), scoresOf(t, packed, packedManifest)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("scores (-plain +compressed):\n%s", diff)
	}
}

func readInput(t *testing.T, input bucket.Reader, name string) []byte {
	t.Helper()
	content, err := bucket.ReadAll(t.Context(), input, name)
	if err != nil {
		t.Fatal(err)
	}
	return content
}

// An encodedBucket has an object with a Content-Encoding, as in Cloud Storage: its size is the stored size, and it can
// only be read whole and decompressed.
type encodedBucket struct {
	bucket.Reader
	name    string
	content []byte
}

func (b encodedBucket) Stat(ctx context.Context, name string) (bucket.Attrs, error) {
	attrs, err := b.Reader.Stat(ctx, name)
	attrs.Encoded = name == b.name
	return attrs, err
}

func (b encodedBucket) Open(ctx context.Context, name string, generation, offset, length int64) (io.ReadCloser, error) {
	if name != b.name {
		return b.Reader.Open(ctx, name, generation, offset, length)
	}
	if offset > 0 || length >= 0 {
		return nil, errors.New("no part of it can be read")
	}
	return io.NopCloser(bytes.NewReader(b.content)), nil
}

func TestManifestWithContentEncoding(t *testing.T) {
	t.Parallel()
	plain := newMixed(t)
	content := readInput(t, plain.Input, mixedManifest)
	encoded := newMixed(t)
	encoded.Upload(mixedManifest, zipped(t, content))
	encoded.Input = encodedBucket{encoded.Input, mixedManifest, content}
	encoded.Restart()
	if diff := cmp.Diff(scoresOf(t, plain, mixedManifest), scoresOf(t, encoded, mixedManifest)); diff != "" {
		t.Errorf("scores (-plain +encoded):\n%s", diff)
	}
}

// A manifest that cannot be unpacked, or is larger than allowed, is refused.
func TestCompressedManifestIsRefused(t *testing.T) {
	t.Parallel()
	f := newMixed(t)
	content := readInput(t, f.Input, mixedManifest)
	whole := zipped(t, content)
	f.Upload(packedManifest, whole[:len(whole)-10])
	spec := run.Spec{Dataset: "mixed", Manifests: []string{"all.json.gz"}}
	bounded := func(p *run.Planner) *run.Planner { return p }
	refused := func(want string) {
		t.Helper()
		_, err := bounded(f.Planner()).Plan(t.Context(), spec)
		fault, ok := errors.AsType[*dataset.FormatError](err)
		if !ok || !strings.Contains(fault.Error(), want) {
			t.Errorf("%v, want a refusal with %q", err, want)
		}
		if left := f.Objects(bucket.TemporaryPrefix + "unpacked/"); len(left) > 0 {
			t.Errorf("it left %v", left)
		}
	}
	refused(packedManifest + ": the file is compressed with gzip and cut short: it ends after ")
	f.Upload(packedManifest, whole)
	f.Limits.Compressed.Gzip = int64(len(content)) - 1
	refused("that MAX_GZIP_BYTES allows; give the unpacked file, which has no limit, or several smaller files: gunzip < ")
	f.Limits.Compressed.Gzip = int64(len(content)) + 1
	bounded = func(p *run.Planner) *run.Planner { return p.Bounded(int64(len(content))-1, "a caller who waits") }
	refused("that a caller who waits allows; give the unpacked file")
}
