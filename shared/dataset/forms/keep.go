package forms

import (
	"encoding/json"
	"slices"

	"github.com/harvest-ml/harvest/shared/dataset"
	"github.com/harvest-ml/harvest/shared/dataset/jsontext"
)

// isFormOf reports whether a record already has the form, and its values have the types of the form. Such a record is
// not converted, so it loses nothing. If it has an id, the id must be a text; in a container it must have one.
func (o output) isFormOf(p *parser) bool {
	r := p.reading
	if r.Root != "" || r.Source != "" || len(r.Columns)+len(r.Tags) > 0 || len(p.others()) > 0 {
		return false
	}
	if !p.hasID() {
		return false
	}
	for _, key := range turnLists {
		if key != o.turns && p.has(key) {
			return false
		}
	}
	keys := o.turnKeys(p)
	for _, key := range p.losses.used {
		if key != "id" && key != o.images && !slices.Contains(keys, key) {
			return false
		}
	}
	return o.hasPlaces(p) && o.hasImages(p) && o.hasTurns(p, keys)
}

// hasID reports whether a record has a text as its id, or needs no id because it is not in a container.
func (p *parser) hasID() bool {
	id := p.fields.Get("id")
	if id == nil {
		return !p.Place.InContainer()
	}
	return jsontext.TypeOf(id) == jsontext.String && len(id) > len(`""`)
}

// turnKeys returns the fields of a record that have its turns, if the record has this form.
func (o output) turnKeys(p *parser) []string {
	if p.losses.prompt > 0 {
		return []string{"prompt", "completion"}
	}
	return []string{o.turns}
}

// hasPlaces reports whether the texts of turns mark the places of images as the form does.
func (o output) hasPlaces(p *parser) bool {
	marked := p.losses.mark == "" || p.losses.mark == dataset.ImageMark && !o.inParts
	return marked && (p.losses.inFront == 0 || o.name == Swift) // ms-swift puts images without a place in front, too
}

// hasImages reports whether the images of a record are in the form's field, and the value has the form's type.
func (o output) hasImages(p *parser) bool {
	if len(p.own) > 0 && (o.images != "" || len(p.listed) > 0) {
		return false
	}
	if o.images == "" {
		return len(p.listed) == 0
	}
	value := p.fields.Get(o.images)
	switch jsontext.TypeOf(value) {
	case jsontext.None:
		return true
	case jsontext.String:
		return o.single
	case jsontext.Array:
		names := jsontext.Items(value)
		return (!o.single || len(names) > 1) &&
			!slices.ContainsFunc(names, func(name json.RawMessage) bool { return jsontext.TypeOf(name) != jsontext.String })
	default:
		return false
	}
}

// hasTurns reports whether the turns of a record, in these fields, have the form.
func (o output) hasTurns(p *parser, keys []string) bool {
	if !o.pairs() && len(keys) > 1 || o.pairs() && len(keys) == 1 && p.has("prompt", "completion") {
		return false
	}
	images := 0
	for _, key := range keys {
		value := p.fields.Get(key)
		if jsontext.TypeOf(value) != jsontext.Array {
			return false
		}
		for _, turn := range jsontext.Items(value) {
			n, ok := o.hasTurn(turn)
			if !ok {
				return false
			}
			images += n
		}
	}
	return !o.inParts || images == len(p.Images) // each image has its part
}

// hasTurn reports whether a turn has the form, and counts the parts that are images.
func (o output) hasTurn(value json.RawMessage) (images int, ok bool) {
	if jsontext.TypeOf(value) != jsontext.Object {
		return 0, false
	}
	turn := jsontext.Members(jsontext.Items(value))
	role, content := turn.Get(o.role), turn.Get(o.content)
	if jsontext.TypeOf(role) != jsontext.String || !o.hasRole(jsontext.Text(role)) {
		return 0, false
	}
	switch jsontext.TypeOf(content) {
	case jsontext.None: // a call of a tool, without a text
		return 0, content != nil && jsontext.Holds(turn.Get("tool_calls"), turn.Get("function_call"))
	case jsontext.String:
		return 0, !o.inParts
	case jsontext.Array:
		images, ok = o.hasParts(content)
		return images, ok && o.inParts
	default:
		return 0, false
	}
}

// hasRole reports whether the form has a role with this name.
func (o output) hasRole(name string) bool {
	return name == o.human || name == o.model || name == "system" || name == "developer" && o.role == "role" ||
		roleOf(name) == dataset.Tool
}

// hasParts reports whether content parts have the form, and counts the parts that are images.
func (o output) hasParts(content json.RawMessage) (images int, ok bool) {
	for _, value := range jsontext.Items(content) {
		if jsontext.TypeOf(value) != jsontext.Object {
			return 0, false
		}
		part := jsontext.Members(jsontext.Items(value))
		kind := part.Get("type")
		if jsontext.TypeOf(kind) != jsontext.String {
			return 0, false
		}
		switch name := jsontext.Text(kind); {
		case name == "text" && jsontext.TypeOf(part.Get("text")) == jsontext.String:
		case name == "image" && o.images != "":
			if index := part.Get("index"); jsontext.TypeOf(index) != jsontext.None {
				return 0, false
			}
			images++
		case name == "image_url" && o.images == "":
			url := part.Get("image_url")
			if jsontext.TypeOf(url) != jsontext.Object ||
				jsontext.TypeOf(jsontext.Members(jsontext.Items(url)).Get("url")) != jsontext.String {
				return 0, false
			}
			images++
		default:
			return 0, false
		}
	}
	return images, true
}

// has reports whether one of these fields of the record is not empty.
func (p *parser) has(keys ...string) bool { return record{fields: p.fields}.has(keys...) }

// keep returns a record that already has the form, with the new names of its images. before has the earlier names; nil
// if the images had no names.
func (o output) keep(p *parser, before any) []byte {
	var out objectWriter
	for i := 0; i < len(p.fields); i += 2 {
		switch key := jsontext.Text(p.fields[i]); {
		case key == o.images:
			out.add(key, o.names(p))
		case key == "data_source" && p.ownSource() == "":
		case key == imageNames && (before != nil || !jsontext.Holds(p.fields[i+1])):
		default:
			out.add(key, p.fields[i+1])
		}
	}
	if p.ownSource() == "" { // the source came from the names of images, or from the manifest
		out.add("data_source", p.Source)
	}
	if before != nil && (!o.keepsPaths || jsontext.Holds(p.fields.Get(imageNames))) {
		out.add(imageNames, before)
	}
	return out.close()
}
