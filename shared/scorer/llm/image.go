package llm

import (
	"bytes"
	"image"
	"image/jpeg"
	"net/http"

	"github.com/harvest-ml/harvest/shared/dataset"
	"github.com/harvest-ml/harvest/shared/images"
	"github.com/harvest-ml/harvest/shared/scorer"
	"golang.org/x/image/draw"
)

// jpegQuality is of images that are encoded again.
const jpegQuality = 90

// An encodedImage is an image as it is sent.
type encodedImage struct {
	mime string
	data []byte
}

// prepare makes an image one that every server takes: an opaque JPEG or PNG, no side longer than side. One that is so
// already is kept byte for byte, with its EXIF data, and the server rotates it or not; any other is laid on a white
// ground and encoded again, not rotated. A broken image is found here, before anything is paid for it.
func prepare(data []byte, side int) (encodedImage, *dataset.Fault) {
	decoded, fault := images.Decode(data)
	if fault != nil {
		return encodedImage{}, fault
	}
	mime := http.DetectContentType(data)
	opaque := images.OnWhite(decoded)
	size := decoded.Bounds().Size()
	if opaque == decoded && max(size.X, size.Y) <= side && (mime == "image/jpeg" || mime == "image/png") {
		return encodedImage{mime, data}, nil
	}
	scale := min(1, float64(side)/float64(max(size.X, size.Y)))
	smaller := image.NewRGBA(image.Rect(0, 0, max(1, int(float64(size.X)*scale)), max(1, int(float64(size.Y)*scale))))
	draw.CatmullRom.Scale(smaller, smaller.Bounds(), opaque, opaque.Bounds(), draw.Src, nil)
	var b bytes.Buffer
	if err := jpeg.Encode(&b, smaller, &jpeg.Options{Quality: jpegQuality}); err != nil {
		return encodedImage{}, &dataset.Fault{Code: images.Undecodable, Detail: err.Error()}
	}
	return encodedImage{"image/jpeg", b.Bytes()}, nil
}

// prepareAll prepares the images of a sample's rated turns. A fault is that of one of them.
func prepareAll(item scorer.Item, side int) (ready []encodedImage, fault *dataset.Fault) {
	for _, i := range item.Sample.RatedImages() {
		prepared, fault := prepare(item.Images[i], side)
		if fault != nil {
			fault.Field = images.Label(item.Sample, i)
			return nil, fault
		}
		ready = append(ready, prepared)
	}
	return ready, nil
}
