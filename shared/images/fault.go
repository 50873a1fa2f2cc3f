package images

import (
	"cmp"
	"fmt"

	"github.com/harvest-ml/harvest/shared/dataset"
	"github.com/harvest-ml/harvest/shared/scores/reason"
)

// The codes of faults of images. The fault of an image's name is dataset.ImageNameUnsafe.
const (
	NotFound reason.Code = "image_not_found" // no object or file has the name
	// Unreadable: this machine cannot read the file, because of the file's mode, because the name is that of a folder, or
	// because the disk is damaged.
	Unreadable reason.Code = "image_unreadable"
	NotAllowed reason.Code = "image_not_allowed" // the dataset may not use images of this bucket or prefix
	Empty      reason.Code = "image_empty"
	TooLarge   reason.Code = "image_too_large" // the image exceeds Limits
	TooMany    reason.Code = "too_many_images" // the sample has more images than Limits allow
	// TooLargeTogether: each image is within Limits, but all images of the sample together are not.
	TooLargeTogether reason.Code = "images_too_large_together"
	FormatUnknown    reason.Code = "image_format_unknown"
	Undecodable      reason.Code = "image_undecodable"
)

// Label returns the Field of a fault of the i-th image of a sample, counted from 0. For i = 1: `image 2 (cut.png)`.
func Label(sample *dataset.Sample, i int) string {
	if i >= len(sample.Images) {
		return fmt.Sprintf("image %d", i+1)
	}
	return fmt.Sprintf("image %d (%s)", i+1, cmp.Or(sample.Images[i].Name, sample.Images[i].Path, "embedded"))
}
