package similarity_test

import (
	"bytes"
	"fmt"
	"image"
	"image/color"
	"image/jpeg"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"

	"github.com/harvest-ml/harvest/shared/images"
	"github.com/harvest-ml/harvest/shared/similarity"
	"golang.org/x/image/draw"
)

// poolImages are the real images that copies are made of; drawn ones stand next to them.
const poolImages = "../../../shared/data/pool/images"

// copies are what becomes of an image on its way from one dataset to another.
var copies = []struct {
	name  string
	found float64 // the least share that is found
	make  func(image.Image) image.Image
}{
	{"JPEG of quality 50", .97, func(p image.Image) image.Image { return recompressed(p, 50) }},
	{"JPEG of quality 20", .95, func(p image.Image) image.Image { return recompressed(p, 20) }},
	{"half the size", .97, func(p image.Image) image.Image {
		b := p.Bounds()
		return scaled(p, b, max(b.Dx()/2, 1), max(b.Dy()/2, 1))
	}},
	{"grey", .97, func(p image.Image) image.Image {
		grey := image.NewGray(p.Bounds())
		draw.Draw(grey, grey.Bounds(), p, grey.Bounds().Min, draw.Src)
		return grey
	}},
	{"5 % cut off each side", 0, func(p image.Image) image.Image { return cropped(p, 20) }},
	{"10 % cut off each side", 0, func(p image.Image) image.Image { return cropped(p, 10) }},
}

// crops is how many of the copies, the last ones, nothing is promised of.
const crops = 2

// TestPlantedCopies finds copies of real images among all of them, charts of one template, and pages of text.
// HARVEST_PLANTED=1 takes every image in place of one in 160.
func TestPlantedCopies(t *testing.T) {
	t.Parallel()
	every := 160
	if os.Getenv("HARVEST_PLANTED") != "" {
		every = 1
	}
	pictures := poolPictures(t, every)
	rng := rand.New(rand.NewPCG(1, 2))
	for range 25 {
		pictures = append(pictures, chart(rng), page(rng))
	}
	items := make([]similarity.Content, len(pictures))
	for i, p := range pictures {
		items[i] = similarity.Content{Hashes: []string{fmt.Sprint(i)}, Images: []similarity.Image{similarity.OfImage(p, 1)}}
	}
	set := similarity.NewSet(items)
	correct, wrong, planted := 0, 0, 0
	for k, c := range copies {
		found := 0
		for i, p := range pictures {
			own, others := match(set, items, i, similarity.OfImage(c.make(p), 1))
			found += own
			if k < len(copies)-crops {
				correct, wrong, planted = correct+own, wrong+others, planted+1
			}
		}
		share := float64(found) / float64(len(pictures))
		t.Logf("%-24s %.3f found of %d", c.name, share, len(pictures))
		if share < c.found {
			t.Errorf("of %s only %.3f are found, and %.2f are promised", c.name, share, c.found)
		}
	}
	recall, precision := float64(correct)/float64(planted), float64(correct)/float64(correct+wrong)
	t.Logf("recall %.3f, precision %.3f", recall, precision)
	if recall < .97 || precision < .95 {
		t.Errorf("recall %.3f, precision %.3f: at least .97 and .95 are promised", recall, precision)
	}
}

// match counts whether a copy of picture i is found, and what else is: not those that look exactly like the picture.
func match(set *similarity.Set, items []similarity.Content, i int, look similarity.Image) (own, others int) {
	for _, pair := range set.Match(similarity.Content{Hashes: []string{"copy"}, Images: []similarity.Image{look}}) {
		switch {
		case pair.Item == i:
			own = 1
		case items[pair.Item].Images[0] == items[i].Images[0]:
			own = 1
		default:
			others++
		}
	}
	return own, others
}

func poolPictures(t *testing.T, every int) (pictures []image.Image) {
	t.Helper()
	if _, err := os.Stat(poolImages); err != nil {
		t.Skip("the real images are not here: ", err)
	}
	n := 0
	err := filepath.WalkDir(poolImages, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		if n++; n%every != 0 {
			return nil
		}
		data, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		if picture, fault := images.Decode(data); fault == nil {
			pictures = append(pictures, images.OnWhite(picture))
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return pictures
}

func recompressed(p image.Image, quality int) image.Image {
	var out bytes.Buffer
	if err := jpeg.Encode(&out, p, &jpeg.Options{Quality: quality}); err != nil {
		panic(err)
	}
	again, err := jpeg.Decode(&out)
	if err != nil {
		panic(err)
	}
	return again
}

func scaled(p image.Image, part image.Rectangle, width, height int) image.Image {
	out := image.NewRGBA(image.Rect(0, 0, width, height))
	draw.CatmullRom.Scale(out, out.Bounds(), p, part, draw.Src, nil)
	return out
}

// cropped leaves out a share of each side, 1/of.
func cropped(p image.Image, of int) image.Image {
	b := p.Bounds()
	part := image.Rect(b.Min.X+b.Dx()/of, b.Min.Y+b.Dy()/of, b.Max.X-b.Dx()/of, b.Max.Y-b.Dy()/of)
	out := image.NewRGBA(image.Rect(0, 0, part.Dx(), part.Dy()))
	draw.Draw(out, out.Bounds(), p, part.Min, draw.Src)
	return out
}

func white(width, height int) *image.RGBA {
	p := image.NewRGBA(image.Rect(0, 0, width, height))
	draw.Draw(p, p.Bounds(), image.White, image.Point{}, draw.Src)
	return p
}

func box(p *image.RGBA, x0, y0, x1, y1 int, c color.Color) {
	draw.Draw(p, image.Rect(x0, y0, x1, y1), image.NewUniform(c), image.Point{}, draw.Src)
}

// chart draws a bar chart of one template: other values and other labels.
func chart(rng *rand.Rand) image.Image {
	p := white(480, 360)
	box(p, 60, 20, 62, 320, color.Black)
	box(p, 60, 318, 460, 320, color.Black)
	for y := 60; y < 318; y += 50 {
		box(p, 62, y, 460, y+1, color.Gray{210})
	}
	for i := range 8 {
		x := 80 + 48*i
		box(p, x, 318-20-rng.IntN(260), x+28, 318, color.RGBA{70, 110, 200, 255})
		strokes(p, rng, x, 328, x+28, 336)
	}
	return p
}

// page draws a page of text.
func page(rng *rand.Rand) image.Image {
	p := white(420, 560)
	for y := 40; y < 520; y += 14 {
		strokes(p, rng, 40, y, 380-rng.IntN(60), y+8)
	}
	return p
}

// strokes draws what looks like a line of words.
func strokes(p *image.RGBA, rng *rand.Rand, x0, y0, x1, y1 int) {
	for x := x0; x < x1; {
		letter := 2 + rng.IntN(4)
		if rng.IntN(6) > 0 {
			box(p, x, y0+rng.IntN(3), min(x+letter-1, x1), y1, color.Gray{uint8(rng.IntN(60))})
		}
		x += letter + 1
	}
}
