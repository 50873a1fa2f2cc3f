package forms

import (
	"cmp"
	"encoding/base64"
	"fmt"
	"net/http"
	"reflect"
	"slices"
	"strings"

	"github.com/harvest-ml/harvest/shared/dataset"
	"github.com/harvest-ml/harvest/shared/dataset/jsontext"
	"github.com/harvest-ml/harvest/shared/spelling"
)

// A Converter returns a valid record in another form. place is the place of the record in its manifest. images has a
// new name for each image of the record. If it is nil, the images keep their names; images in a container have no
// names. The earlier names are kept in the list image_names, which has null for an image without a name, unless the
// form has a place for them. If the record would lose content, the error is a *LossError.
type Converter func(raw []byte, place dataset.Place, images []string) ([]byte, error)

// Converter returns a Converter to the form with this name, for records with this reading.
func (r Reading) Converter(name string) (Converter, error) {
	i := slices.IndexFunc(outputs, func(o output) bool { return o.name == name })
	if i < 0 {
		return nil, fmt.Errorf("%q is not a form for converted records%s; give one of %s",
			name, spelling.Hint(name, Outputs()), strings.Join(Outputs(), ", "))
	}
	table, err := r.table()
	if err != nil {
		return nil, err
	}
	return func(raw []byte, place dataset.Place, images []string) ([]byte, error) {
		p := parser{Sample: dataset.NewSample(raw, place), reading: &r, losses: &losses{}}
		p.parse(table)
		if p.Problem != nil {
			return nil, p.Problem
		}
		o := outputs[i]
		if len(p.losses.lost) > 0 && !o.isFormOf(&p) {
			if fitted := o.fitted(&p, table); fitted != nil {
				p = *fitted
			}
		}
		return o.write(&p, images)
	}, nil
}

// write returns a record in the form. images are the new names of its images; nil if the images keep their names.
func (o output) write(p *parser, images []string) ([]byte, error) {
	keeps := o.isFormOf(p)
	if images == nil && keeps {
		return p.Raw, nil
	}
	var before any
	if images != nil {
		var err error
		if before, err = p.rename(images); err != nil {
			return nil, err
		}
	}
	switch {
	case keeps && len(images) == 0:
		return p.Raw, nil
	case keeps && o.images != "":
		return o.keep(p, before), nil
	}
	return o.convert(p, before)
}

// imageNames is the field of a record that keeps the names that its images had before they were copied.
const imageNames = "image_names"

// rename gives the images of a record new names. It returns the earlier names as the value of imageNames; nil if the
// images had no names.
func (p *parser) rename(images []string) (before any, err error) {
	if len(images) != len(p.Images) {
		return nil, fmt.Errorf("%s: %d names for %d images", p.Place, len(images), len(p.Images))
	}
	kept := p.fields.Get(imageNames)
	names, named, embedded := make([]*string, len(images)), false, true
	var renamed []dataset.Image
	for i, image := range p.Images {
		if name := cmp.Or(image.Name, image.Path); name != "" {
			names[i], named = &name, true
		}
		embedded = embedded && image.Embedded > 0
		renamed = append(renamed, dataset.Image{Name: images[i]})
	}
	p.Images = renamed
	switch {
	case !jsontext.Holds(kept):
	case embedded && len(images) > 0 && jsontext.TypeOf(kept) == jsontext.Array &&
		len(jsontext.Items(kept)) == len(images): // written by an earlier conversion
		return kept, nil
	default:
		return nil, &LossError{imageNames, otherwise}
	}
	if !named {
		return nil, nil
	}
	return names, nil
}

// convert writes the sample of a parser, and copies the fields that are not part of the sample. before has the names of
// the images before they were renamed; nil if they had no names.
func (o output) convert(p *parser, before any) ([]byte, error) {
	if loss := p.loss(o); loss != nil {
		return nil, loss
	}
	var out objectWriter
	out.add("id", p.ID)
	if o.images != "" {
		if names := o.names(p); names != nil {
			out.add(o.images, names)
		}
	}
	if err := o.addTurns(&out, p); err != nil {
		return nil, err
	}
	if p.ownSource() == "" { // the source comes from the manifest or the recipe
		out.add("data_source", p.Source)
	}
	used := p.losses.used
	for _, other := range p.others() { // their content is in the turns, too
		used = append(used, other.fields...)
	}
	for i := 0; i < len(p.fields); i += 2 {
		key := jsontext.Text(p.fields[i])
		switch {
		case slices.Contains(used, key), o.pairs() && p.repeats(key), out.has(key) && !jsontext.Holds(p.fields[i+1]):
		case key == imageNames && (before != nil || !jsontext.Holds(p.fields[i+1])):
		case out.has(key), o.reads(key) && jsontext.Holds(p.fields[i+1]):
			return nil, &LossError{key, otherwise}
		case !o.reads(key):
			out.add(key, p.fields[i+1])
		}
	}
	if before != nil && (!o.keepsPaths || jsontext.Holds(p.fields.Get(imageNames))) {
		out.add(imageNames, before)
	}
	converted := out.close()
	return converted, p.checkConverted(converted, o)
}

// names returns the value of the form's field of images. It returns nil if the form has no such field in a record
// without images.
func (o output) names(p *parser) any {
	names := make([]string, 0, len(p.Images))
	for _, image := range p.Images {
		names = append(names, nameOf(image))
	}
	switch {
	case !o.single || len(names) > 1:
		return names
	case len(names) == 1:
		return names[0]
	}
	return nil
}

// addTurns adds the turns. If the record and the form have a prompt and a completion, the turns are divided into these.
func (o output) addTurns(out *objectWriter, p *parser) error {
	turns := o.turnsOf(p)
	list, err := o.list(p, turns)
	if err != nil {
		return err
	}
	begin := p.losses.prompt
	if begin == 0 || !o.pairs() {
		out.add(o.turns, list)
		return nil
	}
	out.add("prompt", list[:begin])
	out.add("completion", list[begin:])
	return nil
}

// turnsOf returns the turns as the form has them. If images are parts, there is no line break after an image that was
// put before the first question.
func (o output) turnsOf(p *parser) []dataset.Turn {
	at := p.losses.inFront
	if at == 0 || !o.inParts {
		return p.Turns
	}
	turns := slices.Clone(p.Turns)
	turn := turns[at-1]
	segments := slices.Clone(turn.Segments)
	for i := 1; i < len(segments); i++ {
		if segments[i-1].Image > 0 {
			segments[i].Text = strings.TrimPrefix(segments[i].Text, "\n")
		}
	}
	turns[at-1] = dataset.JoinTurn(turn.Role, segments)
	return turns
}

// reads reports whether programs that read this form, or Harvest in any form, read a field with this name.
func (o output) reads(key string) bool {
	return slices.Contains(turnLists, key) || slices.Contains([]string{"id", "image", "images", "system"}, key) ||
		o.pairs() && (key == "prompt" || key == "completion")
}

// list returns turns as JSON values in the output's form.
func (o output) list(p *parser, turns []dataset.Turn) (list []any, err error) {
	image := 0
	for i, turn := range turns {
		role := map[dataset.Role]string{
			dataset.Human: o.human, dataset.Model: o.model, dataset.System: "system",
		}[turn.Role]
		if role == "" {
			return nil, &LossError{p.turns[i].field, "the turn of a tool: " + noPlace}
		}
		var content any
		if !o.inParts {
			for _, segment := range turn.Segments {
				if strings.Contains(segment.Text, dataset.ImageMark) {
					return nil, &LossError{p.turns[i].field, "the text " + dataset.ImageMark + " would be the place of an image"}
				}
			}
			content = turn.Text()
		} else {
			content = o.parts(p, turn, &image)
		}
		list = append(list, ordered{{o.role, role}, {o.content, content}})
	}
	return list, nil
}

// parts returns the content parts of a turn. image is the number of images before the turn; parts adds the turn's
// images.
func (o output) parts(p *parser, turn dataset.Turn, image *int) []any {
	list := []any{}
	for _, segment := range turn.Segments {
		if segment.Image == 0 {
			list = append(list, ordered{{"type", "text"}, {"text", segment.Text}})
			continue
		}
		if o.images != "" {
			list = append(list, ordered{{"type", "image"}})
		} else {
			url := ordered{{"url", nameOf(p.Images[*image])}}
			list = append(list, ordered{{"type", "image_url"}, {"image_url", url}})
		}
		*image++
	}
	return list
}

// nameOf returns the name of an image. For an embedded image, it returns a data URL.
func nameOf(image dataset.Image) string {
	if image.Data == nil {
		return image.Name
	}
	return "data:" + http.DetectContentType(image.Data) + ";base64," + base64.StdEncoding.EncodeToString(image.Data)
}

// checkConverted parses a converted record, and returns an error if it gives another sample.
func (p *parser) checkConverted(converted []byte, to output) error {
	again := Parse(converted, p.Place)
	switch {
	case again.Problem != nil:
		return &LossError{again.Problem.Field, "a problem of the converted record: " + again.Problem.Reason()}
	case !reflect.DeepEqual(to.turnsOf(p), again.Turns):
		return &LossError{p.conversation, "the converted record would have other turns"}
	case !reflect.DeepEqual(p.Images, again.Images):
		return &LossError{p.field, "the converted record would have other images"}
	case p.ID != again.ID, p.Source != again.Source:
		return &LossError{"id and source", "the converted record would have others"}
	}
	return nil
}
