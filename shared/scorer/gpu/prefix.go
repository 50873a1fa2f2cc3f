package gpu

// A prefix is the common beginning of all prompts about a sample: the texts before, between and after its images, so
// one more than images. In a request it is a list of segments: texts, and the places of images, {"image": k} with k
// from 0. So the word <image> in a text is text.
type prefix []string

// A place is the segment that stands for an image.
type place struct {
	Image int `json:"image"` // its position among the images of the item
}

// MarshalJSON returns the segments. The sidecar accepts no empty text, so empty texts are left out.
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
