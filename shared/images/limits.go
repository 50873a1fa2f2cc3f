package images

import (
	"errors"
	"fmt"
)

// Limits bound the images that are read and decoded. Their defaults are those of the environment's variables, and
// stand here only.
type Limits struct {
	// MaxBytes is the largest encoded image in bytes, 1 or more.
	MaxBytes int64 `env:"MAX_IMAGE_BYTES, default=67108864" meaning:"largest image file"`
	// MaxPixels is the largest width times height, 1 or more.
	MaxPixels int64 `env:"MAX_IMAGE_PIXELS, default=100000000" meaning:"largest image, looked at before it is decoded"`
}

// Validate reports every limit below 1 by the name of its variable.
func (l Limits) Validate() error {
	var invalid []error
	if l.MaxBytes < 1 {
		invalid = append(invalid, fmt.Errorf("MAX_IMAGE_BYTES: %d; give 1 or more", l.MaxBytes))
	}
	if l.MaxPixels < 1 {
		invalid = append(invalid, fmt.Errorf("MAX_IMAGE_PIXELS: %d; give 1 or more", l.MaxPixels))
	}
	return errors.Join(invalid...)
}
