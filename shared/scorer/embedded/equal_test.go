package embedded

import (
	"image"
	"image/color"
	"io"
	"testing"

	"github.com/harvest-ml/harvest/shared/dataset"
	"github.com/harvest-ml/harvest/shared/memory/memorytest"
	"github.com/harvest-ml/harvest/shared/scorer"
)

// TestEqualImages checks that an image is decoded once if a sample names it several times.
func TestEqualImages(t *testing.T) {
	decoded := 0
	image.RegisterFormat("counted", "counted!", func(io.Reader) (image.Image, error) {
		decoded++
		return image.NewGray(image.Rect(0, 0, 9, 9)), nil
	}, func(io.Reader) (image.Config, error) {
		return image.Config{ColorModel: color.GrayModel, Width: 9, Height: 9}, nil
	})
	data := []byte("counted! and more")
	sample := &dataset.Sample{}
	item := scorer.Item{Sample: sample}
	var text string
	for range 50 {
		sample.Images = append(sample.Images, dataset.Image{Name: "a.png"})
		item.Images = append(item.Images, data)
		text += dataset.ImageMark
	}
	sample.Turns = []dataset.Turn{dataset.NewTurn(dataset.Human, text, 1), dataset.NewTurn(dataset.Model, "Fine.", 0)}
	features, fault, err := NewObserver(memorytest.Budget(t)).Observe(t.Context(), item)
	if err != nil || fault != nil || features == nil || decoded != 1 {
		t.Errorf("decoded %d times; fault %v, error %v", decoded, fault, err)
	}
}
