// Package scores holds what a scorer said of each sample, and the Parquet files that keep it.
package scores

import (
	"fmt"
	"math"
)

// A Record is the scores of one sample.
type Record struct {
	ID string
	// Range is the number of the dataset's range that the sample lies in, Position its place among
	// the samples of that range. Both count from 0.
	Range, Position int
	Source          string
	// Content is a hash of everything that the ratings depend on: equal content, equal ratings.
	Content string
	// Twin is a hash of the texts and images alone: equal for samples that differ in nothing else.
	Twin string
	// Tokens estimates what the sample costs in training: text, answers and images.
	Tokens int
	// Images are hashes of the sample's images, in their order.
	Images []string
	Status Status
	// Reason says why the sample is failed or skipped, or why an ok one cannot be selected.
	Reason string
	// Styles are styles of the rubric, the main one first; OtherStyles is what else was answered.
	Styles, OtherStyles []string
	// Ratings holds one rating for each capability, scorer.Missing for none. Nil unless OK.
	Ratings []int8
	// Expected holds one expected score in [0, scorer.MaxRating] for each capability, NaN for none.
	// Files keep it rounded by RoundExpected. Nil unless OK.
	Expected []float32
	// Mass and Margin hold a probability in [0, 1] for each capability, NaN for none: that of all
	// ratings together, and by how much the likeliest exceeds the second. Files keep them rounded as
	// expected scores. Nil unless OK, and where the scorer gave none.
	Mass, Margin []float32
	// ScorerID and Rubric are hashes of what rated the sample, and of what it was asked.
	ScorerID, Rubric string
	// Flags mark what a reader of the scores should know, such as "off_reference".
	Flags []string
}

// A Table is the content of one file of scores.
type Table struct {
	Capabilities []string // names, in the order of each record's Ratings and Expected
	Records      []Record
}

// A Status says what became of a sample. The zero value is no status.
type Status uint8

// What can become of a sample.
const (
	OK      Status = iota + 1 // rated
	Failed                    // should have been rated, and could not be
	Skipped                   // left out on purpose, or for a fault of its record
)

// String is the status as it is stored: ok, failed or skipped.
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

// MarshalText is String, and an error for a value that is no status.
func (s Status) MarshalText() ([]byte, error) {
	if s < OK || s > Skipped {
		return nil, fmt.Errorf("%v is neither ok, failed nor skipped", s)
	}
	return []byte(s.String()), nil
}

// UnmarshalText reads what MarshalText wrote.
func (s *Status) UnmarshalText(text []byte) error {
	for status := OK; status <= Skipped; status++ {
		if status.String() == string(text) {
			*s = status
			return nil
		}
	}
	return fmt.Errorf("status %q is neither ok, failed nor skipped", text)
}

// ExpectedUnits is the number of units in an expected score of 1. Expected scores are whole units,
// so that sums and comparisons of them are exact on every machine.
const ExpectedUnits = 1024

// RoundExpected is an expected score as files keep it: the nearest multiple of 1/ExpectedUnits,
// halves away from zero, exact in a float32. NaN stays NaN.
func RoundExpected(score float64) float32 {
	return float32(math.Round(score*ExpectedUnits) / ExpectedUnits)
}
