package images

import (
	"context"
	"errors"
	"fmt"
	"image"
	_ "image/gif"
	_ "image/jpeg"
	_ "image/png"
	"io"
	"strings"

	_ "golang.org/x/image/bmp"
	_ "golang.org/x/image/tiff"
	_ "golang.org/x/image/webp"

	"github.com/harvest-ml/harvest/shared/dataset"
	"github.com/harvest-ml/harvest/shared/memory"
)

// Check checks the header of an encoded image, without decoding the image. It returns nil for a JPEG, PNG, GIF, WebP,
// BMP or TIFF within the limits. Otherwise it returns the fault.
func Check(data []byte, limits Limits) *dataset.Fault {
	if len(data) == 0 {
		return &dataset.Fault{Code: Empty, Detail: "the file has no bytes; upload it again"}
	}
	if size := int64(len(data)); size > limits.MaxBytes {
		return tooManyBytes(size, limits)
	}
	size, fault := Measure(data)
	switch {
	case fault != nil:
		return fault
	case int64(size.Width) > limits.MaxPixels/int64(size.Height):
		return &dataset.Fault{Code: TooLarge, Detail: fmt.Sprintf(
			"%d x %d pixels are more than the limit of %d; make the image smaller, or raise MAX_IMAGE_PIXELS",
			size.Width, size.Height, limits.MaxPixels)}
	case size.Decoded > limits.MaxDecodedBytes:
		return &dataset.Fault{Code: TooLarge, Detail: fmt.Sprintf(
			"decoding %s of %d x %d pixels takes %d bytes, but the limit is %d; make it smaller, or raise MAX_DECODED_BYTES",
			size.kind, size.Width, size.Height, size.Decoded, limits.MaxDecodedBytes)}
	}
	return nil
}

func tooManyBytes(size int64, limits Limits) *dataset.Fault {
	return &dataset.Fault{Code: TooLarge, Detail: fmt.Sprintf(
		"it has %d bytes, but the limit is %d; make it smaller, or raise MAX_IMAGE_BYTES", size, limits.MaxBytes)}
}

// CheckCount returns the fault of a sample with more images than the limits allow; nil for other samples.
func CheckCount(sample *dataset.Sample, limits Limits) *dataset.Fault {
	if len(sample.Images) <= limits.MaxImages {
		return nil
	}
	return &dataset.Fault{Code: TooMany, Field: "images", Detail: fmt.Sprintf(
		"the record names %d images, but the limit is %d; divide it into several records, or raise MAX_SAMPLE_IMAGES",
		len(sample.Images), limits.MaxImages)}
}

func tooLargeTogether(images int, size int64, limits Limits) *dataset.Fault {
	return &dataset.Fault{Code: TooLargeTogether, Field: "images", Detail: fmt.Sprintf(
		"the first %d images have %d bytes together, but the limit is %d; make them smaller, or raise MAX_SAMPLE_IMAGE_BYTES",
		images, size, limits.MaxSampleBytes)}
}

// Decode decodes an image that passed Check. For an animation, it decodes the first frame.
func Decode(data []byte) (decoded image.Image, fault *dataset.Fault) {
	// A decoder may panic on a malicious file, but one image must not fail other samples.
	defer func() {
		if cause := recover(); cause != nil {
			decoded, fault = nil, decodingFault(data, fmt.Errorf("the decoder failed: %v", cause))
		}
	}()
	if usual := decodeBaseline(data); usual != nil {
		return usual, nil
	}
	var err error
	if isAnimatedWebP(data) {
		decoded, err = firstWebPFrame(data)
	} else {
		decoded, _, err = image.Decode(openEncoded(data))
	}
	if err != nil {
		return nil, decodingFault(data, err)
	}
	return decoded, nil
}

// DecodeOnWhite decodes an image that passed Check, lays it on a white background, and calls use with the picture. The
// memory of the picture is released after use returns, so use must not keep the picture or a part of it.
func DecodeOnWhite(
	ctx context.Context, data []byte, budget *memory.Budget, use func(image.Image),
) (fault *dataset.Fault, err error) {
	size, fault := Measure(data)
	if fault != nil {
		return fault, nil
	}
	err = budget.Step(ctx, size.Decoded, func() {
		var picture image.Image
		if picture, fault = Decode(data); fault == nil {
			use(OnWhite(picture))
		}
	})
	return fault, err
}

// decodingFault converts an error of decoding into the fault of the image, with the cause, if known, and the fix.
func decodingFault(data []byte, err error) *dataset.Fault {
	if errors.Is(err, image.ErrFormat) {
		return unknownFormat(data)
	}
	fault := &dataset.Fault{Code: Undecodable}
	variant := unreadVariant(data)
	switch {
	case variant != "":
		fault.Detail = variant + " is not supported; store the image as PNG or JPEG"
	case cutShort(err):
		fault.Detail = err.Error() + "; the file may be cut short: upload it again"
	default:
		fault.Detail = err.Error() +
			"; the file is damaged, or of a variant that is not supported: upload it again, or store it as PNG or JPEG"
	}
	return fault
}

// cutShort reports whether a decoder's error means that the data end too early. The errors of some decoders can only be
// recognised by their text.
func cutShort(err error) bool {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return true
	}
	for _, text := range []string{"EOF", "not enough", "short chunk data", "short header"} {
		if strings.Contains(err.Error(), text) {
			return true
		}
	}
	return false
}

// Extension returns the usual file extension of an encoded image, without the dot: jpg, png, gif, webp, bmp or tiff. It
// returns an error if the format is not supported.
func Extension(data []byte) (string, error) {
	_, format, err := image.DecodeConfig(openEncoded(data))
	if err != nil {
		return "", fmt.Errorf("finding the format of an image: %w", err)
	}
	return strings.Replace(format, "jpeg", "jpg", 1), nil
}
