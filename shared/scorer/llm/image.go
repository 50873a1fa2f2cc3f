package llm

import (
	"bytes"
	"fmt"
	"image"
	"image/jpeg"
	"net/http"

	"github.com/harvest-ml/harvest/shared/dataset"
	"golang.org/x/image/draw"
)

// jpegQuality is of images that are stored anew.
const jpegQuality = 90

// A picture is an image as it is sent.
type picture struct {
	mime string
	data []byte
}

// prepare makes an image what every server takes: a JPEG or PNG, no side longer than side. One that is
// so already is sent byte for byte. The error is an *dataset.ImageError: a broken image is found here,
// before anything is paid for it.
func prepare(data []byte, side int) (picture, error) {
	decoded, err := dataset.DecodeImage(data)
	if err != nil {
		return picture{}, err
	}
	mime := http.DetectContentType(data)
	size := decoded.Bounds().Size()
	if max(size.X, size.Y) <= side && (mime == "image/jpeg" || mime == "image/png") {
		return picture{mime, data}, nil
	}
	scale := min(1, float64(side)/float64(max(size.X, size.Y)))
	// Over white: JPEG has no transparency, and what is drawn on nothing is mostly dark.
	smaller := image.NewRGBA(image.Rect(0, 0, max(1, int(float64(size.X)*scale)), max(1, int(float64(size.Y)*scale))))
	draw.Draw(smaller, smaller.Bounds(), image.White, image.Point{}, draw.Src)
	draw.CatmullRom.Scale(smaller, smaller.Bounds(), decoded, decoded.Bounds(), draw.Over, nil)
	var b bytes.Buffer
	if err := jpeg.Encode(&b, smaller, &jpeg.Options{Quality: jpegQuality}); err != nil {
		return picture{}, &dataset.ImageError{Kind: dataset.ImageUndecodable, Detail: err.Error()}
	}
	return picture{"image/jpeg", b.Bytes()}, nil
}

// pictures prepares a sample's images. A reason is a fault of one of them, its kind first.
func pictures(sample *dataset.Sample, images [][]byte, side int) (ready []picture, reason string) {
	for i, data := range images {
		p, err := prepare(data, side)
		if err == nil {
			ready = append(ready, p)
			continue
		}
		which := fmt.Sprintf("image %d", i+1)
		if i < len(sample.Images) && sample.Images[i].Name != "" {
			which += " (" + sample.Images[i].Name + ")"
		}
		fault := dataset.ImageError{Kind: dataset.ImageUndecodable, Detail: err.Error()}
		if known, ok := err.(*dataset.ImageError); ok { //nolint:errorlint // prepare returns it as it is
			fault = *known
		}
		return nil, fmt.Sprintf("%s: %s: %s", fault.Kind, which, fault.Detail)
	}
	return ready, ""
}
