package dataset

import (
	"encoding/base64"
	"encoding/json"
	"strconv"
	"strings"
)

// readImages reads the images of the first of the two fields that holds any.
func (s *Sample) readImages(fields members) {
	for _, key := range []string{"image", "images"} {
		value := fields.get(key)
		if typeOf(value) != jsonArray {
			s.readImage(key, value)
		} else {
			for i, item := range items(value) {
				s.readImage(key+"["+strconv.Itoa(i)+"]", item)
			}
		}
		if len(s.Images) > 0 {
			return
		}
	}
}

func (s *Sample) readImage(field string, value json.RawMessage) {
	switch typeOf(value) {
	case jsonNone:
	case jsonString:
		s.addImage(field, text(value))
	case jsonObject:
		s.readImageObject(field, items(value))
	default:
		s.wrongType(field, value, `an image's name, a data: URL, {"bytes": …, "path": …} or a list of those`)
	}
}

// readImageObject reads an image in the form of Hugging Face's datasets library, where bytes come
// before the path that they were read from.
func (s *Sample) readImageObject(field string, object members) {
	switch data, name := object.get("bytes"), object.get("path"); {
	case typeOf(data) == jsonString:
		s.addData(field+".bytes", text(data))
	case typeOf(data) != jsonNone:
		s.wrongType(field+".bytes", data, "the image as base64")
	case typeOf(name) == jsonString:
		s.addImage(field+".path", text(name))
	case typeOf(name) != jsonNone:
		s.wrongType(field+".path", name, "the image's name")
	default:
		s.fail(WrongType, field,
			"the object holds neither bytes nor path; write one of them, or null where there is no image")
	}
}

// addImage adds the image of a name or a data URL. An empty name is no image.
func (s *Sample) addImage(field, name string) {
	if name == "" {
		return
	}
	if head, data, ok := strings.Cut(name, ","); len(name) > 5 && strings.EqualFold(name[:5], "data:") {
		if !ok || !strings.HasSuffix(strings.ToLower(head), ";base64") {
			s.fail(ImageDataBroken, field,
				"found "+quote(name, quoted)+"; write data:image/jpeg;base64, and the image as base64")
			return
		}
		s.addData(field, data)
		return
	}
	if _, err := CleanImageName(name); err != nil {
		s.fail(ImageNameUnsafe, field, err.Error())
		return
	}
	s.Images = append(s.Images, Image{Name: name})
}

func (s *Sample) addData(field, encoded string) {
	data, err := base64.StdEncoding.DecodeString(encoded)
	switch {
	case err != nil:
		s.fail(ImageDataBroken, field, err.Error()+"; encode the image's bytes as standard base64 with padding")
	case len(data) == 0:
		s.fail(ImageDataBroken, field, "the data is empty; embed the image's bytes, or write null where there is no image")
	default:
		s.Images = append(s.Images, Image{Data: data})
	}
}
