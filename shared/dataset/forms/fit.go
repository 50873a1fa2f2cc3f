package forms

import (
	"encoding/json"
	"reflect"
	"slices"

	"github.com/harvest-ml/harvest/shared/dataset"
	"github.com/harvest-ml/harvest/shared/dataset/jsontext"
)

// fitted changes only the id, the images and the texts of turns of a record to those of the form, and parses the
// result. So the turns keep their other fields. It returns nil if this is not enough for a record of the form.
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

// fit returns the record with its id, images and texts of turns as in the form; nil if this is not possible.
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

// imageLists are the fields in which converted records have their images.
var imageLists = []string{"image", "images"}

// fitTurns returns, for each of these fields, its turns with texts as in the form. It returns nil if one of them is not
// a turn of the form.
func (o output) fitTurns(p *parser, keys []string) [][]any {
	said, n, images := o.turnsOf(p), 0, 0
	var lists [][]any
	for i, key := range keys {
		items := []json.RawMessage{p.fields.Get(key)}
		switch jsontext.TypeOf(items[0]) {
		case jsontext.Array:
			items = jsontext.Items(items[0])
		case jsontext.String: // the prompt or the completion of TRL
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

// fitContent returns the content of a turn as in the form. first reports whether images without a place are put before
// this turn. images is the number of images in texts before this turn; fitContent adds the turn's images.
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
