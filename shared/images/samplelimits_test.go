package images

import (
	"context"
	"fmt"
	"image/png"
	"io"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/harvest-ml/harvest/shared/bucket"
	"github.com/harvest-ml/harvest/shared/dataset"
	"github.com/harvest-ml/harvest/shared/images/imagetest"
	"github.com/harvest-ml/harvest/shared/memory/memorytest"
)

// A countingReader counts the objects that are opened.
type countingReader struct {
	bucket.Reader
	opened atomic.Int64
}

func (r *countingReader) Open(
	ctx context.Context, name string, generation, offset, length int64,
) (io.ReadCloser, error) {
	r.opened.Add(1)
	return r.Reader.Open(ctx, name, generation, offset, length)
}

// TestSampleLimits fetches the images of samples that exceed limits. The reason has the value, the limit, and the
// variable that raises it. Images are read only if their sample is within the limits. Each name is read once.
func TestSampleLimits(t *testing.T) {
	t.Parallel()
	valid := encode(t, png.Encode)
	size := int64(len(valid))
	input := &countingReader{Reader: folder(t, map[string][]byte{
		"images/a.png": valid, "images/b.png": valid,
		"images/deep.jpg": imagetest.JPEG(160, 32, 3, 0x11, true),
	})}
	f, err := New(Config{Input: input, Prefix: "images/", Limits: Limits{
		MaxBytes: 1 << 20, MaxPixels: 1 << 20, MaxDecodedBytes: 70_000, MaxImages: 4, MaxSampleBytes: 3 * size,
	}})
	if err != nil {
		t.Fatal(err)
	}
	for _, tc := range []struct {
		names        string
		reason       string // "" if there is no fault
		seen, opened int
	}{
		{"a.png a.png a.png", "", 3, 1},
		{"a.png b.png a.png", "", 3, 2},
		{"- a.png -", "", 3, 1},
		{"a.png a.png a.png a.png a.png", "too many images: images: the record names 5 images, but the limit is 4; " +
			"divide it into several records, or raise MAX_SAMPLE_IMAGES", 0, 0},
		{"a.png b.png - a.png", fmt.Sprintf("images too large together: images: the first 4 images have %d bytes together, "+
			"but the limit is %d; make them smaller, or raise MAX_SAMPLE_IMAGE_BYTES", 4*size, 3*size), 4, 0},
		{"a.png gone.png a.png", "image not found: gone.png: ", 2, 0},
		{"deep.jpg a.png", "image too large: image 1 (deep.jpg): decoding a progressive JPEG of 160 x 32 pixels takes " +
			"76800 bytes, but the limit is 70000; make it smaller, or raise MAX_DECODED_BYTES", 1, 1},
	} {
		var sample dataset.Sample
		for name := range strings.FieldsSeq(tc.names) {
			img := dataset.Image{Name: name}
			if name == "-" {
				img = dataset.Image{Data: valid}
			}
			sample.Images = append(sample.Images, img)
		}
		input.opened.Store(0)
		fetched, fault, err := f.Fetch(t.Context(), &sample, nil, memorytest.Budget(t).NewHold(1))
		if err != nil {
			t.Fatal(err)
		}
		if got := int(input.opened.Load()); got != tc.opened || len(fetched.Seen) != tc.seen {
			t.Errorf("%s: %d objects were read, %d seen; want %d and %d", tc.names, got, len(fetched.Seen), tc.opened, tc.seen)
		}
		if tc.reason == "" {
			if fault != nil || len(fetched.Images) != len(sample.Images) ||
				slices.ContainsFunc(fetched.Images, func(data []byte) bool { return len(data) != len(valid) }) {
				t.Errorf("%s: fault %v, images %v", tc.names, fault, fetched.Images)
			}
		} else if fault == nil || !strings.HasPrefix(fault.Reason(), tc.reason) {
			t.Errorf("%s: the reason is %v, want %s", tc.names, fault, tc.reason)
		}
	}
}
