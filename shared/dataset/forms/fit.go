package forms

import (
	"encoding/json"
	"reflect"
	"slices"

	"github.com/harvest-ml/harvest/shared/dataset"
	"github.com/harvest-ml/harvest/shared/dataset/jsontext"
)

// fitted reads a record of the form again, with the id, the images and the texts of turns changed to what the form has.
// So a record that differs from the form in nothing else keeps the other fields of its turns. It is nil if the record
// differs in more.
func (o output) fitted(p *parser, table []Form) *parser {
	raw := o.fit(p)
	if raw == nil {
		return nil
	}
	again := parser{Sample: dataset.NewSample(raw, p.Place), reading: p.reading, losses: &losses{}}
	again.parse(table)
	if again.Problem != nil || again.ID != p.ID || again.Source != p.Source ||
		!slices.Equal(again.losses.lost, p.losses.lost) || !reflect.DeepEqual(o.turnsOf(p), again.Turns) ||
		!reflect.DeepEqual(p.Images, again.Images) || !o.isFormOf(&again) {
		return nil
	}
	return &again
}

// fit is a record with its id, images and texts of turns as the form has them; nil if that is not possible.
func (o output) fit(p *parser) []byte {
	keys := o.turnKeys(p)
	turns := o.fitTurns(p, keys)
	if turns == nil {
		return nil
	}
	var out objectWriter
	if p.fields.Get("id") == nil && p.Place.InContainer() {
		out.add("id", p.ID)
	}
	for i := 0; i < len(p.fields); i += 2 {
		key, value := jsontext.Text(p.fields[i]), p.fields[i+1]
		switch at := slices.Index(keys, key); {
		case at >= 0:
			out.add(key, turns[at])
		case key == "id" && !p.hasID():
			out.add(key, p.ID)
		case key == p.field && (key != o.images || !o.hasImages(p)):
			if names := o.names(p); o.images != "" && names != nil {
				out.add(o.images, names)
			}
		case key != p.field && slices.Contains(imageLists, key):
			if jsontext.Holds(value) && !slices.Contains(p.losses.used, key) {
				return nil
			}
		default:
			out.add(key, value)
		}
	}
	return out.close()
}

// imageLists are the fields in which outputs have images.
var imageLists = []string{"image", "images"}

// fitTurns are the turns in each of the fields of these names, with texts as the form has them; nil if one of them is
// no turn of the form.
func (o output) fitTurns(p *parser, keys []string) [][]any {
	said, n, images := o.turnsOf(p), 0, 0
	var lists [][]any
	for i, key := range keys {
		items := []json.RawMessage{p.fields.Get(key)}
		switch jsontext.TypeOf(items[0]) {
		case jsontext.Array:
			items = jsontext.Items(items[0])
		case jsontext.String: // TRL's prompt, or its completion
			role := []string{o.human, o.model}[i]
			items[0] = jsontext.Append(nil, ordered{{o.role, role}, {o.content, jsontext.Text(items[0])}})
		default:
			return nil
		}
		var list []any
		for _, item := range items {
			if n == len(said) || jsontext.TypeOf(item) != jsontext.Object {
				return nil
			}
			var turn ordered
			for members := jsontext.Items(item); len(members) > 0; members = members[2:] {
				key, value := jsontext.Text(members[0]), any(members[1])
				if key == o.content {
					value = o.fitContent(p, members[1], said[n], n+1 == p.losses.inFront, &images)
				}
				turn = append(turn, member{key, value})
			}
			list = append(list, turn)
			n++
		}
		lists = append(lists, list)
	}
	if n != len(said) {
		return nil
	}
	return lists
}

// fitContent is the content of a turn as the form has it. first says that images without a place are put before it, and
// images counts those in the texts before it.
func (o output) fitContent(p *parser, content json.RawMessage, said dataset.Turn, first bool, images *int) any {
	isText := jsontext.TypeOf(content) == jsontext.String
	switch {
	case isText && o.inParts:
		return o.parts(p, said, images)
	case isText && !o.hasPlaces(p):
		return said.Text()
	case first && o.inParts && o.images != "" && jsontext.TypeOf(content) == jsontext.Array:
		var parts []any
		for range p.listed {
			parts = append(parts, ordered{{"type", "image"}})
		}
		for _, part := range jsontext.Items(content) {
			parts = append(parts, part)
		}
		return parts
	}
	return content
}
