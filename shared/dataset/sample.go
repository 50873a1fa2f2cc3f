package dataset

import "fmt"

// ImageMark is the placeholder that a turn's text holds where an image belongs. The k-th mark of a
// conversation, in reading order over all turns, stands for the sample's k-th image.
const ImageMark = "<image>"

// A Role says who speaks in a turn.
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
	// not written out again beside the raw record that already holds it.
	Data []byte `json:"-"`
}

// A Place says where a record stands, for messages to people.
type Place struct {
	Manifest string `json:"manifest"` // the manifest's file name
	Element  int64  `json:"element"`  // number of the record in its manifest, from 1
	Line     int64  `json:"line"`     // line on which the record begins, from 1
}

// String is the place as messages print it: `demo.json: element 7 (line 81)`.
func (p Place) String() string {
	return fmt.Sprintf("%s: element %d (line %d)", p.Manifest, p.Element, p.Line)
}

// A Problem is a fault of one record, in words for its author. It costs this sample only.
type Problem struct {
	// Kind is one of the constants below: a short phrase that problems are counted by.
	Kind string `json:"kind"`
	// Field is the path of the faulty field inside the record, such as `conversations[1].value`;
	// empty where the record as a whole is at fault.
	Field string `json:"field,omitempty"`
	// Detail says what was found and what to do about it.
	Detail string `json:"detail"`
	Place  Place  `json:"place"`
}

// The kinds of problem that a record's structure can have.
const (
	NotAnObject     = "not a JSON object"      // broken JSON, or a value of another type
	RecordTooLarge  = "record too large"       // longer than the record limit
	WrongType       = "wrong type"             // a known field holds a value of another type
	NoConversation  = "no conversation"        // absent or empty
	RoleUnknown     = "unknown role"           // neither human/user nor gpt/assistant
	RolesAlternate  = "roles do not alternate" // two human or two model turns in a row, or a model turn first
	EmptyTurn       = "empty turn"             // a turn without text
	NoAnswer        = "no answer"              // no model turn at all
	ImageCount      = "image count"            // not as many <image> marks as images
	ImageNameUnsafe = "unsafe image name"      // absolute, escaping, or of a scheme that is not allowed
	ImageDataBroken = "broken image data"      // a data URL or base64 field that does not decode, or is empty
	DuplicateID     = "duplicate id"           // the id of an earlier sound record of the same range
)

// Error is the problem as one line: place, field, kind, detail.
func (p *Problem) Error() string { return p.Place.String() + ": " + p.Reason() }

// Reason is the problem without its place, as it is stored beside the sample's id.
func (p *Problem) Reason() string {
	if p.Field == "" {
		return p.Kind + ": " + p.Detail
	}
	return p.Kind + ": " + p.Field + ": " + p.Detail
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
	// Problem is nil for a sound record. A record with a problem has its ID and
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
