package dataset

import (
	"bytes"
	"encoding/json"
	"fmt"
	"path"
	"strconv"
	"strings"
)

// quoted is how many bytes of an invalid value a fault's detail repeats.
const quoted = 60

// Parse reads one record, in LLaVA's form (`conversations` of from/value) or OpenAI's (`messages` of
// role/content), and checks its structure. The sample keeps raw. Keys that it does not know are
// ignored; of equal keys the last one counts; bytes that are not UTF-8 become U+FFFD in the sample's
// texts and stay as they are in Raw.
func Parse(raw []byte, place Place) *Sample {
	s := newSample(raw, place)
	value := json.RawMessage(bytes.TrimSpace(raw))
	if syntax := syntaxError(raw); syntax != nil {
		s.fail(NotAnObject, "",
			fmt.Sprintf("%v at byte %d of the record; correct the JSON there", syntax, syntax.Offset))
		return s
	}
	if typeOf(value) != jsonObject {
		s.fail(NotAnObject, "",
			"the record is "+describe(value)+`; write it as {"id": …, "image": …, "conversations": […]}`)
		return s
	}
	fields := members(items(value))
	s.readID(fields.get("id"))
	s.readTurns(fields)
	s.readImages(fields)
	s.readSource(fields)
	if marks := s.marks(); s.Problem == nil && marks != len(s.Images) {
		s.fail(ImageCount, "", fmt.Sprintf(
			"%d %s marks in the turns, but %d images; write one mark for each image, in their order",
			marks, ImageMark, len(s.Images)))
	}
	return s
}

// newSample is the sample of a record of which only the place is known.
func newSample(raw []byte, place Place) *Sample {
	return &Sample{
		ID:     place.Manifest + "#" + strconv.FormatInt(place.Element, 10),
		Source: strings.TrimSuffix(place.Manifest, path.Ext(place.Manifest)),
		Place:  place,
		Raw:    raw,
	}
}

// fail records a problem of the sample. The first one stays: later ones often follow from it.
func (s *Sample) fail(kind, field, detail string) {
	if s.Problem == nil {
		s.Problem = &Problem{Fault: Fault{Kind: kind, Field: field, Detail: detail}, Place: s.Place}
	}
}

// wrongType records that a field does not hold what it should.
func (s *Sample) wrongType(field string, value json.RawMessage, expected string) {
	s.fail(WrongType, field, "found "+describe(value)+"; write "+expected)
}

func (s *Sample) readID(value json.RawMessage) {
	switch typeOf(value) {
	case jsonNone:
	case jsonNumber:
		s.ID = string(value)
	case jsonString:
		if id := text(value); id != "" {
			s.ID = id
		}
	default:
		s.wrongType("id", value, "a string or a number")
	}
}

// readSource fills in where the sample came from; the manifest's name is there already.
func (s *Sample) readSource(fields members) {
	for _, key := range []string{"data_source", "image_source", "source"} {
		if typeOf(fields.get(key)) != jsonString {
			continue
		}
		if source := text(fields.get(key)); source != "" {
			s.Source = source
			return
		}
	}
	for _, image := range s.Images {
		if image.Name == "" {
			continue
		}
		if folder := topFolder(image.Name); folder != "" {
			s.Source = folder
		}
		return
	}
}
