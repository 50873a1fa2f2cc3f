package images

import (
	"context"
	"fmt"

	"github.com/harvest-ml/harvest/shared/dataset"
)

// Embedded is what Look says of an image that its record embeds: it changes only with the record.
const Embedded = "embedded"

// Look says what is there of an image, without reading it, in a few bytes that are equal as long as nothing about it
// changes: `<size>:<generation>` of the object (bucket.Attrs), the code of the fault by which no object was found, such
// as image_not_found, or Embedded.
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

// seenOf is what Look says of an image at a location, or with the fault of Locate.
func seenOf(at Location, fault *dataset.Fault) string {
	if fault != nil {
		return string(fault.Code)
	}
	return fmt.Sprintf("%d:%d", at.Size, at.Generation)
}
