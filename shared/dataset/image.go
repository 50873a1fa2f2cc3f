package dataset

import (
	"bytes"
	"errors"
	"fmt"
	"image"
	_ "image/gif"
	_ "image/jpeg"
	_ "image/png"

	_ "golang.org/x/image/bmp"
	_ "golang.org/x/image/tiff"
	_ "golang.org/x/image/webp"
)

// The kinds of fault that an image can have.
const (
	ImageNotFound      = "image not found" // there is no object or file of that name
	ImageEmpty         = "image empty"
	ImageTooLarge      = "image too large" // above ImageLimits
	ImageFormatUnknown = "image format unknown"
	ImageUndecodable   = "image does not decode"
)

// An ImageError is a fault of one image, in words for its author. It costs its sample only.
type ImageError struct {
	Kind   string // one of the constants above
	Detail string // what was found, and the fix
}

// Error is the fault as one line, as it is stored beside the sample's id.
func (e *ImageError) Error() string { return e.Kind + ": " + e.Detail }

// ImageLimits bound what is decoded. A limit of 0 stands for its default.
type ImageLimits struct {
	MaxBytes  int64 // of the encoded image; 64 MiB by default
	MaxPixels int64 // width times height; 100 million by default
}

func (l ImageLimits) withDefaults() ImageLimits {
	if l.MaxBytes == 0 {
		l.MaxBytes = 64 << 20
	}
	if l.MaxPixels == 0 {
		l.MaxPixels = 100_000_000
	}
	return l
}

// CheckImage checks an encoded image as far as its header tells, without decoding it: JPEG, PNG,
// GIF, WebP, BMP or TIFF within the limits. The error is an *ImageError.
func CheckImage(data []byte, limits ImageLimits) error {
	limits = limits.withDefaults()
	if len(data) == 0 {
		return &ImageError{Kind: ImageEmpty, Detail: "the file has no bytes; upload it again"}
	}
	if int64(len(data)) > limits.MaxBytes {
		return &ImageError{Kind: ImageTooLarge, Detail: fmt.Sprintf(
			"%d bytes, more than the %d allowed; store it smaller", len(data), limits.MaxBytes)}
	}
	header, _, err := image.DecodeConfig(bytes.NewReader(data))
	if err != nil {
		return imageError(err)
	}
	if header.Width <= 0 || header.Height <= 0 {
		return &ImageError{Kind: ImageUndecodable, Detail: fmt.Sprintf(
			"its header says %d x %d pixels; store it again", header.Width, header.Height)}
	}
	if int64(header.Width) > limits.MaxPixels/int64(header.Height) {
		return &ImageError{Kind: ImageTooLarge, Detail: fmt.Sprintf(
			"%d x %d pixels, more than the %d allowed; store it smaller", header.Width, header.Height, limits.MaxPixels)}
	}
	return nil
}

// DecodeImage decodes an image that CheckImage let pass; of an animation the first frame. The error
// is an *ImageError.
func DecodeImage(data []byte) (decoded image.Image, err error) {
	// Decoders of the wilder formats have panicked on crafted files before, and one image must not
	// cost its neighbours.
	defer func() {
		if fault := recover(); fault != nil {
			decoded, err = nil, imageError(fmt.Errorf("the decoder failed: %v", fault))
		}
	}()
	decoded, _, err = image.Decode(bytes.NewReader(data))
	if err != nil {
		return nil, imageError(err)
	}
	return decoded, nil
}

func imageError(err error) *ImageError {
	if errors.Is(err, image.ErrFormat) {
		return &ImageError{Kind: ImageFormatUnknown, Detail: "the file is no JPEG, PNG, GIF, WebP, BMP or TIFF; store it as one of them"}
	}
	return &ImageError{Kind: ImageUndecodable, Detail: err.Error() + "; it may be cut short: upload it again"}
}
