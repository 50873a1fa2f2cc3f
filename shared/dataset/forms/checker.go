package forms

import (
	"bytes"
	"unicode/utf8"

	"github.com/harvest-ml/harvest/shared/dataset"
)

// A Checker reports whether records have a problem. It finds the same problems as a Parser. Most records are in the
// plain form (see Plain), and a Checker needs a tenth of a Parser's time for them. It is not safe for concurrent use.
type Checker struct {
	parse  dataset.Parser
	always bool // whether records in the plain form are parsed, too
	plain  dataset.Sample
	// openings is memory for scans of plain records.
	openings [2]opening
	// Numberless reports that no field of the last record is a number. If it is false, this is not known.
	Numberless bool
}

// Checker returns a Checker of records with this reading. The error is that of Validate.
func (r Reading) Checker() (*Checker, error) {
	parse, err := r.Parser()
	return &Checker{parse: parse, always: r.Form != "" || r.Root != "" || len(r.Columns)+len(r.Tags) > 0}, err
}

// Check is a dataset.Parser. The sample is valid until the next call. For a record in the plain form, it has only Form,
// Raw and Place.
func (c *Checker) Check(raw []byte, place dataset.Place) *dataset.Sample {
	n, _ := c.Plain(raw)
	if n == 0 || len(bytes.TrimLeft(raw[n:], " \t\r\n")) > 0 {
		c.Numberless = false
		return c.parse(raw, place)
	}
	c.plain = dataset.Sample{Form: llavaName, Raw: raw, Place: place}
	return &c.plain
}

// Plain returns the length of the record at the start of text, with white space before it, if the record is in the
// plain form. Such a record is in LLaVA's form and has no other fields. Its images have simple names, it has no mark or
// one mark for each image, and its turns are questions and answers. It has no problem. The length is 0 for other
// records, valid or not, and if the text ends within the record. lines is the number of line ends in the record and
// before it; it is -1 if there is a CR.
func (c *Checker) Plain(text []byte) (length, lines int) {
	s := plainScan{raw: text, openings: &c.openings}
	if c.always || !s.record() || s.wide && !utf8.Valid(text[:s.at]) {
		return 0, 0
	}
	c.Numberless = !s.number
	if s.returns {
		return s.at, -1
	}
	return s.at, s.lines
}
