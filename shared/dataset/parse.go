package dataset

import (
	"bytes"
	"encoding/json"
	"fmt"
	"path"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/harvest-ml/harvest/shared/scores/reason"
)

// ReadingVersion changes whenever Parse takes something else from a record. It is part of a run's identity, and a run
// of another one is not continued: the records in its shards are parsed where they are needed.
const ReadingVersion = 1

// quoted is how many bytes of an invalid value a fault's detail repeats.
const quoted = 60

// Parse reads one record and checks its structure: LLaVA's form (`conversations` of from/value), OpenAI's (`messages`
// of role/content, content as a string or as parts of text and images), or pairs (`conversation` of human/assistant).
// The sample keeps raw. What trainers read, and the reference does not have, is read as METHOD.md says and flagged
// OffReference. Keys that Parse does not know are ignored, unless they hold media that it does not read; of equal keys
// the last one counts.
func Parse(raw []byte, place Place) *Sample {
	p := parser{Sample: newSample(raw, place)}
	p.parse()
	return p.Sample
}

// A parser reads one record into its sample.
type parser struct {
	*Sample
	turns []draft
	// own are images of content parts, listed those of the record's image field.
	own, listed []Image
	// field is the name of the record's image field, "" where it has none.
	field string
	// conversation is the name of the field that holds the turns.
	conversation string
}

func (p *parser) parse() {
	if !utf8.Valid(p.Raw) {
		p.fail(NotUTF8, "", notUTF8(p.Raw))
	}
	value := json.RawMessage(bytes.TrimSpace(p.Raw))
	if syntax := syntaxError(p.Raw); syntax != nil {
		p.fail(NotAnObject, "",
			fmt.Sprintf("%v at byte %d of the record; correct the JSON there", syntax, syntax.Offset))
		return
	}
	if typeOf(value) != jsonObject {
		p.fail(NotAnObject, "",
			"the record is "+describe(value)+`; write it as {"id": …, "image": …, "conversations": […]}`)
		return
	}
	fields := members(items(value))
	p.readID(fields.get("id"))
	p.readMedia(fields)
	p.readTurns(fields)
	p.readImages(fields)
	p.checkMedia(fields)
	p.arrange()
	p.readSource(fields)
}

// notUTF8 says where the first byte stands that is not UTF-8.
func notUTF8(raw []byte) string {
	at := 0
	for {
		r, size := utf8.DecodeRune(raw[at:])
		if r == utf8.RuneError && size <= 1 {
			return fmt.Sprintf("byte 0x%02x at byte %d of the record is not UTF-8 text; "+
				"save the file as UTF-8, as with `iconv -f ISO-8859-1 -t UTF-8`, or -f GBK where it is Chinese", raw[at], at)
		}
		at += size
	}
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

// Unread is the sample of a record of which nothing is known but its place, because of a fault.
func Unread(place Place, fault Fault) *Sample {
	s := newSample(nil, place)
	s.Problem = &Problem{Fault: fault, Place: place}
	return s
}

// fail records a problem of the sample. The first one stays: later ones often follow from it.
func (s *Sample) fail(code reason.Code, field, detail string) {
	if s.Problem == nil {
		s.Problem = &Problem{Fault: Fault{Code: code, Field: field, Detail: detail}, Place: s.Place}
	}
}

// flag marks the sample as one that the reference implementation does not have.
func (s *Sample) flag() { s.Flags = []string{OffReference} }

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
