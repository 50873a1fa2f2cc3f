package llm

import (
	"bytes"
	"context"
	"fmt"
	"image"
	"image/jpeg"
	"math"
	"net/http"

	"github.com/harvest-ml/harvest/shared/dataset"
	"github.com/harvest-ml/harvest/shared/images"
	"github.com/harvest-ml/harvest/shared/memory"
	"github.com/harvest-ml/harvest/shared/scorer"
	"golang.org/x/image/draw"
)

// jpegQuality is the quality of images that are encoded again.
const jpegQuality = 90

// An encodedImage is an image as it is sent.
type encodedImage struct {
	mime string
	data []byte
}

// prepare converts an image to a form that every server accepts: an opaque JPEG or PNG whose longer side is at most
// side pixels. If the image already has this form, its bytes and EXIF data are kept, and the server may rotate it. Any
// other image is drawn on a white background and encoded again, without rotation. An invalid image is found here,
// before a request costs money. The memory for the work comes from budget.
func prepare(
	ctx context.Context, data []byte, side int, budget *memory.Budget,
) (ready encodedImage, fault *dataset.Fault, err error) {
	size, fault := images.Measure(data)
	if fault != nil {
		return encodedImage{}, fault, nil
	}
	if size.Height > side*side*size.Width {
		return encodedImage{}, &dataset.Fault{Code: images.TooLarge, Detail: fmt.Sprintf(
			"%d x %d pixels are too narrow to be reduced; divide the image", size.Width, size.Height)}, nil
	}
	err = budget.Step(ctx, size.Decoded+scaling(size, side), func() { ready, fault = encode(data, side) })
	return ready, fault, err
}

func encode(data []byte, side int) (encodedImage, *dataset.Fault) {
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
	width, height := scaled(size.X, size.Y, side)
	smaller := image.NewRGBA(image.Rect(0, 0, width, height))
	draw.CatmullRom.Scale(smaller, smaller.Bounds(), opaque, opaque.Bounds(), draw.Src, nil)
	var b bytes.Buffer
	if err := jpeg.Encode(&b, smaller, &jpeg.Options{Quality: jpegQuality}); err != nil {
		return encodedImage{}, &dataset.Fault{Code: images.Undecodable, Detail: err.Error()}
	}
	return encodedImage{"image/jpeg", b.Bytes()}, nil
}

// scaled returns the new width and height of an image, so that the longer one is at most side.
func scaled(width, height, side int) (int, int) {
	scale := min(1, float64(side)/float64(max(width, height)))
	return max(1, int(float64(width)*scale)), max(1, int(float64(height)*scale))
}

// rowBytes is the memory, in bytes, for a pixel of the intermediate picture of draw.Kernel, which has the new width and
// the old height. newBytes is the memory for a pixel of the new picture and its file.
const rowBytes, newBytes = 32, 8

// scaling returns the most memory for reducing an image, in bytes.
func scaling(size images.Size, side int) int64 {
	width, height := scaled(size.Width, size.Height, side)
	return rowBytes*int64(width)*int64(size.Height) + newBytes*int64(width)*int64(height)
}

// Scaling returns the most memory for reducing an image of at most pixels, in bytes, in addition to the memory for
// decoding.
func (c Config) Scaling(pixels int64) int64 {
	side := float64(c.withDefaults().ImageSide)
	return int64(rowBytes*side*math.Ceil(math.Sqrt(float64(pixels))) + newBytes*side*side)
}

// prepareAll prepares the images of a sample's rated turns, one at a time. An image that occurs several times is
// prepared once. fault is the fault of the first image that cannot be prepared.
func prepareAll(
	ctx context.Context, item scorer.Item, side int, budget *memory.Budget,
) (ready []encodedImage, fault *dataset.Fault, err error) {
	known := map[string]encodedImage{} // by name
	for _, i := range item.Sample.RatedImages() {
		name := item.Sample.Images[i].Name
		prepared, ok := known[name]
		if !ok || name == "" {
			if prepared, fault, err = prepare(ctx, item.Images[i], side, budget); err != nil {
				return nil, nil, err
			} else if fault != nil {
				fault.Field = images.Label(item.Sample, i)
				return nil, fault, nil
			}
			known[name] = prepared
		}
		ready = append(ready, prepared)
	}
	return ready, nil, nil
}
