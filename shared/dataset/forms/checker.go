package forms

import (
	"bytes"
	"unicode/utf8"

	"github.com/harvest-ml/harvest/shared/dataset"
)

// A Checker says of records whether they have a problem, as Parser does, and of most records nothing else: it reads
// those in the plainest form, which have none, in a tenth of the time. It is not for concurrent use.
type Checker struct {
	parse  dataset.Parser
	always bool // whether records in the plain form are to be parsed, too
	plain  dataset.Sample
	// Numberless says of the last record that it is known to have no field that is a number.
	Numberless bool
}

// Checker returns a Checker of records that are read so. The error is that of Validate.
func (r Reading) Checker() (*Checker, error) {
	parse, err := r.Parser()
	return &Checker{parse: parse, always: r.Form != "" || r.Root != "" || len(r.Columns)+len(r.Tags) > 0}, err
}

// Check is a dataset.Parser. The sample is valid until the next call.
func (c *Checker) Check(raw []byte, place dataset.Place) *dataset.Sample {
	n, _ := c.Plain(raw)
	if n == 0 || len(bytes.TrimLeft(raw[n:], " \t\r\n")) > 0 {
		c.Numberless = false
		return c.parse(raw, place)
	}
	c.plain = dataset.Sample{Raw: raw, Place: place}
	return &c.plain
}

// Plain is the length of the record that text begins with, after white space, if it is in LLaVA's form, with no fields
// but its own, images with simple names, no mark or one for each image, and turns that ask and answer. Such a record
// has no problem. It is 0 for others, valid or not, and where the text ends within the record. OneLine says that no
// line ends in the record or before it.
func (c *Checker) Plain(text []byte) (length int, oneLine bool) {
	s := plainScan{raw: text}
	if c.always || !s.record() || !utf8.Valid(text[:s.at]) {
		return 0, false
	}
	c.Numberless = !s.number
	return s.at, !s.lines
}
