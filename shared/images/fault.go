package images

import (
	"cmp"
	"fmt"

	"github.com/harvest-ml/harvest/shared/dataset"
	"github.com/harvest-ml/harvest/shared/scores/reason"
)

// The kinds of dataset.Fault that an image can have, next to those of its name (dataset.ImageNameUnsafe).
const (
	NotFound reason.Code = "image_not_found" // there is no object or file of that name
	// Unreadable: it is there, and this machine cannot read it: its mode, a folder of that name, a damaged disk.
	Unreadable reason.Code = "image_unreadable"
	NotAllowed reason.Code = "image_not_allowed" // in a bucket, or a part of it, that is not open to the dataset
	Empty      reason.Code = "image_empty"
	TooLarge   reason.Code = "image_too_large" // above Limits
	TooMany    reason.Code = "too_many_images" // in a sample
	// TooLargeTogether: each is within Limits, and all of the sample are not.
	TooLargeTogether reason.Code = "images_too_large_together"
	FormatUnknown    reason.Code = "image_format_unknown"
	Undecodable      reason.Code = "image_undecodable"
)

// Label is how the Field of a fault names the i-th image of a sample, counted from 0: `image 2 (cut.png)`.
func Label(sample *dataset.Sample, i int) string {
	if i >= len(sample.Images) {
		return fmt.Sprintf("image %d", i+1)
	}
	return fmt.Sprintf("image %d (%s)", i+1, cmp.Or(sample.Images[i].Name, sample.Images[i].Path, "embedded"))
}
