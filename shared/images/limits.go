package images

import (
	"errors"
	"fmt"
)

// Limits limit the images that are read and decoded. They determine which samples fail, so they are part of a run's
// identity. Their defaults are in the tags below.
type Limits struct {
	// MaxBytes is the largest encoded image in bytes, 1 or more.
	MaxBytes int64 `env:"MAX_IMAGE_BYTES, default=67108864" meaning:"largest image file"`
	// MaxPixels is the largest width times height, 1 or more.
	MaxPixels int64 `env:"MAX_IMAGE_PIXELS, default=100000000" meaning:"largest image, looked at before it is decoded"`
	// MaxDecodedBytes is the largest Size.Decoded of an image in bytes, 1 or more.
	MaxDecodedBytes int64 `env:"MAX_DECODED_BYTES, default=536870912" meaning:"most memory to decode an image"`
	// MaxImages is the largest number of images of a sample, 1 or more.
	MaxImages int `env:"MAX_SAMPLE_IMAGES, default=64" meaning:"most images of a sample"`
	// MaxSampleBytes is the largest size of all encoded images of a sample together in bytes, 1 or more.
	MaxSampleBytes int64 `env:"MAX_SAMPLE_IMAGE_BYTES, default=268435456" meaning:"most bytes of a sample's image files"`
}

// Validate returns an error that names the variable of every limit below 1.
func (l Limits) Validate() error {
	var invalid []error
	for _, limit := range []struct {
		name  string
		value int64
	}{
		{"MAX_IMAGE_BYTES", l.MaxBytes}, {"MAX_IMAGE_PIXELS", l.MaxPixels}, {"MAX_DECODED_BYTES", l.MaxDecodedBytes},
		{"MAX_SAMPLE_IMAGES", int64(l.MaxImages)}, {"MAX_SAMPLE_IMAGE_BYTES", l.MaxSampleBytes},
	} {
		if limit.value < 1 {
			invalid = append(invalid, fmt.Errorf("%s: %d; give 1 or more", limit.name, limit.value))
		}
	}
	return errors.Join(invalid...)
}
