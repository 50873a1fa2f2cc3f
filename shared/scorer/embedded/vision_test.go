package embedded

import (
	"image"
	"image/color"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

// A painting returns the colour at a point of a drawn image.
type painting func(x, y int) color.NRGBA

func paint(width, height int, colour painting) *image.NRGBA {
	img := image.NewNRGBA(image.Rect(0, 0, width, height))
	for y := range height {
		for x := range width {
			img.SetNRGBA(x, y, colour(x, y))
		}
	}
	return img
}

var (
	white = color.NRGBA{255, 255, 255, 255}
	black = color.NRGBA{0, 0, 0, 255}
	red   = color.NRGBA{220, 30, 30, 255}
)

// scenery returns a painting that is rough and has many colours, like a photograph.
func scenery() painting {
	rng := rand.New(rand.NewPCG(1, 2))
	return func(x, y int) color.NRGBA {
		grain := func(v int) uint8 { return uint8(v%200 + rng.IntN(40)) }
		return color.NRGBA{grain(x), grain(y), grain((x + y) / 2), 255}
	}
}

// letters paints rows of strokes that look like letters.
func letters(x, y int) color.NRGBA {
	if y%12 < 7 && (x/2+y/3)%3 == 0 {
		return black
	}
	return white
}

// sketch paints thin lines.
func sketch(x, y int) color.NRGBA {
	if x%90 == 10 || y%90 == 10 {
		return black
	}
	return white
}

// bars paints red bars under a heading.
func bars(x, y int) color.NRGBA {
	if x%60 < 20 && y > 60 {
		return red
	}
	if y < 60 {
		return letters(x, y)
	}
	return white
}

func TestLook(t *testing.T) {
	t.Parallel()
	large := magnitude(100*100) * 8 / 24
	// Opponent colours of the red: 190 and 95; half of the points have them.
	apart := math.Hypot(190, 95)
	redness := 0.3 * apart / (0.3*apart + 50)
	half := (0.5*apart + 0.15*apart) / (0.65*apart + 50)
	for _, test := range []struct {
		name   string
		colour painting
		want   imageStats
	}{
		{"plain white", func(int, int) color.NRGBA { return white }, imageStats{
			Flat: 1, Light: 1, Dominant: 1, Grey: 1, Mean: 1, Few: 1, Colours: 1.0 / 12, Frame: 1, Across: 0.5, Wide: 0.5,
			Large: large,
		}},
		{"plain red", func(int, int) color.NRGBA { return red }, imageStats{
			Flat: 1, Vivid: 1, Dominant: 1, Mean: 86.0 / 255, Colourful: redness, Few: 1, Colours: 1.0 / 12, Skin: 1, Frame: 1,
			Across: 0.5, Wide: 0.5, Large: large,
		}},
		{"half white, half red", func(x, _ int) color.NRGBA {
			if x < 50 {
				return white
			}
			return red
		}, imageStats{
			Flat: 0.99, Ink: 0.01, Light: 0.5, Vivid: 0.5, Dominant: 0.5, Grey: 0.5, Mean: 170.5 / 255,
			Contrast: 84.5 / 127.5, Colourful: half, Few: 1, Colours: 1.5 / 12, Skin: 0.5, Bars: 1, Ruled: 0.25,
			Spread: 1.0 / 8, Frame: 0.5, Across: 101.0 / 102, Wide: 0.5, Large: large,
		}},
		{"lines of one pixel", func(x, _ int) color.NRGBA {
			if x%2 == 0 {
				return white
			}
			return black
		}, imageStats{
			Flat: 0.01, Ink: 0.99, Light: 0.5, Dominant: 0.5, Dark: 0.5, Grey: 1, Mean: 0.5, Contrast: 1, Few: 1,
			Colours: 1.5 / 12, Bars: 0.01, Ruled: 99.0 / 100 / 2, Spread: 1, Frame: 0.5, Across: 9901.0 / 9902,
			Wide: 0.5, Large: large,
		}},
		{"alpha is dropped", func(int, int) color.NRGBA { return color.NRGBA{255, 255, 255, 0} }, imageStats{
			Flat: 1, Light: 1, Dominant: 1, Grey: 1, Mean: 1, Few: 1, Colours: 1.0 / 12, Frame: 1, Across: 0.5, Wide: 0.5,
			Large: large,
		}},
	} {
		got := measureImage(paint(100, 100, test.colour))
		if diff := cmp.Diff(test.want, got, cmpopts.EquateApprox(0, 1e-12)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", test.name, diff)
		}
	}
}

func TestLookAtTinyImages(t *testing.T) {
	t.Parallel()
	for _, size := range [][2]int{{0, 0}, {1, 1}, {500, 1}, {1, 500}} {
		p := measureImage(paint(size[0], size[1], scenery()))
		for _, share := range append(p.values(), p.photo(), p.page(), p.drawing(), p.chart()) {
			if math.IsNaN(share) || share < 0 || share > 1 {
				t.Errorf("%v: %+v has a share outside [0, 1]", size, p)
			}
		}
	}
}

// TestKindScores checks that, for each kind, the image that was drawn of this kind has the highest score.
func TestKindScores(t *testing.T) {
	t.Parallel()
	pictures := map[string]imageStats{
		"photo":   measureImage(paint(300, 300, scenery())),
		"page":    measureImage(paint(300, 300, letters)),
		"drawing": measureImage(paint(300, 300, sketch)),
		"chart":   measureImage(paint(300, 300, bars)),
	}
	for kind, scoreOf := range map[string]func(*imageStats) float64{
		"photo": (*imageStats).photo, "page": (*imageStats).page,
		"drawing": (*imageStats).drawing, "chart": (*imageStats).chart,
	} {
		own := pictures[kind]
		if got := scoreOf(&own); got < 0.5 {
			t.Errorf("the %s has a %s score of only %.2f: %+v", kind, kind, got, own)
		}
		for other, p := range pictures {
			if other != kind && scoreOf(&p) >= scoreOf(&own) {
				t.Errorf("the %s has a %s score of %.2f, no less than the %s itself", other, kind, scoreOf(&p), kind)
			}
		}
	}
}
