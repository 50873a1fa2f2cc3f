package dataset

import (
	"fmt"

	"github.com/harvest-ml/harvest/shared/scores/reason"
	"github.com/harvest-ml/harvest/shared/spelling"
)

// A Fault is the reason why one sample is unusable, in words for the author of the data. Faults of records have the
// codes below. Other packages have codes for the faults that they find.
type Fault struct {
	// Code is the code under which faults are counted.
	Code reason.Code `json:"code"`
	// Field is the place of the fault: the path of a field in the record, such as `conversations[1].value`, or an image.
	// It is empty if the place is the whole record.
	Field string `json:"field,omitempty"`
	// Detail states what was found, and the fix.
	Detail string `json:"detail"`
}

// Reason returns the fault as one line, which is stored next to the sample's id: the code's phrase, field and detail.
func (f *Fault) Reason() string {
	if f.Field == "" {
		return f.Code.Text(f.Detail)
	}
	return f.Code.Text(f.Field + ": " + f.Detail)
}

// The codes of faults that a record can have.
const (
	NotUTF8          reason.Code = "not_utf8"          // text of another encoding
	NotAnObject      reason.Code = "not_json_object"   // broken JSON, or a value of another type
	RecordTooLarge   reason.Code = "record_too_large"  // longer than the record limit
	RecordBroken     reason.Code = "record_unreadable" // the container is damaged at the record
	WrongType        reason.Code = "wrong_type"        // a known field holds a value of another type
	UnsupportedMedia reason.Code = "unsupported_media" // video, audio, or images in a form that Harvest does not read
	NoConversation   reason.Code = "no_conversation"   // the conversation is absent or empty
	TwoConversations reason.Code = "two_conversations" // the fields of two forms contain different conversations
	RoleUnknown      reason.Code = "unknown_role"      // not a role that package forms knows
	EmptyTurn        reason.Code = "empty_turn"        // a rated turn has neither text nor image
	NoQuestion       reason.Code = "no_question"       // no human turn
	NoAnswer         reason.Code = "no_answer"         // no model turn after a human turn
	ImageCount       reason.Code = "image_count"       // the numbers of images and of their places differ
	ImageNameUnsafe  reason.Code = "unsafe_image_name" // absolute, outside the folder, or with a refused scheme
	ImageDataBroken  reason.Code = "broken_image_data" // a data URL or base64 field that does not decode, or is empty
	MemberUnusable   reason.Code = "member_unusable"   // a tar member is a link, incomplete, or not next to its record
)

// A Problem is a fault of one record, with the record's place.
type Problem struct {
	Fault
	Place Place `json:"place"`
}

// Error returns the problem as one line: place, phrase, field and detail.
func (p *Problem) Error() string { return p.Place.String() + ": " + p.Reason() }

// A Place is the position of a record, for messages.
type Place struct {
	Manifest string `json:"manifest"`      // the manifest's file name
	Element  int64  `json:"element"`       // number of the record in its manifest, from 1
	Line     int64  `json:"line,omitzero"` // line on which the record begins, from 1; 0 in a container
	Key      string `json:"key,omitempty"` // key of the record in a container whose records have keys
}

// InContainer reports whether the record is in a container (package container), where records have no line.
func (p Place) InContainer() bool { return p.Line == 0 }

// String returns the place for messages: `demo.json: element 7 (line 81)`, `row 7 of a.parquet`, `sample 0007 of
// a.tar`.
func (p Place) String() string {
	manifest := spelling.Shown(p.Manifest)
	switch {
	case p.Key != "":
		return fmt.Sprintf("sample %s of %s", spelling.Shown(p.Key), manifest)
	case p.InContainer():
		return fmt.Sprintf("row %d of %s", p.Element, manifest)
	default:
		return fmt.Sprintf("%s: element %d (line %d)", manifest, p.Element, p.Line)
	}
}
