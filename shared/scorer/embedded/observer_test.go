package embedded

import (
	"bytes"
	"image"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/harvest-ml/harvest/shared/dataset"
	"github.com/harvest-ml/harvest/shared/memory/memorytest"
	"github.com/harvest-ml/harvest/shared/scorer"
)

// TestObserverDecodesOnce observes many samples of one image concurrently. The image is decoded once, and all samples
// get its features.
func TestObserverDecodesOnce(t *testing.T) {
	t.Parallel()
	encoded := encodeJPEG(t, paint(40, 30, bars))
	var decoded atomic.Int32
	observer := NewObserver(memorytest.Budget(t))
	var group sync.WaitGroup
	seen := make([]*Features, 8)
	for i := range seen {
		group.Go(func() {
			item := pictureItem(bytes.Clone(encoded))
			item.Decoded = func(int, image.Image) { decoded.Add(1) }
			f, fault, err := observer.Observe(t.Context(), item)
			if err != nil || fault != nil {
				t.Errorf("observing a sample: %v, %v", fault, err)
			}
			seen[i] = f
		})
	}
	group.Wait()
	if n := decoded.Load(); n != 1 {
		t.Errorf("the image was decoded %d times", n)
	}
	for _, f := range seen[1:] {
		if diff := cmp.Diff(seen[0], f, cmp.AllowUnexported(Features{})); diff != "" {
			t.Fatalf("two samples of one image differ:\n%s", diff)
		}
	}
}

// TestObserverKeepsNoFault observes samples of one image that cannot be decoded. Each sample gets its own fault.
func TestObserverKeepsNoFault(t *testing.T) {
	t.Parallel()
	observer := NewObserver(memorytest.Budget(t))
	for range 2 {
		_, fault, err := observer.Observe(t.Context(), pictureItem([]byte("no image")))
		if err != nil || fault == nil || fault.Field == "" {
			t.Fatalf("an image that cannot be decoded: fault %v, error %v", fault, err)
		}
		fault.Field = "of the first sample"
	}
}

// pictureItem returns a sample with one image.
func pictureItem(encoded []byte) scorer.Item {
	sample := &dataset.Sample{
		Turns:  talk(dataset.ImageMark+"What is it?", "Bars."),
		Images: []dataset.Image{{Data: encoded}},
	}
	return scorer.Item{Sample: sample, Images: [][]byte{encoded}}
}
