package dataset

import (
	"encoding/base64"
	"encoding/json"
	"strconv"
	"strings"
)

// readImages reads the images of the first of the two fields that holds any.
func (p *parser) readImages(fields members) {
	for _, key := range []string{"image", "images"} {
		value := fields.get(key)
		if value == nil {
			continue
		}
		p.field = key
		list, field := []json.RawMessage{value}, func(int) string { return key }
		if typeOf(value) == jsonArray {
			list, field = items(value), func(i int) string { return key + "[" + strconv.Itoa(i) + "]" }
		}
		for i, item := range list {
			if image, ok := p.readImage(field(i), item); ok {
				p.listed = append(p.listed, image)
			}
		}
		if len(p.listed) > 0 {
			return
		}
	}
}

// readImage reads one image. It reports false where there is none, and where it has a fault.
func (p *parser) readImage(field string, value json.RawMessage) (Image, bool) {
	switch typeOf(value) {
	case jsonNone:
	case jsonString:
		return p.readName(field, text(value))
	case jsonObject:
		return p.readImageObject(field, items(value))
	default:
		p.wrongType(field, value, `an image's name, a data: URL, {"bytes": …, "path": …} or a list of those`)
	}
	return Image{}, false
}

// readImageObject reads an image in the form of Hugging Face's datasets library, where bytes come before the path that
// they were read from, or in that of a hosted API: {"url": …}, or {"type": "base64", "data": …}.
func (p *parser) readImageObject(field string, object members) (Image, bool) {
	dataKey, data := object.first("bytes", "data")
	nameKey, name := object.first("path", "url")
	switch {
	case typeOf(data) == jsonString:
		return p.readData(field+"."+dataKey, text(data))
	case typeOf(data) != jsonNone:
		p.wrongType(field+"."+dataKey, data, "the image as base64")
	case typeOf(name) == jsonString:
		return p.readName(field+"."+nameKey, text(name))
	case typeOf(name) != jsonNone:
		p.wrongType(field+"."+nameKey, name, "the image's name")
	default:
		p.fail(WrongType, field,
			"the object holds neither bytes nor path; write one of them, or null where there is no image")
	}
	return Image{}, false
}

// readName reads an image that is a name or a data URL. An empty name is no image.
func (p *parser) readName(field, name string) (Image, bool) {
	if name == "" {
		return Image{}, false
	}
	if head, data, ok := strings.Cut(name, ","); len(name) > 5 && strings.EqualFold(name[:5], "data:") {
		if !ok || !strings.HasSuffix(strings.ToLower(head), ";base64") {
			p.fail(ImageDataBroken, field,
				"found "+quote(name, quoted)+"; write data:image/jpeg;base64, and the image as base64")
			return Image{}, false
		}
		return p.readData(field, data)
	}
	if _, err := CleanImageName(name); err != nil {
		p.fail(ImageNameUnsafe, field, err.Error())
		return Image{}, false
	}
	return Image{Name: name}, true
}

// readData reads an embedded image.
func (p *parser) readData(field, encoded string) (Image, bool) {
	data, err := base64.StdEncoding.DecodeString(encoded)
	switch {
	case err != nil:
		p.fail(ImageDataBroken, field, err.Error()+"; encode the image's bytes as standard base64 with padding")
		return Image{}, false
	case len(data) == 0:
		p.fail(ImageDataBroken, field, "the data is empty; embed the image's bytes, or write null where there is no image")
		return Image{}, false
	}
	return Image{Data: data}, true
}
