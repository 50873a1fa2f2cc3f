package images

import (
	"bytes"
	"fmt"
	"image"
	"image/jpeg"

	"golang.org/x/image/draw"

	"github.com/harvest-ml/harvest/shared/dataset"
)

// thumbnailQuality is the quality of the JPEG: a picture of 192 pixels takes some 6 kB.
const thumbnailQuality = 70

// longestExact is how many times longer than a picture an image is of which every pixel is read: larger ones would take
// long, and much memory.
const longestExact = 16

// ThumbnailBytes is the most memory that Thumbnail takes next to that of the decoded image: draw.Kernel has a picture
// between with 32 bytes a pixel, of the new width and the old height.
func ThumbnailBytes(size int) int64 {
	return 32*longestExact*int64(size)*int64(size) + 8*int64(size)*int64(size)
}

// Thumbnail is a picture of an encoded image that Check lets pass, as a JPEG: on white, and no wider or higher than
// size pixels. Equal images give equal bytes.
func Thumbnail(data []byte, size int) ([]byte, *dataset.Fault) {
	picture, fault := Decode(data)
	if fault != nil {
		return nil, fault
	}
	from := picture.Bounds()
	width, height := from.Dx(), from.Dy()
	if longest := max(width, height); longest > size {
		width, height = max(width*size/longest, 1), max(height*size/longest, 1)
	}
	small := image.NewRGBA(image.Rect(0, 0, width, height))
	draw.Draw(small, small.Bounds(), image.White, image.Point{}, draw.Src)
	var scaler draw.Scaler = draw.ApproxBiLinear
	if max(from.Dx(), from.Dy()) <= longestExact*size {
		scaler = draw.BiLinear
	}
	scaler.Scale(small, small.Bounds(), picture, from, draw.Over, nil)
	var out bytes.Buffer
	if err := jpeg.Encode(&out, small, &jpeg.Options{Quality: thumbnailQuality}); err != nil {
		return nil, &dataset.Fault{Code: Undecodable, Detail: fmt.Sprintf("making a small picture of it: %v", err)}
	}
	return out.Bytes(), nil
}
