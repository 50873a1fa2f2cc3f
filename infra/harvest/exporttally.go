package main

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"github.com/harvest-ml/harvest/shared/dataset"
	"github.com/harvest-ml/harvest/shared/dataset/jsontext"
	"github.com/harvest-ml/harvest/shared/export"
	"github.com/harvest-ml/harvest/shared/images"
)

// An exportTally counts the samples, images and licences of an export, for the card of the export.
type exportTally struct {
	licences map[string]string // licences of sources, for records that state no licence
	samples  int
	images   int
	seen     map[images.Hash]bool
	bytes    int64
	bySource map[string]*sourceTally
	// replaced is the number of samples with an image that has changed since they were rated. example names one of
	// these samples.
	replaced int
	example  string
}

// A sourceTally counts the samples of a source, and has their licences.
type sourceTally struct {
	samples int
	stated  map[string]bool // licences that its records state
	silent  bool            // at least one of its records states no licence
}

func newExportTally(licences map[string]string) *exportTally {
	return &exportTally{licences: licences, seen: map[images.Hash]bool{}, bySource: map[string]*sourceTally{}}
}

// counting returns a conversion that writes as c does, and counts each written record in t.
func (t *exportTally) counting(c conversion) conversion { return countedConversion{c, t} }

type countedConversion struct {
	conversion
	tally *exportTally
}

func (c countedConversion) write(record []byte, s *dataset.Sample, shown [][]byte) error {
	if err := c.conversion.write(record, s, shown); err != nil {
		return err
	}
	c.tally.add(s, shown)
	return nil
}

// add counts a sample.
func (t *exportTally) add(s *dataset.Sample, shown [][]byte) {
	t.samples++
	t.images += len(shown)
	for _, data := range shown {
		if hash := images.HashOf(data); !t.seen[hash] {
			t.seen[hash] = true
			t.bytes += int64(len(data))
		}
	}
	source := t.bySource[s.Source]
	if source == nil {
		source = &sourceTally{stated: map[string]bool{}}
		t.bySource[s.Source] = source
	}
	source.samples++
	if licence := licenceOf(s.Raw); licence != "" {
		source.stated[licence] = true
	} else {
		source.silent = true
	}
}

// warn prints a warning if some images have changed since they were rated.
func (t *exportTally) warn(w io.Writer) error {
	if t.replaced == 0 {
		return nil
	}
	_, err := fmt.Fprintf(w, "harvest: warning: %s of %d in this export %s an image that has changed since the run rated "+
		"it, such as %s; `harvest curate` rates these again\n", number(t.replaced, "sample"), t.samples,
		map[bool]string{true: "has", false: "have"}[t.replaced == 1], t.example)
	return err
}

// licenceOf returns the text of the field license or licence of a record; empty if the record has no such field.
func licenceOf(record []byte) string {
	if jsontext.TypeOf(record) != jsontext.Object {
		return ""
	}
	_, value := jsontext.Members(jsontext.Items(record)).First("license", "licence")
	if jsontext.TypeOf(value) != jsontext.String {
		return ""
	}
	return strings.TrimSpace(jsontext.Text(value))
}

// sources returns the sources of the samples, in ascending order, each with its known licences.
func (t *exportTally) sources() []export.Source {
	var all []export.Source
	for _, name := range slices.Sorted(maps.Keys(t.bySource)) {
		s := t.bySource[name]
		known := maps.Clone(s.stated)
		if licence := t.licences[name]; licence != "" {
			known[licence] = true
		} else if s.silent {
			known[export.NotStated] = true
		}
		licence := strings.Join(slices.Sorted(maps.Keys(known)), "; ")
		all = append(all, export.Source{Name: name, Samples: s.samples, Licence: licence})
	}
	return all
}
