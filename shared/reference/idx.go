package reference

import (
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"unicode/utf8"
)

// maxIdx is the largest length, in bytes, of an idx that is a text. All idx of a manifest are kept in memory.
const maxIdx = 1 << 10

// An idx names an item, in the manifest and in each score file. It is a whole number of 64 bits, or a text.
type idx struct {
	number int64
	text   string
	isText bool
}

// parseIdx parses the idx of a line or item.
func parseIdx(value []byte) (idx, error) {
	if len(value) == 0 {
		return idx{}, errors.New("no idx")
	}
	if value[0] == '"' {
		id := idx{isText: true}
		if err := json.Unmarshal(value, &id.text); err != nil {
			return idx{}, fmt.Errorf("idx %.40q: %w", value, err)
		}
		if len(id.text) > maxIdx {
			return idx{}, fmt.Errorf("idx %s has %d bytes, but at most %d are allowed", id, len(id.text), maxIdx)
		}
		return id, nil
	}
	number, err := strconv.ParseInt(string(value), 10, 64)
	if err != nil {
		return idx{}, fmt.Errorf("idx %s is neither a text nor a whole number of 64 bits", quote(string(value)))
	}
	return idx{number: number}, nil
}

// String returns the idx for messages: 7, or "s7". It may shorten a text.
func (id idx) String() string {
	if id.isText {
		return quote(id.text)
	}
	return strconv.FormatInt(id.number, 10)
}

// kind returns the type of an idx as a text.
func (id idx) kind() string {
	if id.isText {
		return "texts"
	}
	return "numbers"
}

// maxQuoted is the largest number of characters of a text in a message.
const maxQuoted = 60

// quote returns a text in quotes, without control characters. It shortens a long text.
func quote(text string) string {
	quoted := fmt.Sprintf("%.*q", maxQuoted, text)
	if utf8.RuneCountInString(text) > maxQuoted {
		quoted += "…"
	}
	return quoted
}
