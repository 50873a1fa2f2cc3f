package review

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"regexp"
	"slices"
	"time"
)

// A Verdict is a reviewer's choice for a pair. A file of verdicts has one JSON line for each verdict. Lines are only
// added.
type Verdict struct {
	Request
	Pair
	// LeftID and RightID are the samples' ids.
	LeftID  string `json:"left"`
	RightID string `json:"right"`
	Choice  Choice `json:"choice"`
	// Reviewer is the name of a person or a model.
	Reviewer string    `json:"reviewer"`
	At       time.Time `json:"at"`
}

// reviewerPattern is the pattern of names of reviewers, which are parts of object names.
var reviewerPattern = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$`)

// CheckReviewer refuses a name that cannot be part of an object name.
func CheckReviewer(name string) error {
	if !reviewerPattern.MatchString(name) {
		return fmt.Errorf("reviewer: %q; give a name of 1 to 64 letters from a to z, digits, '.', '_' and '-', "+
			"a letter or digit first", name)
	}
	return nil
}

// ParseChoice reads a choice: its name, or its first letter.
func ParseChoice(text string) (Choice, error) {
	for _, choice := range []Choice{Left, Right, Tie} {
		if text == string(choice) || text == string(choice[:1]) {
			return choice, nil
		}
	}
	return "", fmt.Errorf("%q is not a choice; give left, right or tie", text)
}

// maxLine is the longest line of a file of verdicts, in bytes.
const maxLine = 1 << 20

// ReadVerdicts reads a file of verdicts. It ignores an incomplete last line, which a killed command has left.
func ReadVerdicts(name string) ([]Verdict, error) {
	data, err := os.ReadFile(name)
	if errors.Is(err, os.ErrNotExist) {
		return nil, nil
	} else if err != nil {
		return nil, err
	}
	return parseVerdicts(name, data)
}

func parseVerdicts(name string, data []byte) ([]Verdict, error) {
	data = data[:bytes.LastIndexByte(data, '\n')+1]
	var all []Verdict
	lines := bufio.NewScanner(bytes.NewReader(data))
	lines.Buffer(nil, maxLine)
	for number := 1; lines.Scan(); number++ {
		var v Verdict
		if err := json.Unmarshal(lines.Bytes(), &v); err != nil {
			return nil, fmt.Errorf("%s:%d: %w", name, number, err)
		}
		if _, err := ParseChoice(string(v.Choice)); err != nil {
			return nil, fmt.Errorf("%s:%d: choice: %w", name, number, err)
		}
		if v.Side != Left && v.Side != Right {
			return nil, fmt.Errorf("%s:%d: a_is: %q is not a side; give left or right", name, number, v.Side)
		}
		all = append(all, v)
	}
	return all, lines.Err()
}

// WriteVerdicts writes verdicts as lines.
func WriteVerdicts(w io.Writer, all []Verdict) error {
	for _, v := range all {
		line, err := json.Marshal(v)
		if err == nil {
			_, err = w.Write(append(line, '\n'))
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// A File is a file with the verdicts of a reviewer.
type File struct {
	name string
	has  []Verdict
}

// OpenFile opens the file of verdicts of a request and a reviewer, or creates it. It refuses a file with verdicts of
// another request or reviewer. It removes an incomplete last line, which a killed command has left.
func OpenFile(name string, request Request, reviewer string) (*File, error) {
	has, err := ReadVerdicts(name)
	if err != nil {
		return nil, err
	}
	for i, v := range has {
		if v.Request != request || v.Reviewer != reviewer {
			return nil, fmt.Errorf("%s:%d: the line has a choice by %s in the review of %s; give another file", name, i+1,
				v.Reviewer, v.Request)
		}
	}
	if data, err := os.ReadFile(name); err == nil {
		if whole := bytes.LastIndexByte(data, '\n') + 1; whole < len(data) {
			if err := os.Truncate(name, int64(whole)); err != nil {
				return nil, err
			}
		}
	}
	return &File{name, has}, nil
}

// Has reports whether the file has a verdict about a pair.
func (f *File) Has(pair int) bool {
	return slices.ContainsFunc(f.has, func(v Verdict) bool { return v.Number == pair })
}

// Count returns the number of verdicts in the file.
func (f *File) Count() int { return len(f.has) }

// Add appends a verdict to the file.
func (f *File) Add(v Verdict) error {
	file, err := os.OpenFile(f.name, os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o644)
	if err != nil {
		return err
	}
	if err := errors.Join(WriteVerdicts(file, []Verdict{v}), file.Sync(), file.Close()); err != nil {
		return err
	}
	f.has = append(f.has, v)
	return nil
}
