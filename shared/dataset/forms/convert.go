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

// An output is a form that records are converted to. Each of its keys has one type, because loaders refuse a column
// with two types.
type output struct {
	name string
	// images is the key of the list of images, empty where images are parts of the turns that name them.
	images string
	// turns is the key of the list of turns; role, content, human and model name what is in them.
	turns, role, content, human, model string
	// inParts says that a turn is a list of parts, and that an image is one of these parts.
	inParts bool
	// keepsPaths says that the form has a place for the earlier names of images.
	keepsPaths bool
	// single says that images is the name of a single image, a list of several, and no field where there is none: so its
	// key has two types, for a program that makes no columns.
	single bool
}

var outputs = []output{
	{LLaVA, "image", "conversations", "from", "value", "human", "gpt", false, false, false},
	{LLaVATrainer, "image", "conversations", "from", "value", "human", "gpt", false, false, true},
	{"openai", "", "messages", "role", "content", "user", "assistant", true, false, false},
	{Swift, "images", "messages", "role", "content", "user", "assistant", false, false, false},
	{ShareGPT, "images", "conversations", "from", "value", "human", "gpt", false, false, false},
	{TRL, "images", "messages", "role", "content", "user", "assistant", true, false, false},
	{WebDataset, "image", "conversations", "from", "value", "human", "gpt", false, false, false},
	{Parquet, "images", "conversations", "from", "value", "human", "gpt", false, true, false},
}

// Names of forms that records are converted to.
const (
	// LLaVA, Swift and ShareGPT are those of LLaVA, of ms-swift, and of LLaMA-Factory.
	LLaVA, Swift, ShareGPT = "llava", "swift", "sharegpt"
	// LLaVATrainer is that of LLaVA's own trainer, which joins the field image with a folder's name. It is for exports
	// alone. Source: llava/train/train.py of LLaVA and LLaVA-NeXT, __getitem__.
	LLaVATrainer = "llava-trainer"
	// TRL is that of messages with parts, and a list of images.
	TRL = "trl"
	// WebDataset is the name of the form that is a tar: its records are those of LLaVA, and name members.
	WebDataset = "webdataset"
	// Parquet is the name of the form that is a Parquet file: its records are those of ShareGPT, and images is a column
	// of Hugging Face's images.
	Parquet = "parquet"
)

// ImagesField is the field of a record in Parquet that holds its images.
const ImagesField = "images"

// Outputs are the names of the forms that users convert records to.
func Outputs() []string {
	var names []string
	for _, o := range outputs {
		if !o.single {
			names = append(names, o.name)
		}
	}
	return names
}

// A LossError says that a record cannot be converted without a loss.
type LossError struct {
	Field  string // what would be lost: the path of a field in the record
	Detail string // why
}

// Error is the field and why it would be lost.
func (e *LossError) Error() string { return e.Field + ": " + e.Detail }

// A Converter writes a valid record in another form. place is where the record was read. images are the new names of
// its images, one for each. If images is nil, images keep their names; images of a container have none. Earlier names
// are kept in the list image_names, null for an image without one, unless the form has a place for them. A *LossError
// says what would be lost.
type Converter func(raw []byte, place dataset.Place, images []string) ([]byte, error)

// Converter converts records under this reading to the form of that name.
func (r Reading) Converter(name string) (Converter, error) {
	i := slices.IndexFunc(outputs, func(o output) bool { return o.name == name })
	if i < 0 {
		return nil, fmt.Errorf("%q is not a form to convert to%s; give one of %s",
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
		if images == nil {
			return outputs[i].convert(&p, nil)
		}
		before, err := p.rename(images)
		if err != nil {
			return nil, err
		}
		return outputs[i].convert(&p, before)
	}, nil
}

// imageNames is the field of a record that keeps the names which its images had before they were copied.
const imageNames = "image_names"

// rename gives the images of a record new names. It returns the earlier names as the value of imageNames; nil if there
// were none.
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
		len(jsontext.Items(kept)) == len(images): // of a conversion before
		return kept, nil
	default:
		return nil, &LossError{imageNames, "a field of this name says something else in the other form"}
	}
	if !named {
		return nil, nil
	}
	return names, nil
}

// losses are what a conversion has to know of a record next to its sample.
type losses struct {
	used []string // fields whose content is in the sample
	lost []string // paths of fields that are in no sample
}

// use notes that the content of fields is in the sample.
func (p *parser) use(fields ...string) {
	if p.losses != nil {
		p.losses.used = append(p.losses.used, fields...)
	}
}

// lose notes that a field is in no sample.
func (p *parser) lose(field string) {
	if p.losses != nil {
		p.losses.lost = append(p.losses.lost, field)
	}
}

// keepOnly notes the fields of an object as lost that hold anything, except for the known ones.
func (p *parser) keepOnly(field string, object jsontext.Members, known ...string) {
	if p.losses == nil {
		return
	}
	for i := 0; i < len(object); i += 2 {
		if key := jsontext.Text(object[i]); !slices.Contains(known, key) && jsontext.Holds(object[i+1]) {
			p.lose(field + "." + key)
		}
	}
}

const noPlace = "the other form has no place for it"

// convert writes the sample of a parser, and copies the fields that are not part of the sample. before are the names of
// images before they were renamed, if any.
func (o output) convert(p *parser, before any) ([]byte, error) {
	if len(p.losses.lost) > 0 {
		return nil, &LossError{p.losses.lost[0], noPlace}
	}
	var out objectWriter
	if jsontext.TypeOf(p.fields.Get("id")) != jsontext.None || p.Place.Key != "" {
		out.add("id", p.ID)
	}
	if o.images != "" {
		names := make([]string, 0, len(p.Images))
		for _, image := range p.Images {
			names = append(names, nameOf(image))
		}
		switch {
		case !o.single || len(names) > 1:
			out.add(o.images, names)
		case len(names) == 1:
			out.add(o.images, names[0])
		}
	}
	turns, err := o.list(p)
	if err != nil {
		return nil, err
	}
	out.add(o.turns, turns)
	if p.ownSource() == "" { // what else says it is the manifest, or the recipe
		out.add("data_source", p.Source)
	}
	for i := 0; i < len(p.fields); i += 2 {
		key := jsontext.Text(p.fields[i])
		switch {
		case slices.Contains(p.losses.used, key), out.has(key) && !jsontext.Holds(p.fields[i+1]):
		case key == imageNames && (before != nil || !jsontext.Holds(p.fields[i+1])):
		case out.has(key), key != "id" && readElsewhere(key) && jsontext.Holds(p.fields[i+1]):
			return nil, &LossError{key, "a field of this name says something else in the other form"}
		case !readElsewhere(key):
			out.add(key, p.fields[i+1])
		}
	}
	if before != nil && (!o.keepsPaths || jsontext.Holds(p.fields.Get(imageNames))) {
		out.add(imageNames, before)
	}
	converted := out.close()
	return converted, p.checkConverted(converted)
}

// readElsewhere reports whether some form reads a field of that name.
func readElsewhere(key string) bool {
	return slices.Contains(turnLists, key) || slices.Contains([]string{"id", "image", "images", "system"}, key)
}

// list are the turns in the output's form.
func (o output) list(p *parser) (list []any, err error) {
	image := 0
	for i, turn := range p.Turns {
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

// parts are the content parts of a turn. image counts the images before it.
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

// nameOf is an image as a name, or as a data URL.
func nameOf(image dataset.Image) string {
	if image.Data == nil {
		return image.Name
	}
	return "data:" + http.DetectContentType(image.Data) + ";base64," + base64.StdEncoding.EncodeToString(image.Data)
}

// checkConverted reads what was written: it has to be the same sample.
func (p *parser) checkConverted(converted []byte) error {
	again := Parse(converted, p.Place)
	switch {
	case again.Problem != nil:
		return &LossError{again.Problem.Field, "in the other form it is " + again.Problem.Reason()}
	case !reflect.DeepEqual(p.Turns, again.Turns):
		return &LossError{p.conversation, "the turns would be read otherwise"}
	case !reflect.DeepEqual(p.Images, again.Images):
		return &LossError{p.field, "the images would be read otherwise"}
	case p.ID != again.ID, p.Source != again.Source:
		return &LossError{"id and source", "they would be read otherwise"}
	}
	return nil
}
