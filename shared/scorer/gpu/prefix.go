package gpu

// A prefix is what all prompts about a sample begin with: the texts between its images, in order, one more than there
// are images. In a request it is a list of segments: texts, and the places of images, {"image": k} with k from 0. So
// the word <image> in a text is text.
type prefix []string

// A place is the segment that stands for an image.
type place struct {
	Image int `json:"image"` // its position among the images of the item
}

// MarshalJSON returns the segments. The sidecar takes no empty text, so there is none.
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
