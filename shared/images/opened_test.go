package images

import (
	"context"
	"fmt"
	"image/png"
	"io"
	"testing"

	"github.com/harvest-ml/harvest/shared/bucket"
	"github.com/harvest-ml/harvest/shared/dataset"
	"github.com/harvest-ml/harvest/shared/memory/memorytest"
)

// A counted counts the requests to a bucket that is a WholeOpener.
type counted struct {
	bucket.Reader
	stats, opens, whole, open int
}

func (c *counted) Stat(ctx context.Context, name string) (bucket.Attrs, error) {
	c.stats++
	return c.Reader.Stat(ctx, name)
}

func (c *counted) Open(ctx context.Context, name string, generation, offset, length int64) (io.ReadCloser, error) {
	c.opens++
	return c.Reader.Open(ctx, name, generation, offset, length)
}

func (c *counted) OpenWhole(ctx context.Context, name string) (bucket.Attrs, io.ReadCloser, error) {
	c.whole++
	attrs, err := c.Reader.Stat(ctx, name)
	if err != nil {
		return attrs, nil, err
	}
	body, err := c.Reader.Open(ctx, name, attrs.Generation, 0, -1)
	c.open++
	return attrs, &countedBody{body, c}, err
}

type countedBody struct {
	io.ReadCloser
	of *counted
}

func (b *countedBody) Close() error {
	if b.of != nil {
		b.of.open--
		b.of = nil
	}
	return b.ReadCloser.Close()
}

// TestOneRequestForOneImage checks that each image takes one request, with or without a fault. Further images of a
// sample with many or large images are located before they are read.
func TestOneRequestForOneImage(t *testing.T) {
	t.Parallel()
	valid := encode(t, png.Encode)
	for name, tt := range map[string]struct {
		images              []string
		stats, opens, whole int
		fault               string
	}{
		"one":       {[]string{"a.png"}, 0, 0, 1, ""},
		"two":       {[]string{"a.png", "b.png"}, 0, 0, 2, ""},
		"one twice": {[]string{"a.png", "a.png"}, 0, 0, 1, ""},
		"many": {
			[]string{"a.png", "1.png", "2.png", "3.png", "4.png", "5.png", "6.png", "7.png", "b.png"}, 1, 1, 8, "",
		},
		"after a large one":    {[]string{"big.png", "a.png"}, 1, 0, 1, string(FormatUnknown)},
		"the second missing":   {[]string{"a.png", "none.png"}, 0, 0, 2, string(NotFound)},
		"the second too large": {[]string{"a.png", "large.png"}, 0, 0, 2, string(TooLarge)},
		"too large":            {[]string{"large.png"}, 0, 0, 1, string(TooLarge)},
		"cut":                  {[]string{"cut.png"}, 0, 0, 1, string(Undecodable)},
		"missing":              {[]string{"none.png"}, 0, 0, 1, string(NotFound)},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			files := map[string][]byte{
				"images/demo/a.png": valid, "images/demo/b.png": valid, "images/demo/cut.png": valid[:20],
				"images/demo/large.png": make([]byte, 9<<20), "images/demo/big.png": make([]byte, 5<<20),
			}
			for i := range 9 {
				files[fmt.Sprintf("images/demo/%d.png", i)] = valid
			}
			input := &counted{Reader: folder(t, files)}
			f, err := New(Config{Input: input, Prefix: "images/demo/", Limits: Limits{
				MaxBytes: 8 << 20, MaxPixels: 100, MaxDecodedBytes: 1 << 29, MaxImages: 64, MaxSampleBytes: 1 << 28,
			}})
			if err != nil {
				t.Fatal(err)
			}
			sample := &dataset.Sample{}
			for _, name := range tt.images {
				sample.Images = append(sample.Images, dataset.Image{Name: name})
			}
			fetched, fault, err := f.Fetch(t.Context(), sample, nil, memorytest.Budget(t).NewHold(1))
			if err != nil {
				t.Fatal(err)
			}
			if got := faultCode(fault); got != tt.fault || fault == nil && len(fetched.Images) != len(tt.images) {
				t.Errorf("fault %q and %d images, want %q", got, len(fetched.Images), tt.fault)
			}
			if input.stats != tt.stats || input.opens != tt.opens || input.whole != tt.whole || input.open != 0 {
				t.Errorf("%d stats, %d opens, %d both in one, %d left open; want %d, %d, %d and 0",
					input.stats, input.opens, input.whole, input.open, tt.stats, tt.opens, tt.whole)
			}
		})
	}
}

func faultCode(f *dataset.Fault) string {
	if f == nil {
		return ""
	}
	return string(f.Code)
}
