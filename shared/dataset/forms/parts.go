package forms

import (
	"encoding/json"
	"strconv"
	"strings"

	"github.com/harvest-ml/harvest/shared/dataset"
	"github.com/harvest-ml/harvest/shared/dataset/jsontext"
)

// readParts reads content that is a list of parts, as in the forms of OpenAI, Qwen and Hugging Face's chat templates. A
// part is a text or an image; the image is in the part or in the record's image field. Texts are joined without a
// separator. It returns false if the list has other values.
func (p *parser) readParts(field string, list json.RawMessage) ([]piece, bool) {
	parts := jsontext.Items(list)
	for _, part := range parts {
		if jsontext.TypeOf(part) != jsontext.Object {
			p.wrongType(field, list, expectedText)
			return nil, false
		}
	}
	var pieces []piece
	for i, part := range parts {
		pieces = append(pieces, p.readPart(field+"["+strconv.Itoa(i)+"]", jsontext.Items(part))...)
	}
	return pieces, true
}

// partKinds maps the type of a content part to its kind. If a part has no type, its keys are looked up.
var partKinds = map[string]string{
	"text": "text", "input_text": "text", "output_text": "text", "refusal": "text",
	"image": "image", "image_url": "image", "input_image": "image",
	"video": "video", "video_url": "video", "input_video": "video",
	"audio": "audio", "audio_url": "audio", "input_audio": "audio",
	"file": "file", "input_file": "file",
	"tool_use": "tool", "tool_result": "tool", "tool_call": "tool",
}

// readPart reads one content part. It returns one piece, or none.
func (p *parser) readPart(field string, part jsontext.Members) []piece {
	name := ""
	switch kind := part.Get("type"); jsontext.TypeOf(kind) {
	case jsontext.String:
		name = jsontext.Text(kind)
	case jsontext.None:
		for _, key := range []string{"text", "image", "image_url", "video", "audio"} {
			if name == "" && jsontext.TypeOf(part.Get(key)) != jsontext.None {
				name = key
			}
		}
	default:
		p.wrongType(field+".type", kind, "text or image")
		return nil
	}
	switch partKinds[name] {
	case "text":
		return p.readTextPart(field, part)
	case "image":
		return p.readImagePart(field, part)
	case "tool":
		p.flag() // the part stays in the record, and is not rated
		p.lose(field)
	case "":
		p.fail(dataset.WrongType, field+".type", "found "+jsontext.Quote(name, quoted)+"; write a part of type text or image")
	default:
		p.unsupported(field, partKinds[name])
	}
	return nil
}

func (p *parser) readTextPart(field string, part jsontext.Members) []piece {
	key, value := part.First("text", "refusal")
	p.keepOnly(field, part, key, "type")
	switch jsontext.TypeOf(value) {
	case jsontext.None:
	case jsontext.String:
		return []piece{{text: jsontext.Text(value)}}
	case jsontext.Number:
		p.flag()
		return []piece{{text: string(value)}}
	default:
		p.wrongType(field+"."+key, value, "the part's text as one string")
	}
	return nil
}

// readImagePart reads the image of a part. A part that names no image stands for the next image of the record's field.
func (p *parser) readImagePart(field string, part jsontext.Members) []piece {
	key, value := part.First("image", "image_url", "source", "url", "path", "base64")
	p.keepOnly(field, part, key, "type", "index")
	var image dataset.Image
	var ok bool
	switch {
	case jsontext.TypeOf(value) == jsontext.None && jsontext.Holds(part.Get("file_id")):
		p.fail(dataset.UnsupportedMedia, field+".file_id",
			"the part names a file that OpenAI stores; name the image in image_url, or embed it as a data: URL")
		return nil
	case jsontext.TypeOf(value) == jsontext.None:
		return []piece{{image: unplaced, index: partIndex(part)}}
	case key == "base64" && jsontext.TypeOf(value) == jsontext.String && !strings.HasPrefix(jsontext.Text(value), "data:"):
		image, ok = p.readData(field+"."+key, jsontext.Text(value))
	default:
		image, ok = p.readImage(field+"."+key, value)
	}
	if !ok {
		return nil
	}
	p.own = append(p.own, image)
	return []piece{{image: len(p.own)}}
}

// partIndex returns the number, from 1, of the image that a part names by its index; 0 if the part has no index.
func partIndex(part jsontext.Members) int {
	value := part.Get("index")
	if jsontext.TypeOf(value) != jsontext.Number {
		return 0
	}
	index, err := strconv.Atoi(string(value))
	if err != nil || index < 0 {
		return 0
	}
	return index + 1
}
