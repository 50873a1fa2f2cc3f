package dataset

import "fmt"

// A Format is how a manifest holds its records; its value is the file name's extension.
type Format string

// The formats of a manifest.
const (
	Array Format = "json"  // one JSON array, each element a record
	Lines Format = "jsonl" // each line that is not blank is a record
)

// A FormatError is the error that the records of a manifest cannot be separated. It refuses the manifest as
// a whole.
type FormatError struct {
	Offset  int64  // byte of the manifest, from 0
	Line    int64  // line of that byte, from 1
	Element int64  // number of the record at or before it, from 1; 0 where none is concerned
	Detail  string // what was found, and the fix
}

// Error is the fault as one line: place, what was found, fix.
func (e *FormatError) Error() string {
	if e.Element == 0 {
		return fmt.Sprintf("byte %d (line %d): %s", e.Offset, e.Line, e.Detail)
	}
	return fmt.Sprintf("byte %d (line %d, element %d): %s", e.Offset, e.Line, e.Element, e.Detail)
}
