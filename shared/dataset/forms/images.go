package forms

import (
	"encoding/base64"
	"encoding/json"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/harvest-ml/harvest/shared/dataset"
	"github.com/harvest-ml/harvest/shared/dataset/jsontext"
)

// readImages reads the images in the first of these fields that is not empty.
func (p *parser) readImages(keys ...string) {
	for _, key := range keys {
		value := p.fields.Get(key)
		if value == nil {
			continue
		}
		p.field = key
		p.use(key)
		list, field := []json.RawMessage{value}, func(int) string { return key }
		if jsontext.TypeOf(value) == jsontext.Array {
			list, field = jsontext.Items(value), func(i int) string { return key + "[" + strconv.Itoa(i) + "]" }
		}
		for i, item := range list {
			if image, ok := p.readImage(field(i), item); ok {
				p.listed = append(p.listed, image)
			}
		}
		if len(p.listed) > 0 {
			p.useSameImages(key, keys)
			return
		}
	}
}

// useSameImages notes that the content of other fields of images is in the sample, if it equals the content of the
// field key.
func (p *parser) useSameImages(key string, keys []string) {
	if p.losses == nil {
		return
	}
	items := func(value json.RawMessage) []json.RawMessage {
		if jsontext.TypeOf(value) == jsontext.Array {
			return jsontext.Items(value)
		}
		return []json.RawMessage{value}
	}
	equal := func(a, b json.RawMessage) bool {
		return jsontext.TypeOf(a) == jsontext.String && jsontext.TypeOf(b) == jsontext.String &&
			jsontext.Text(a) == jsontext.Text(b)
	}
	for _, other := range keys {
		if slices.EqualFunc(items(p.fields.Get(key)), items(p.fields.Get(other)), equal) {
			p.use(other)
		}
	}
}

// readImage reads one image. It returns false if there is no image, or if the image has a fault.
func (p *parser) readImage(field string, value json.RawMessage) (dataset.Image, bool) {
	switch jsontext.TypeOf(value) {
	case jsontext.None:
	case jsontext.String:
		return p.readName(field, jsontext.Text(value))
	case jsontext.Object:
		return p.readImageObject(field, jsontext.Items(value))
	default:
		p.wrongType(field, value, `an image's name, a data: URL, {"bytes": …, "path": …} or a list of these`)
	}
	return dataset.Image{}, false
}

// readImageObject reads an image that is an object. Hugging Face's datasets library writes {"bytes": …, "path": …}.
// Hosted APIs have {"url": …} or {"type": "base64", "data": …}. If the object has bytes, its path is not used.
func (p *parser) readImageObject(field string, object jsontext.Members) (dataset.Image, bool) {
	dataKey, data := object.First("bytes", "data")
	nameKey, name := object.First("path", "url")
	if embedded := object.Get("embedded"); embedded != nil && p.Place.InContainer() {
		p.keepOnly(field, object, "path", "url", "embedded", "type")
		return p.readEmbedded(field, embedded, name)
	}
	p.keepOnly(field, object, dataKey, nameKey, "type", "media_type")
	if jsontext.TypeOf(data) == jsontext.String && jsontext.Holds(name) {
		p.lose(field + "." + nameKey)
	}
	switch {
	case jsontext.TypeOf(data) == jsontext.String:
		return p.readData(field+"."+dataKey, jsontext.Text(data))
	case jsontext.TypeOf(data) != jsontext.None:
		p.wrongType(field+"."+dataKey, data, "the image as base64")
	case jsontext.TypeOf(name) == jsontext.String:
		return p.readName(field+"."+nameKey, jsontext.Text(name))
	case jsontext.TypeOf(name) != jsontext.None:
		p.wrongType(field+"."+nameKey, name, "the image's name")
	default:
		p.fail(dataset.WrongType, field,
			"the object has neither bytes nor path; write one of them, or null if there is no image")
	}
	return dataset.Image{}, false
}

// readEmbedded reads an image in the record's container: {"path": "a.jpg", "embedded": 0}. The number in embedded is
// the index, from 0, of the image among the binary values of the record.
func (p *parser) readEmbedded(field string, number, path json.RawMessage) (dataset.Image, bool) {
	n, err := strconv.Atoi(string(number))
	if err != nil || n < 0 || n >= math.MaxInt32 {
		p.wrongType(field+".embedded", number, "the number of an image of the record")
		return dataset.Image{}, false
	}
	image := dataset.Image{Embedded: n + 1}
	if jsontext.TypeOf(path) == jsontext.String {
		image.Path = jsontext.Text(path)
	}
	return image, true
}

// readName reads an image that is a name or a data URL. An empty name is not an image.
func (p *parser) readName(field, name string) (dataset.Image, bool) {
	if name == "" {
		return dataset.Image{}, false
	}
	if head, data, ok := strings.Cut(name, ","); len(name) > 5 && strings.EqualFold(name[:5], "data:") {
		if !ok || !strings.HasSuffix(strings.ToLower(head), ";base64") {
			p.fail(dataset.ImageDataBroken, field,
				"found "+jsontext.Quote(name, quoted)+"; write data:image/jpeg;base64, and the image as base64")
			return dataset.Image{}, false
		}
		return p.readData(field, data)
	}
	name = p.reading.under(name)
	if _, err := dataset.CleanImageName(name); err != nil {
		p.fail(dataset.ImageNameUnsafe, field, err.Error())
		return dataset.Image{}, false
	}
	return dataset.Image{Name: name}, true
}

// readData reads an embedded image.
func (p *parser) readData(field, encoded string) (dataset.Image, bool) {
	data, err := base64.StdEncoding.DecodeString(encoded)
	switch {
	case err != nil:
		p.fail(dataset.ImageDataBroken, field, err.Error()+"; encode the image's bytes as standard base64 with padding")
		return dataset.Image{}, false
	case len(data) == 0:
		p.fail(dataset.ImageDataBroken, field,
			"the data is empty; embed the image's bytes, or write null if there is no image")
		return dataset.Image{}, false
	}
	return dataset.Image{Data: data}, true
}
