package run

import (
	"bytes"
	"image"
	"image/color"
	"image/jpeg"
	"testing"

	"github.com/harvest-ml/harvest/shared/cache"
	"github.com/harvest-ml/harvest/shared/dataset"
	"github.com/harvest-ml/harvest/shared/images"
	"github.com/harvest-ml/harvest/shared/memory/memorytest"
	"github.com/harvest-ml/harvest/shared/scorer"
	"github.com/harvest-ml/harvest/shared/scores"
	"github.com/harvest-ml/harvest/shared/similarity"
)

// TestLooksAreKept makes the scorer pass on the decoded image of the first of two samples. The second sample, and a
// sample of a later batch, have the same image without bytes, so they get the signature without decoding.
func TestLooksAreKept(t *testing.T) {
	t.Parallel()
	picture := image.NewGray(image.Rect(0, 0, 64, 48))
	for i := range picture.Pix {
		picture.Set(i%64, i/64, color.Gray{uint8(i % 64 * 3)})
	}
	var encoded bytes.Buffer
	if err := jpeg.Encode(&encoded, picture, nil); err != nil {
		t.Fatal(err)
	}
	hash := images.HashOf(encoded.Bytes()).Short()
	kept := cache.New(1<<20, func(similarity.Image) int { return lookBytes })
	budget := memorytest.Budget(t)
	for _, items := range [][][]byte{{encoded.Bytes(), nil}, {nil}} {
		b := batch{memory: budget, looks: kept}
		records := make([]scores.Record, len(items))
		for i, data := range items {
			b.items = append(b.items, scorer.Item{Sample: &dataset.Sample{}, Images: [][]byte{data}})
			b.at = append(b.at, i)
			records[i].Images = []string{hash}
		}
		looks := b.watch()
		if items[0] != nil {
			b.items[0].Decoded(0, picture)
		}
		if err := looks.sign(t.Context(), budget, records); err != nil {
			t.Fatal(err)
		}
		for i := range records {
			if want := similarity.OfImage(picture, 1).String(); records[i].Looks[0] != want {
				t.Errorf("sample %d has the signature %q, want %q", i, records[i].Looks[0], want)
			}
		}
	}
}
