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

// longestExact is a limit for exact scaling, which reads every pixel. Exact scaling is used if the longer side of the
// image is at most longestExact times the side of the thumbnail. For larger images, it would take too much time and
// memory.
const longestExact = 16

// ThumbnailBytes returns the peak memory, in bytes, that Thumbnail needs in addition to the decoded image. draw.Kernel
// makes an intermediate picture of the new width and the old height, with 32 bytes per pixel.
func ThumbnailBytes(size int) int64 {
	return 32*longestExact*int64(size)*int64(size) + 8*int64(size)*int64(size)
}

// Thumbnail returns a small picture of an encoded image that passed Check. It is a JPEG on a white background, at most
// size pixels wide and high. Equal images give equal bytes.
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
