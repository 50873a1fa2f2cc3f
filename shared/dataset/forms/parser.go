package forms

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/harvest-ml/harvest/shared/dataset"
	"github.com/harvest-ml/harvest/shared/dataset/jsontext"
	"github.com/harvest-ml/harvest/shared/scores/reason"
)

// quoted is the largest number of bytes of an invalid value that a fault quotes.
const quoted = 60

// A parser reads one record into its sample.
type parser struct {
	*dataset.Sample
	reading *Reading
	fields  jsontext.Members
	turns   []draft
	// own are the images in content parts and in the texts of turns. listed are the images in the record's image field.
	own, listed []dataset.Image
	// field is the name of the record's image field; "" if the record has no such field.
	field string
	// conversation is the name of the field that has the turns.
	conversation string
	// losses is for a conversion; nil if the record is only parsed.
	losses *losses
	// alone reports whether to ignore other conversations of the record.
	alone bool
	// part is the source that a turn names; "" if no turn names a source.
	part string
}

// parse parses the record in one of the forms of the table. The last form of the table fits any record.
func (p *parser) parse(table []Form) {
	if !utf8.Valid(p.Raw) {
		p.fail(dataset.NotUTF8, "", notUTF8(p.Raw))
	}
	value := json.RawMessage(bytes.TrimSpace(p.Raw))
	if syntax := jsontext.SyntaxError(p.Raw); syntax != nil {
		if path, most, at, deep := jsontext.TooDeep(p.Raw); deep && int64(at) < syntax.Offset {
			p.fail(dataset.NotAnObject, path, fmt.Sprintf("more than %d lists and objects are nested in each other; the "+
				"first one that is too deep begins at byte %d of the record; write the field with fewer levels, or remove it",
				most, at))
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

// syntaxFault returns a message about a syntax error in a record: its place, the text there, and the fix.
func syntaxFault(raw []byte, syntax *json.SyntaxError) string {
	at, fix := "", "correct the JSON there"
	if begin := int(syntax.Offset) - 1; begin >= 0 && begin < len(raw)-1 {
		rest, _, _ := bytes.Cut(raw[begin:], []byte("\n"))
		at = ": " + jsontext.Quote(strings.TrimRight(string(rest), "\r"), 40)
		if bytes.HasPrefix(rest, []byte("//")) || bytes.HasPrefix(rest, []byte("/*")) {
			fix = "JSON has no comments: remove them"
		}
	}
	return fmt.Sprintf("%v at byte %d of the record%s; %s", syntax, syntax.Offset, at, fix)
}

// brokenJSON returns the reason why a record is not exactly one JSON value. Only a line of JSONL can end within a value
// or have several values, so the message is about a line.
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
		return fmt.Sprintf("the line ends within the record, after byte %d: the record is cut short, or continues on the "+
			"next line%s", len(record), one)
	case first == "}" || first == "]" || first == `"` && closed && len(rest) > 0 && rest[0] == ':':
		return "the line is a part of a record: found " + jsontext.Quote(string(record), quoted) + " where a record begins" +
			one
	}
	return syntaxFault(record, syntax)
}

// checkForm adds a hint to the fault if the record is invalid, or loses its images, only because the reading names the
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
	detail := fmt.Sprintf("the record looks like %s, but --format (`format` in dataset.yaml) is %q; "+
		"leave it out, or give the form of the records", looks, p.Form)
	if p.Problem != nil {
		p.Problem.Detail = detail
		return
	}
	p.fail(dataset.UnsupportedMedia, "", "the images of the record are not read:  "+detail)
}

// notUTF8 returns a message about the first byte that is not UTF-8.
func notUTF8(raw []byte) string {
	at := 0
	for {
		r, size := utf8.DecodeRune(raw[at:])
		if r == utf8.RuneError && size <= 1 {
			return fmt.Sprintf("byte 0x%02x at byte %d of the record is not UTF-8 text; "+
				"save the file as UTF-8, as with `iconv -f ISO-8859-1 -t UTF-8`, or with -f GBK if it is Chinese", raw[at], at)
		}
		at += size
	}
}

// fail records a problem of the sample. Only the first problem is kept, because it often causes the others.
func (p *parser) fail(code reason.Code, field, detail string) {
	if p.Problem == nil {
		p.Problem = &dataset.Problem{Fault: dataset.Fault{Code: code, Field: field, Detail: detail}, Place: p.Place}
	}
}

// flag gives the sample the flag dataset.OffReference.
func (p *parser) flag() { p.Flags = []string{dataset.OffReference} }

// wrongType records a problem: the value of a field has a wrong type.
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

// sourceFields are the fields that name the source of a sample. The first of them that has a text is used.
var sourceFields = []string{"data_source", "image_source", "source"}

// ownSource returns the source that a field of the record names; "" if no field names a source.
func (p *parser) ownSource() string {
	for _, key := range sourceFields {
		if value := p.fields.Get(key); jsontext.TypeOf(value) == jsontext.String && jsontext.Text(value) != "" {
			return jsontext.Text(value)
		}
	}
	return ""
}

// readSource sets the sample's source. Until then, the source is the one that follows from the manifest's name.
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
