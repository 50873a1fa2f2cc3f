// Package scores defines the scores of samples, and the Parquet files that store them.
package scores

import (
	"fmt"

	"github.com/harvest-ml/harvest/shared/dataset"
	"github.com/harvest-ml/harvest/shared/scorer"
)

// A Record has the scores of one sample.
type Record struct {
	ID string
	// Range is the number of the dataset's range with the sample. Position is the number of the sample in the range. Both
	// are from 0.
	Range, Position int
	Source          string
	// Content is a hash of everything that the ratings depend on. Samples with equal Content have equal ratings.
	Content string
	// Twin is a hash of only the texts and images: samples with equal texts and images have the same Twin.
	Twin string
	// Tokens has the numbers of tokens of the sample's texts.
	Tokens dataset.Tokens
	// Turns is the number of human turns that the scorer reads; 0 if the record could not be read.
	Turns int
	// Images are hashes of the sample's images, in their order.
	Images []string
	// Sizes are the sizes of all images of the sample, in the form of SizeText; empty for an unread image.
	Sizes []string
	// Looks has a similarity.Image, as a String, for each image of the sample, in order. They serve to find copies with
	// another encoding. An entry is empty for an image that is blank or was not read.
	Looks []string
	// Words, Questions and Template serve to find equal and similar questions. Words is the String of a
	// similarity.Signature. Questions are hashes (hex) of the human turns. Template is the first question without its
	// variable words.
	Words     string
	Questions []string
	Template  string
	// Seen is the state of each image when it was read, in the sample's order (images.Fetcher.Look):
	// `<size>:<generation>` of its object, `embedded`, or the code of the fault if the object was not found. It ends with
	// the first image that has a fault. It is nil for a sample without images, and for a sample that failed before its
	// images were read.
	Seen   []string
	Status Status
	// Result is the scorer's result. Its Code and Reason may also be the reason why the scorer did not get the sample, or
	// why an OK sample cannot be selected. Its Flags begin with the flags of the sample. Ratings, Expected, Mass and
	// Margin are nil unless OK; files store the last three rounded by scorer.RoundExpected.
	scorer.Result
	// ScorerID and Rubric are the hashes of the scorer and of the rubric.
	ScorerID, Rubric string
	// TakenFrom is the earlier run from which the scores were copied; empty for a sample that was rated for this run.
	TakenFrom string
}

// A Table is the content of one file of scores.
type Table struct {
	Capabilities []string // names, in the order of each record's Ratings and Expected
	Records      []Record
}

// A Status reports whether a sample was scored. The zero value is not a status.
type Status uint8

// The outcomes of a sample.
const (
	OK      Status = iota + 1 // rated
	Failed                    // could not be rated
	Skipped                   // left out by request, or because of a fault of its record
)

// String returns the stored form of the status: ok, failed or skipped.
func (s Status) String() string {
	switch s {
	case OK:
		return "ok"
	case Failed:
		return "failed"
	case Skipped:
		return "skipped"
	}
	return fmt.Sprintf("Status(%d)", uint8(s))
}

// MarshalText returns String, or an error for a value that is not a status.
func (s Status) MarshalText() ([]byte, error) {
	if s < OK || s > Skipped {
		return nil, fmt.Errorf("%v is neither ok, failed nor skipped", s)
	}
	return []byte(s.String()), nil
}

// UnmarshalText parses the text of MarshalText.
func (s *Status) UnmarshalText(text []byte) error {
	for status := OK; status <= Skipped; status++ {
		if status.String() == string(text) {
			*s = status
			return nil
		}
	}
	return fmt.Errorf("status %q is neither ok, failed nor skipped", text)
}
