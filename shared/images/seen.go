package images

import (
	"context"
	"fmt"

	"github.com/harvest-ml/harvest/shared/dataset"
)

// Embedded is the state of an image that its record embeds. Such an image changes only with the record.
const Embedded = "embedded"

// Look returns the state of an image, without reading it, as a short text. The text stays the same as long as the image
// does not change. It is `<size>:<generation>` of the object (bucket.Attrs), the code of the fault if no object was
// found, such as image_not_found, or Embedded.
func (f *Fetcher) Look(ctx context.Context, img dataset.Image) (string, error) {
	if img.Name == "" {
		return Embedded, nil
	}
	at, fault, err := f.locate(ctx, img.Name, f.stat)
	if err != nil {
		return "", err
	}
	return seenOf(at, fault), nil
}

// seenOf returns the state of an image, as Look does, from its location or from the fault of Locate.
func seenOf(at Location, fault *dataset.Fault) string {
	if fault != nil {
		return string(fault.Code)
	}
	return fmt.Sprintf("%d:%d", at.Size, at.Generation)
}
