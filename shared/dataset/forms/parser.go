package forms

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"unicode/utf8"

	"github.com/harvest-ml/harvest/shared/dataset"
	"github.com/harvest-ml/harvest/shared/dataset/jsontext"
	"github.com/harvest-ml/harvest/shared/scores/reason"
)

// quoted is how many bytes of an invalid value a fault's detail repeats.
const quoted = 60

// A parser reads one record into its sample.
type parser struct {
	*dataset.Sample
	reading *Reading
	fields  jsontext.Members
	turns   []draft
	// own are images of content parts and of the turns' texts, listed those of the record's image field.
	own, listed []dataset.Image
	// field is the name of the record's image field, "" where it has none.
	field string
	// conversation is the name of the field that holds the turns.
	conversation string
	// losses are noted for a conversion; nil where the record is only read.
	losses *losses
	// alone says that other conversations of the record are not looked for.
	alone bool
	// part is a source that the turns name; "" where none does.
	part string
}

// parse reads the record under one of the forms, the last of which takes any record.
func (p *parser) parse(table []Form) {
	if !utf8.Valid(p.Raw) {
		p.fail(dataset.NotUTF8, "", notUTF8(p.Raw))
	}
	value := json.RawMessage(bytes.TrimSpace(p.Raw))
	if syntax := jsontext.SyntaxError(p.Raw); syntax != nil {
		if path, most, at, deep := jsontext.TooDeep(p.Raw); deep && int64(at) < syntax.Offset {
			p.fail(dataset.NotAnObject, path, fmt.Sprintf("more than %d lists and objects are nested in each other, which is "+
				"the most that is read; the first one too many begins at byte %d of the record; write the field with fewer "+
				"levels, or leave it out", most, at))
			return
		}
		p.fail(dataset.NotAnObject, "", brokenJSON(value, syntax))
		return
	}
	if jsontext.TypeOf(value) != jsontext.Object {
		p.fail(dataset.NotAnObject, "",
			"the record is "+jsontext.Describe(value)+`; write it as {"id": …, "image": …, "conversations": […]}`)
		return
	}
	p.fields = jsontext.Items(value)
	form := recognised(table, p.fields)
	p.Form = form.Name
	p.readID(p.fields.Get("id"))
	p.readMedia(p.fields)
	form.turns(p)
	form.images(p)
	p.readTags()
	p.checkMedia(p.fields)
	p.arrange()
	p.readSource()
	switch {
	case p.reading.Form != "":
		p.checkForm()
	case p.Problem == nil:
		p.checkOthers()
	}
}

// brokenJSON says what is wrong with a record that is not one value of JSON. Only a line of JSONL may end within a
// value or hold several, so this knows lines by what is wrong with them.
func brokenJSON(record json.RawMessage, syntax *json.SyntaxError) string {
	const (
		alone = "; write each record on a line of its own, as with `jq -c . FILE`"
		one   = "; write each record on one line, as with `jq -c . FILE`"
	)
	var value jsontext.Nesting
	n, closed, err := 0, false, error(nil)
	if len(record) > 0 {
		n, closed, err = value.Find(record)
	}
	rest := bytes.TrimLeft(record[n:], " \t,")
	switch first := string(record[:min(len(record), 1)]); {
	case first == "{" && closed && len(rest) > 0 && jsontext.SyntaxError(record[:n]) == nil:
		at := len(record) - len(rest)
		if rest[0] == '{' {
			return fmt.Sprintf("another record begins on the same line, at byte %d%s", at, alone)
		}
		return fmt.Sprintf("found %s after the end of the record, at byte %d; remove it",
			jsontext.Quote(string(rest), quoted), at)
	case first == "{" && !closed && err == nil:
		return fmt.Sprintf("the line ends within the record, after byte %d: the record was cut short, or continues in the "+
			"next line%s", len(record), one)
	case first == "}" || first == "]" || first == `"` && closed && len(rest) > 0 && rest[0] == ':':
		return "the line is a part of a record: found " + jsontext.Quote(string(record), quoted) + " where a record begins" +
			one
	}
	return fmt.Sprintf("%v at byte %d of the record; correct the JSON there", syntax, syntax.Offset)
}

// checkForm adds a hint to the fault if a record is invalid, or loses its images, only because the reading names the
// wrong form.
func (p *parser) checkForm() {
	if p.Problem == nil && (len(p.Images) > 0 || !(record{fields: p.fields}).has(imageFields...)) {
		return
	}
	shown := *p.reading
	shown.Form = ""
	other := parser{Sample: dataset.NewSample(p.Raw, p.Place), reading: &shown}
	other.parse(usual())
	if other.Problem != nil || other.Form == p.Form || p.Problem == nil && len(other.Images) == 0 {
		return
	}
	looks := "another form"
	if other.Form != "" {
		looks = fmt.Sprintf("the form %q", other.Form)
	}
	detail := fmt.Sprintf("the record looks like %s, and --format (`format` in dataset.yaml) asks for %q; "+
		"leave it out, or ask for the form that the records have", looks, p.Form)
	if p.Problem != nil {
		p.Problem.Detail = detail
		return
	}
	p.fail(dataset.UnsupportedMedia, "", "the images of the record are not read as this form: "+detail)
}

// notUTF8 says where the first byte that is not UTF-8 is.
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

// fail records a problem of the sample. The first one stays: later ones often follow from it.
func (p *parser) fail(code reason.Code, field, detail string) {
	if p.Problem == nil {
		p.Problem = &dataset.Problem{Fault: dataset.Fault{Code: code, Field: field, Detail: detail}, Place: p.Place}
	}
}

// flag marks the sample as one that the reference implementation does not have.
func (p *parser) flag() { p.Flags = []string{dataset.OffReference} }

// wrongType records that a field does not hold what it should.
func (p *parser) wrongType(field string, value json.RawMessage, expected string) {
	p.fail(dataset.WrongType, field, "found "+jsontext.Describe(value)+"; write "+expected)
}

func (p *parser) readID(value json.RawMessage) {
	p.use("id")
	switch jsontext.TypeOf(value) {
	case jsontext.None:
	case jsontext.Number:
		p.ID = string(value)
	case jsontext.String:
		if id := jsontext.Text(value); id != "" {
			p.ID = id
		}
	default:
		p.wrongType("id", value, "a string or a number")
	}
}

// sourceFields are the fields that say where a sample came from; the first with a text counts.
var sourceFields = []string{"data_source", "image_source", "source"}

// ownSource is the source that a field of the record names, if any.
func (p *parser) ownSource() string {
	for _, key := range sourceFields {
		if value := p.fields.Get(key); jsontext.TypeOf(value) == jsontext.String && jsontext.Text(value) != "" {
			return jsontext.Text(value)
		}
	}
	return ""
}

// readSource fills in where the sample came from; the manifest's name is there already.
func (p *parser) readSource() {
	if source := cmp.Or(p.ownSource(), p.part, p.reading.Source); source != "" {
		p.Source = source
		return
	}
	for _, image := range p.Images {
		name := cmp.Or(image.Name, image.Path)
		if name == "" {
			continue
		}
		if folder := dataset.TopFolder(name); folder != "" {
			p.Source = folder
		}
		return
	}
}
