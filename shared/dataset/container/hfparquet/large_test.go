package hfparquet

import (
	"bytes"
	"context"
	"io"
	"os"
	"runtime"
	"testing"

	"github.com/parquet-go/parquet-go"

	"github.com/harvest-ml/harvest/shared/bucket/buckettest"
	"github.com/harvest-ml/harvest/shared/dataset"
	"github.com/harvest-ml/harvest/shared/thorough"
)

// A repeated source is a Parquet file with the same row groups many times, generated while reading. It counts the bytes
// read.
type repeated struct {
	buckettest.Repeated
	read *int64
}

// newRepeated returns a file of about this size, whose rows have images of 100 kB, in row groups of 80.
func newRepeated(t *testing.T, size int64) repeated {
	t.Helper()
	one := writePictures(t, pictures(80, 100_000), 80, parquet.SkipPageBounds("image", "bytes"),
		parquet.DataPageStatistics(false), parquet.PageBufferSize(1<<20))
	records := make([]dataset.Record, 80)
	for i := range records {
		records[i].Place.Element = int64(i) + 1
	}
	var groups, notes, end bytes.Buffer
	first, err := writer{}.Part(t.Context(), &groups, one, records, dataset.Part{First: true})
	if err != nil {
		t.Fatal(err)
	}
	r := repeated{buckettest.Repeated{Head: []byte(magic), Block: groups.Bytes()[len(magic):]}, new(int64)}
	r.Times = size / int64(len(r.Block))
	for range r.Times {
		notes.Write(first)
	}
	if err := (writer{}).End(&end, &notes); err != nil {
		t.Fatal(err)
	}
	r.Tail = end.Bytes()
	return r
}

func (r repeated) Size(context.Context) (int64, error) { return r.Bytes(), nil }

func (r repeated) Open(_ context.Context, offset, length int64) (io.ReadCloser, error) {
	*r.read += length
	return io.NopCloser(io.NewSectionReader(r, offset, length)), nil
}

// TestLargeFile plans a file of 1 GB (10 GB with HARVEST_SOAK), reads its records and the images of some ranges, and
// writes a subset of others. Memory does not grow with the file, and texts are read without the images. The test is not
// parallel, because it measures the memory of the process.
func TestLargeFile(t *testing.T) {
	thorough.Only(t)
	size := int64(1 << 30)
	if os.Getenv("HARVEST_SOAK") != "" {
		size = 10 << 30
	}
	from := newRepeated(t, size)
	held := heldSince()
	at, err := reader{}.Scan(t.Context(), from, dataset.Scan{}, 256<<20, 1)
	if err != nil || at.Records != 80*from.Times {
		t.Fatalf("%d records of %d: %v", at.Records, 80*from.Times, err)
	}
	var kept []dataset.Record // records of the first ranges
	rows := int64(0)
	for _, span := range at.Ranges {
		for r, err := range (reader{}).Records(t.Context(), from, span, "a.parquet", testLimits) {
			if err != nil || r.Fault != nil {
				t.Fatal(r.Fault, err)
			}
			r.Raw = nil
			if rows++; rows <= 2000 {
				kept = append(kept, r)
			}
		}
		if bytes := held(); bytes > 8<<20 {
			t.Errorf("%d bytes are held for records", bytes)
		}
	}
	if rows != at.Records || *from.read > size/50 {
		t.Errorf("%d records of %d, and %d bytes read of %d", rows, at.Records, *from.read, size)
	}
	values := reader{}.Values(from)
	for i, record := range kept[:1000] {
		if i%80%7 == 3 { // without an image
			continue
		}
		if data, fault, err := values.Read(t.Context(), record, 0); len(data) != 100_000 {
			t.Fatalf("%s: %d bytes, %v, %v", record.Place, len(data), fault, err)
		}
	}
	if bytes := held(); bytes > 32<<20 {
		t.Errorf("%d bytes are held for images", bytes)
	}
	if _, err := (writer{}).Part(t.Context(), io.Discard, from, kept[1000:], dataset.Part{}); err != nil {
		t.Fatal(err)
	}
	if bytes := held(); bytes > 64<<20 {
		t.Errorf("%d bytes are held for a subset", bytes)
	}
}

// heldSince returns a function that returns the number of bytes by which the memory in use has grown since the call.
func heldSince() func() int64 {
	held := func() int64 {
		runtime.GC()
		var stats runtime.MemStats
		runtime.ReadMemStats(&stats)
		return int64(stats.HeapAlloc)
	}
	before := held()
	return func() int64 { return held() - before }
}
