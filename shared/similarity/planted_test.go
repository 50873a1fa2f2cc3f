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
	"runtime"
	"slices"
	"testing"

	"github.com/harvest-ml/harvest/shared/images"
	"github.com/harvest-ml/harvest/shared/similarity"
	"golang.org/x/image/draw"
	"golang.org/x/sync/errgroup"
)

// poolImages are folders of real images. The test makes copies of these images and of drawn ones.
var poolImages = []string{"../../../shared/data/pool/images", "../../../shared/data/pool2/images"}

// copies are changes that an image may have in another dataset.
var copies = []struct {
	name  string
	found float64 // the least share of copies that must be found
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

// crops is the number of crops, at the end of copies. They need not be found.
const crops = 2

// A plantedLooks has the summaries of a picture and of its copies.
type plantedLooks struct {
	own    similarity.Image
	copies []similarity.Image
}

func looksOf(p image.Image) plantedLooks {
	looks := plantedLooks{own: similarity.OfImage(p, 1)}
	for _, c := range copies {
		looks.copies = append(looks.copies, similarity.OfImage(c.make(p), 1))
	}
	return looks
}

// TestPlantedCopies finds copies of real images among all real images, charts of one template, pages of text, and white
// pages. With HARVEST_PLANTED=1 it uses all images of both pools; without it, one in 160 images of the first pool.
func TestPlantedCopies(t *testing.T) {
	t.Parallel()
	folders, every := poolImages[:1], 160
	if os.Getenv("HARVEST_PLANTED") != "" {
		folders, every = poolImages, 1
	}
	looks := poolLooks(t, folders, every)
	rng := rand.New(rand.NewPCG(1, 2))
	for range 25 {
		looks = append(looks, looksOf(chart(rng)), looksOf(page(rng)))
	}
	items := make([]similarity.Content, len(looks), len(looks)+5)
	for i, of := range looks {
		items[i] = similarity.Content{Hashes: []string{fmt.Sprint(i)}, Images: []similarity.Image{of.own}}
	}
	for i := range 5 { // white pages, which have no copies
		blank := similarity.OfImage(white(300+20*i, 200), 1)
		items = append(items, similarity.Content{Hashes: []string{fmt.Sprint("white", i)}, Images: []similarity.Image{blank}})
	}
	set := similarity.NewSet(items)
	correct, wrong, planted := 0, 0, 0
	for k, c := range copies {
		found, falsely := 0, 0
		for i, of := range looks {
			own, others := match(set, items, i, of.copies[k])
			found, falsely = found+own, falsely+others
		}
		if k < len(copies)-crops {
			correct, wrong, planted = correct+found, wrong+falsely, planted+len(looks)
		}
		share := float64(found) / float64(len(looks))
		t.Logf("%-24s %.3f found of %d, and %d others", c.name, share, len(looks), falsely)
		if share < c.found {
			t.Errorf("%s: a share of %.3f is found, want at least %.2f", c.name, share, c.found)
		}
	}
	recall, precision := float64(correct)/float64(planted), float64(correct)/float64(correct+wrong)
	t.Logf("recall %.4f, precision %.4f", recall, precision)
	if recall < .97 || precision < .95 {
		t.Errorf("recall %.3f, precision %.3f, want at least .97 and .95", recall, precision)
	}
}

// match searches for look, a copy of picture i. own is 1 if picture i is found, and other is the number of other
// pictures that are found. Pictures with the same summary as picture i are not counted.
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

// poolLooks returns the summaries of one in `every` images in folders.
func poolLooks(t *testing.T, folders []string, every int) []plantedLooks {
	t.Helper()
	var names []string
	for _, folder := range folders {
		if _, err := os.Stat(folder); err != nil {
			t.Skip("the real images are not here: ", err)
		}
		err := filepath.WalkDir(folder, func(path string, entry fs.DirEntry, err error) error {
			if err == nil && !entry.IsDir() {
				names = append(names, path)
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	of := make([]plantedLooks, len(names)/every)
	var group errgroup.Group // making the copies takes 70 ms per image, nearly all of the test's time
	group.SetLimit(runtime.GOMAXPROCS(0))
	for i := range of {
		group.Go(func() error {
			data, err := os.ReadFile(names[(i+1)*every-1])
			if err != nil {
				return err
			}
			if picture, fault := images.Decode(data); fault == nil {
				of[i] = looksOf(images.OnWhite(picture))
			}
			return nil
		})
	}
	if err := group.Wait(); err != nil {
		t.Fatal(err)
	}
	return slices.DeleteFunc(of, func(l plantedLooks) bool { return l.copies == nil })
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

// cropped cuts 1/of of the width or height off each side.
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

// chart draws a bar chart of one template, with random values and labels.
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

// strokes draws random strokes that look like a line of words.
func strokes(p *image.RGBA, rng *rand.Rand, x0, y0, x1, y1 int) {
	for x := x0; x < x1; {
		letter := 2 + rng.IntN(4)
		if rng.IntN(6) > 0 {
			box(p, x, y0+rng.IntN(3), min(x+letter-1, x1), y1, color.Gray{uint8(rng.IntN(60))})
		}
		x += letter + 1
	}
}
