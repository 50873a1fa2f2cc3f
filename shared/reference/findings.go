package reference

import (
	"fmt"
	"slices"

	"github.com/harvest-ml/harvest/shared/spelling"
)

// A Finding describes unusual facts of one kind in one score file, such as answers that are not numbers. They do not
// stop Load, like the reference code of the paper.
type Finding struct {
	File       string `json:"file"`
	Capability string `json:"capability,omitempty"` // empty for the file of styles
	Kind       Kind   `json:"kind"`
	// Count counts answers, lines, samples or byte-order marks, depending on the kind; it is 1 for a file as a whole.
	Count int `json:"count"`
	// Line (from 1), Idx and Answer describe the first occurrence; they are empty if the kind has none. Idx has the form
	// of messages (7, or "s7"). Answer is quoted. Long texts are shortened.
	Line   int    `json:"line,omitempty"`
	Idx    string `json:"idx,omitempty"`
	Answer string `json:"answer,omitempty"`
	// Nearest is the default rubric's capability whose name is nearly the name of the file; empty if there is no such
	// capability.
	Nearest string `json:"nearest,omitempty"`
}

// A Kind is the kind of a finding.
type Kind string

// The kinds of findings.
const (
	NotANumber    Kind = "not_a_number"    // answers that Python's int refuses: the ratings are missing
	OutsideScale  Kind = "outside_0_to_5"  // ratings outside 0 to 5, which are used unchanged
	NoStyle       Kind = "no_style"        // answers about styles that are not a text: the samples have no bin
	NoLine        Kind = "no_line"         // samples without a line
	EmptyFile     Kind = "empty_file"      // a file without any line; it has no finding NoLine
	RepeatedLine  Kind = "repeated_line"   // lines that repeat the answer of an earlier line for the sample
	RepeatedRow   Kind = "repeated_row"    // rows of a Parquet file that repeat an earlier row
	MovedRow      Kind = "moved_row"       // rows with the sample of a row of an earlier file, at another place
	ByteOrderMark Kind = "byte_order_mark" // byte-order marks at the head of a line, which are skipped
	// answers with a style that the default rubric lacks, if other answers have styles of the default rubric
	UnknownStyle Kind = "unknown_style"
	UnreadFile   Kind = "unread_file" // a file of a capability or of styles with another extension
	// a file whose name is not a capability of the default rubric, if most of the folder's names are
	UnknownCapability Kind = "unknown_capability"
	MissingCapability Kind = "missing_capability" // a capability of the default rubric without a file, if most have a file
)

// Meaning describes n findings of a kind, and their effect on the selection.
func (k Kind) Meaning(n int) string {
	thing, text := k.meaning()
	return fmt.Sprintf("%d %s%s", n, spelling.Plural(n, thing), text)
}

// meaning returns the noun for a finding, and a text that follows the noun in the singular and in the plural.
func (k Kind) meaning() (thing, text string) {
	switch k {
	case NotANumber:
		return "answer", " without a number: such a rating is missing"
	case OutsideScale:
		return "rating", " outside 0 to 5, used unchanged"
	case NoStyle:
		return "answer", " without a style: such a sample cannot be selected"
	case NoLine:
		return "missing line", ": the sample has no rating, or no style; a sample without a style cannot be selected"
	case EmptyFile:
		return "file", " without an answer: no sample has this rating or style"
	case RepeatedLine:
		return "line", " with the answer of an earlier line for the sample, counted once"
	case RepeatedRow:
		return "row", " equal to an earlier row, counted once"
	case MovedRow:
		return "row", " with the id and content of a row of an earlier file, but at another place: each counts, as in a " +
			"dataset that repeats a sample; --unique selects only one of them"
	case ByteOrderMark:
		return "byte-order mark", ", skipped"
	case UnknownStyle:
		return "answer", " with a style that is not in the rubric; each such style has bins of its own"
	case UnreadFile:
		return "file", " not read: the name must end with " + extension
	case UnknownCapability:
		return "file", " without a capability of the rubric as its name, read as a further capability"
	case MissingCapability:
		return "missing file", " of a capability of the rubric: no sample has this rating"
	}
	return string(k), ""
}

// A scoreFile is a score file with its findings.
type scoreFile struct {
	name       string
	capability string // empty for styles
	findings   []Finding
}

// note counts a finding, and keeps the first of its kind as the example.
func (f *scoreFile) note(example Finding) {
	at := slices.IndexFunc(f.findings, func(found Finding) bool { return found.Kind == example.Kind })
	if at < 0 {
		example.File, example.Capability = f.name, f.capability
		f.findings, at = append(f.findings, example), len(f.findings)
	}
	f.findings[at].Count++
}
