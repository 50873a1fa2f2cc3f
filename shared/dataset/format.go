package dataset

import (
	"errors"
	"fmt"
	"path"
	"strings"

	"github.com/harvest-ml/harvest/shared/dataset/compression"
	"github.com/harvest-ml/harvest/shared/spelling"
)

// A Format is the file format of a manifest.
type Format string

// The formats of a manifest.
const (
	Array   Format = "json"    // one JSON array, alone or in an object; each element is a record
	Lines   Format = "jsonl"   // each line that is not blank is a record
	Objects Format = "objects" // a series of JSON objects, each on any number of lines
	Tar     Format = "tar"     // a tar archive of WebDataset; consecutive members with the same key are one record
	Parquet Format = "parquet" // each row is a record
)

// A Framing is the format and encoding of a manifest, which a Reader needs in addition to the position of records.
type Framing struct {
	Format Format `json:"format"`
	// Encoding is the encoding of the text. Readers always return records in UTF-8.
	Encoding Encoding `json:"encoding,omitempty"`
}

// A FormatError reports that the records of a manifest cannot be separated. The manifest is refused as a whole.
type FormatError struct {
	// File is the name of the manifest for the user. Split leaves it empty.
	File    string
	Offset  int64  // byte of the manifest, from 0
	Line    int64  // line of that byte, from 1; 0 if the error is about the whole file
	Element int64  // number of the record at or before that byte, from 1; 0 if no record is concerned
	Detail  string // what is wrong, and the fix
	// Command is a command line that makes a manifest from the file; empty if there is none. FILE and OUT in it stand for
	// the names of the file and of the manifest.
	Command string
}

// StreamFault converts a *compression.StreamError of a compressed manifest into a FormatError. It returns other errors
// unchanged.
func StreamFault(err error, packed compression.Kind) error {
	stream, ok := errors.AsType[*compression.StreamError](err)
	if !ok {
		return err
	}
	fault := &FormatError{Detail: stream.Error()}
	if _, tooLong := errors.AsType[*compression.LimitError](err); tooLong && packed.Command() != "" {
		fault.Command = packed.Command() + " < FILE > OUT"
	}
	return fault
}

// Error returns one line: the file, the place, Detail and Command.
func (e *FormatError) Error() string {
	text := e.Detail
	switch {
	case e.Line == 0:
	case e.Element == 0:
		text = fmt.Sprintf("byte %d (line %d): %s", e.Offset, e.Line, text)
	default:
		text = fmt.Sprintf("byte %d (line %d, element %d): %s", e.Offset, e.Line, e.Element, text)
	}
	if e.File != "" {
		text = e.File + ": " + text
	}
	if e.Command == "" {
		return text
	}
	command := e.Command
	if e.File != "" {
		file, manifest := spelling.ShellWord(e.File), spelling.ShellWord(manifestName(e.File))
		command = strings.NewReplacer("FILE", file, "OUT", manifest).Replace(command)
	}
	return text + ": " + command
}

// manifestName returns a name for the manifest that is made from a file.
func manifestName(file string) string {
	name := file
	switch ext := path.Ext(file); strings.ToLower(ext) {
	case ".gz", ".gzip", ".zst", ".zstd", ".bz2", ".xz", ".lz4", ".parquet", ".arrow", ".feather", ".txt":
		name = strings.TrimSuffix(file, ext)
	}
	switch ext := path.Ext(name); {
	case ext != ".json" && ext != ".jsonl" && ext != ".ndjson":
		return name + ".jsonl"
	case name == file:
		return strings.TrimSuffix(name, ext) + "-converted" + ext
	}
	return name
}
