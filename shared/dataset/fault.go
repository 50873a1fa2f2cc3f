package dataset

import "fmt"

// A Fault is what makes one sample unusable, in words for its author. It fails this sample only. Faults of records have
// the kinds below, those of images the kinds of package images.
type Fault struct {
	// Kind is a short phrase that faults are counted by.
	Kind string `json:"kind"`
	// Field is what the fault is in: the path of a field inside the record, such as `conversations[1].value`, or an
	// image; empty where it is the record as a whole.
	Field string `json:"field,omitempty"`
	// Detail says what was found and what to do about it.
	Detail string `json:"detail"`
}

// Reason is the fault as one line, as it is stored next to the sample's id: kind, field, detail.
func (f *Fault) Reason() string {
	if f.Field == "" {
		return f.Kind + ": " + f.Detail
	}
	return f.Kind + ": " + f.Field + ": " + f.Detail
}

// The kinds of fault that a record's structure can have.
const (
	NotUTF8          = "not UTF-8"         // text of another encoding
	NotAnObject      = "not a JSON object" // broken JSON, or a value of another type
	UnsupportedMedia = "unsupported media" // video, audio, or images in a form that is not read
	RecordTooLarge   = "record too large"  // longer than the record limit
	WrongType        = "wrong type"        // a known field holds a value of another type
	NoConversation   = "no conversation"   // absent or empty
	RoleUnknown      = "unknown role"      // none of the roles that records have
	EmptyTurn        = "empty turn"        // a rated turn without text and image
	NoQuestion       = "no question"       // no human turn
	NoAnswer         = "no answer"         // no model turn after a human one
	ImageCount       = "image count"       // not as many <image> marks as images
	ImageNameUnsafe  = "unsafe image name" // absolute, escaping, or of a scheme that is not allowed
	ImageDataBroken  = "broken image data" // a data URL or base64 field that does not decode, or is empty
	DuplicateID      = "duplicate id"      // the id of an earlier valid record of the same range
)

// A Problem is a fault of one record, and where the record stands.
type Problem struct {
	Fault
	Place Place `json:"place"`
}

// Error is the problem as one line: place, kind, field, detail.
func (p *Problem) Error() string { return p.Place.String() + ": " + p.Reason() }

// A Place is where a record stands, for messages to people.
type Place struct {
	Manifest string `json:"manifest"` // the manifest's file name
	Element  int64  `json:"element"`  // number of the record in its manifest, from 1
	Line     int64  `json:"line"`     // line on which the record begins, from 1
}

// String is the place as messages print it: `demo.json: element 7 (line 81)`.
func (p Place) String() string {
	return fmt.Sprintf("%s: element %d (line %d)", p.Manifest, p.Element, p.Line)
}
