package gpu

// A prefix is the common beginning of all prompts about a sample. It has the texts before, between and after the images
// of the sample, so one text more than there are images. In a request, a prefix is a list of segments: texts, and
// places of images, {"image": k} with k from 0. So the word <image> in a text is text.
type prefix []string

// A place is the segment at which an image is inserted.
type place struct {
	Image int `json:"image"` // index among the images of the item
}

// MarshalJSON returns the segments. Empty texts are left out, because the sidecar does not accept them.
func (p prefix) MarshalJSON() ([]byte, error) {
	segments := make([]any, 0, 2*len(p))
	for i, text := range p {
		if i > 0 {
			segments = append(segments, place{Image: i - 1})
		}
		if text != "" {
			segments = append(segments, text)
		}
	}
	return encode(segments)
}
