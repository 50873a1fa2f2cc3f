package embedded

import (
	"bytes"
	"image"
	"image/color"
	"image/png"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/harvest-ml/harvest/shared/dataset"
	"github.com/harvest-ml/harvest/shared/memory/memorytest"
	"github.com/harvest-ml/harvest/shared/scorer"
)

// TestTransparentInk compares black writing on a transparent background with the same writing on white.
func TestTransparentInk(t *testing.T) {
	t.Parallel()
	observe := func(ground color.Color) *Features {
		picture := image.NewNRGBA(image.Rect(0, 0, 60, 40))
		for y := range 40 {
			for x := range 60 {
				picture.Set(x, y, ground)
				if y%8 < 4 && x%5 < 3 {
					picture.Set(x, y, color.Black)
				}
			}
		}
		var data bytes.Buffer
		if err := png.Encode(&data, picture); err != nil {
			t.Fatal(err)
		}
		sample := &dataset.Sample{
			Turns: []dataset.Turn{
				dataset.NewTurn(dataset.Human, dataset.ImageMark+"What is written?", 1),
				dataset.NewTurn(dataset.Model, "A formula.", 0),
			},
			Images: []dataset.Image{{Data: data.Bytes()}},
		}
		item := scorer.Item{Sample: sample, Images: [][]byte{data.Bytes()}}
		features, fault, err := NewObserver(memorytest.Budget(t)).Observe(t.Context(), item)
		if err != nil {
			t.Fatal(err)
		}
		if fault != nil {
			t.Fatal(fault.Reason())
		}
		return features
	}
	if diff := cmp.Diff(observe(color.White), observe(color.NRGBA{}), cmp.AllowUnexported(Features{})); diff != "" {
		t.Errorf("on a transparent background (-white +transparent):\n%s", diff)
	}
}
