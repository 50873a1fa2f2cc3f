package webdataset_test

import (
	"archive/tar"
	"bytes"
	"context"
	"fmt"
	"io"
	"math"
	"os"
	"runtime"
	"testing"

	"github.com/harvest-ml/harvest/shared/dataset"
	"github.com/harvest-ml/harvest/shared/dataset/container/webdataset"
	"github.com/harvest-ml/harvest/shared/thorough"
)

// imageBytes is the size of the images of a generated archive.
const imageBytes = 200 * 512

// A generated archive has samples that are generated while reading. It counts the bytes read.
type generated struct {
	samples int64
	image   []byte
	read    *int64
}

// sampleBytes is the size of a sample: two headers, the image, and a record of one block.
const sampleBytes = imageBytes + 3*512

func (g generated) Size(context.Context) (int64, error) { return g.samples*sampleBytes + 1024, nil }

func (g generated) Open(ctx context.Context, offset, length int64) (io.ReadCloser, error) {
	size, err := g.Size(ctx)
	if length < 0 || length > size-offset {
		length = size - offset
	}
	stream := &generatedStream{generated: g, at: offset / sampleBytes}
	if _, err := io.CopyN(io.Discard, stream, offset%sampleBytes); err != nil {
		return nil, err
	}
	return io.NopCloser(io.LimitReader(stream, length)), err
}

// A generatedStream reads from the sample at on.
type generatedStream struct {
	generated
	at    int64
	ready []byte
}

func (s *generatedStream) Read(p []byte) (int, error) {
	if len(s.ready) == 0 {
		s.ready = s.sample(s.at)
		s.at++
	}
	n := copy(p, s.ready)
	s.ready = s.ready[n:]
	*s.read += int64(n)
	return n, nil
}

// sample returns a sample; after the last one, the zeros at the end of an archive.
func (g generated) sample(i int64) []byte {
	if i >= g.samples {
		return make([]byte, 1024)
	}
	var b bytes.Buffer
	b.Grow(sampleBytes + 1024)
	out := tar.NewWriter(&b)
	record := fmt.Appendf(nil, `{"id": %d}`, i)
	for _, m := range []struct {
		end     string
		content []byte
	}{{"jpg", g.image}, {"json", record}} {
		header := tar.Header{Name: fmt.Sprintf("%08d.%s", i, m.end), Typeflag: tar.TypeReg, Size: int64(len(m.content))}
		if err := out.WriteHeader(&header); err != nil {
			panic(err) // cannot happen with a short name
		}
		_, _ = out.Write(m.content)
	}
	_ = out.Flush()
	return b.Bytes()
}

// TestLargeArchive finds and reads the records of an archive of 1 GB (10 GB with HARVEST_SOAK) in steps. Each step
// reads its part once, and memory does not grow with the archive. The test is not parallel, because it measures the
// memory of the process.
func TestLargeArchive(t *testing.T) {
	thorough.Only(t)
	size := int64(1 << 30)
	if os.Getenv("HARVEST_SOAK") != "" {
		size = 10 << 30
	}
	from := generated{samples: size / sampleBytes, image: make([]byte, imageBytes), read: new(int64)}
	runtime.GC()
	var before, now runtime.MemStats
	runtime.ReadMemStats(&before)
	grown := func(what string) {
		runtime.GC()
		runtime.ReadMemStats(&now)
		if now.HeapAlloc > before.HeapAlloc+(8<<20) {
			t.Errorf("%s: %d bytes are held", what, now.HeapAlloc-before.HeapAlloc)
		}
	}
	kind := webdataset.Kind()
	var at dataset.Scan
	var err error
	const rangeBytes = 64 << 20
	for !at.Done {
		if at, err = kind.Scan(t.Context(), from, at, rangeBytes, 100<<20); err != nil {
			t.Fatal(err)
		}
		grown("finding records")
	}
	if at.Records != from.samples || *from.read > size+size/4 || len(at.Ranges) > int(size/rangeBytes)+2 {
		t.Errorf("%d records of %d in %d ranges; %d bytes were read of %d",
			at.Records, from.samples, len(at.Ranges), *from.read, size)
	}
	found := int64(0)
	for _, span := range at.Ranges {
		for r, err := range kind.Records(t.Context(), from, span, "a.tar", dataset.Limits{MaxRecordBytes: math.MaxInt32}) {
			if err != nil || r.Fault != nil {
				t.Fatal(r.Fault, err)
			}
			found++
		}
		grown("reading records")
	}
	if found != from.samples {
		t.Errorf("%d records of %d were read", found, from.samples)
	}
}
