package images

import (
	"cmp"
	"fmt"

	"github.com/harvest-ml/harvest/shared/dataset"
)

// The kinds of dataset.Fault that an image can have, next to those of its name (dataset.ImageNameUnsafe).
const (
	NotFound = "image not found" // there is no object or file of that name
	// Unreadable: it is there, and this machine cannot read it: its mode, a folder of that name, a damaged disk.
	Unreadable    = "image unreadable"
	NotAllowed    = "image not allowed" // in a bucket, or a part of it, that is not open to the dataset
	Empty         = "image empty"
	TooLarge      = "image too large" // above Limits
	FormatUnknown = "image format unknown"
	Undecodable   = "image does not decode"
)

// Label is how the Field of a fault names the i-th image of a sample, counted from 0: `image 2 (cut.png)`.
func Label(sample *dataset.Sample, i int) string {
	if i >= len(sample.Images) {
		return fmt.Sprintf("image %d", i+1)
	}
	return fmt.Sprintf("image %d (%s)", i+1, cmp.Or(sample.Images[i].Name, "embedded"))
}
