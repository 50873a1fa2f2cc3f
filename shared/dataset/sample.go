package dataset

// ImageMark is the placeholder that a turn's text holds where an image belongs. The k-th mark of a
// conversation, in reading order over all turns, stands for the sample's k-th image.
const ImageMark = "<image>"

// A Role is who speaks in a turn.
type Role string

// The two roles of a conversation. Turns alternate, and a human speaks first.
const (
	Human Role = "human"
	Model Role = "gpt"
)

// A Turn is one utterance of a conversation.
type Turn struct {
	Role Role   `json:"role"`
	Text string `json:"text"`
}

// An Image is a reference to an image, or the image itself where the record embeds it.
type Image struct {
	// Name is the image's name as the record gives it: relative to the dataset's images, or a
	// gs:// URL. Empty for an embedded image.
	Name string `json:"name,omitempty"`
	// Data is the encoded image of a data URL or of embedded bytes, nil for a named image. It is
	// not written a second time next to the raw record that already holds it.
	Data []byte `json:"-"`
}

// A Sample is one instruction-tuning record: a conversation and zero or more images.
type Sample struct {
	// ID is the record's `id` (a string, or a number as written); `<manifest>#<element>` where it has none.
	ID string `json:"id"`
	// Source is where the sample came from: the first of the fields data_source, image_source and
	// source that is a string with text, else the topmost folder of the first named image, else the
	// manifest's name without extension.
	Source string  `json:"source"`
	Turns  []Turn  `json:"turns"`
	Images []Image `json:"images,omitempty"`
	Place  Place   `json:"place"`
	// Problem is nil for a valid record. A record with a problem has its ID and
	// Raw, and as much of the rest as could be read.
	Problem *Problem `json:"problem,omitempty"`
	// Raw is the record byte for byte as it stands in the manifest, without separators around it; nil
	// for a RecordTooLarge.
	Raw []byte `json:"-"`
}

// Texts are the texts of the turns, in order.
func (s *Sample) Texts() []string {
	texts := make([]string, len(s.Turns))
	for i, t := range s.Turns {
		texts[i] = t.Text
	}
	return texts
}
