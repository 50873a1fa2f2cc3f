package dataset

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"path"
	"strconv"
	"strings"
)

// quoted is how many bytes of a faulty value a Problem's detail repeats.
const quoted = 60

// Parse reads one record, in LLaVA's form (`conversations` of from/value) or OpenAI's (`messages` of
// role/content), and checks its structure. The sample keeps raw. Keys that it does not know are
// ignored; of equal keys the last one counts; bytes that are not UTF-8 become U+FFFD in the sample's
// texts and stay as they are in Raw.
func Parse(raw []byte, place Place) *Sample {
	s := newSample(raw, place)
	value := json.RawMessage(bytes.TrimSpace(raw))
	if !json.Valid(value) {
		var syntax *json.SyntaxError
		errors.As(json.Unmarshal(raw, new(json.RawMessage)), &syntax)
		s.fail(NotAnObject, "", fmt.Sprintf("%v at byte %d of the record; correct the JSON there", syntax, syntax.Offset))
		return s
	}
	if kindOf(value) != jsonObject {
		s.fail(NotAnObject, "", "the record is "+describe(value)+`; write it as {"id": …, "image": …, "conversations": […]}`)
		return s
	}
	fields := members(items(value))
	s.readID(fields.get("id"))
	s.readTurns(fields)
	s.readImages(fields)
	s.readSource(fields)
	if marks := s.marks(); s.Problem == nil && marks != len(s.Images) {
		s.fail(ImageCount, "", fmt.Sprintf(
			"%d %s marks in the turns, but %d images; write one mark for each image, in their order", marks, ImageMark, len(s.Images)))
	}
	return s
}

// newSample is the sample of a record of which only the place is known.
func newSample(raw []byte, place Place) *Sample {
	return &Sample{
		ID:     place.Manifest + "#" + strconv.FormatInt(place.Element, 10),
		Source: strings.TrimSuffix(place.Manifest, path.Ext(place.Manifest)),
		Place:  place,
		Raw:    raw,
	}
}

// fail notes a problem of the sample. The first one stays: later ones often follow from it.
func (s *Sample) fail(kind, field, detail string) {
	if s.Problem == nil {
		s.Problem = &Problem{Kind: kind, Field: field, Detail: detail, Place: s.Place}
	}
}

// wrongType notes that a field does not hold what it should.
func (s *Sample) wrongType(field string, value json.RawMessage, want string) {
	s.fail(WrongType, field, "found "+describe(value)+"; write "+want)
}

func (s *Sample) readID(value json.RawMessage) {
	switch kindOf(value) {
	case jsonNone:
	case jsonNumber:
		s.ID = string(value)
	case jsonString:
		if id := text(value); id != "" {
			s.ID = id
		}
	default:
		s.wrongType("id", value, "a string or a number")
	}
}

func (s *Sample) readTurns(fields members) {
	key, list := fields.either("conversations", "messages")
	switch kindOf(list) {
	case jsonNone:
		s.fail(NoConversation, key, "the record has none; add the turns of a human and the model")
		return
	case jsonArray:
	default:
		s.wrongType(key, list, "a list of turns")
		return
	}
	turns := items(list)
	if len(turns) == 0 {
		s.fail(NoConversation, key, "the list is empty; add the turns of a human and the model")
		return
	}
	var before Role
	answered := false
	for i, value := range turns {
		role := s.readTurn(key+"["+strconv.Itoa(i)+"]", value, before)
		answered = answered || role == Model
		before = role
	}
	if !answered {
		s.fail(NoAnswer, key, "no turn is the model's; add the answer to be trained on, with role gpt or assistant")
	}
}

// readTurn reads the turn that follows one of role before ("" for the first) and returns its role, ""
// where it has none.
func (s *Sample) readTurn(field string, value json.RawMessage, before Role) Role {
	if kindOf(value) != jsonObject {
		s.wrongType(field, value, `a turn like {"from": "human", "value": "…"}`)
		return ""
	}
	turn := members(items(value))
	roleKey, name := turn.either("from", "role")
	textKey, words := turn.either("value", "content")
	role := s.readRole(field+"."+roleKey, name)
	switch {
	case role == "":
	case role == Model && before == "":
		s.fail(RolesAlternate, field+"."+roleKey, "the model speaks first; begin with a turn of the human")
	case role == before:
		s.fail(RolesAlternate, field+"."+roleKey,
			fmt.Sprintf("%s speaks twice in a row; merge the two turns, or add the one that is missing between them", role))
	}
	if said, ok := s.readText(field+"."+textKey, words); role != "" && ok {
		s.Turns = append(s.Turns, Turn{Role: role, Text: said})
	}
	return role
}

func (s *Sample) readRole(field string, value json.RawMessage) Role {
	switch kindOf(value) {
	case jsonNone:
		s.fail(RoleUnknown, field, "the turn has no role; write human (or user) or gpt (or assistant)")
		return ""
	case jsonString:
	default:
		s.wrongType(field, value, "human or gpt")
		return ""
	}
	switch name := text(value); name {
	case "human", "user":
		return Human
	case "gpt", "assistant", "model":
		return Model
	case "system":
		s.fail(RoleUnknown, field,
			`found "system", but samples are rated under one fixed system prompt; remove the turn, or put its text at the head of the first human turn`)
	default:
		s.fail(RoleUnknown, field, "found "+quote(name, quoted)+"; write human (or user) or gpt (or assistant)")
	}
	return ""
}

func (s *Sample) readText(field string, value json.RawMessage) (string, bool) {
	switch kindOf(value) {
	case jsonNone:
		s.fail(EmptyTurn, field, "the turn has no text; add it, or remove the turn and the one that it belongs to")
		return "", false
	case jsonString:
	default:
		s.wrongType(field, value, "the turn's text as one string, with "+ImageMark+" where an image belongs")
		return "", false
	}
	words := text(value)
	if strings.TrimSpace(words) == "" {
		s.fail(EmptyTurn, field, "the turn's text is blank; add it, or remove the turn and the one that it belongs to")
		return "", false
	}
	return words, true
}

// readImages reads the images of the first of the two fields that holds any.
func (s *Sample) readImages(fields members) {
	for _, key := range []string{"image", "images"} {
		value := fields.get(key)
		if kindOf(value) != jsonArray {
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
	switch kindOf(value) {
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
	case kindOf(data) == jsonString:
		s.addData(field+".bytes", text(data))
	case kindOf(data) != jsonNone:
		s.wrongType(field+".bytes", data, "the image as base64")
	case kindOf(name) == jsonString:
		s.addImage(field+".path", text(name))
	case kindOf(name) != jsonNone:
		s.wrongType(field+".path", name, "the image's name")
	default:
		s.fail(WrongType, field, "the object holds neither bytes nor path; write one of them, or null where there is no image")
	}
}

// addImage adds the image of a name or a data URL. An empty name is no image.
func (s *Sample) addImage(field, name string) {
	if name == "" {
		return
	}
	if head, data, ok := strings.Cut(name, ","); len(name) > 5 && strings.EqualFold(name[:5], "data:") {
		if !ok || !strings.HasSuffix(strings.ToLower(head), ";base64") {
			s.fail(ImageDataBroken, field, "found "+quote(name, quoted)+"; write data:image/jpeg;base64, and the image as base64")
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

// readSource fills in where the sample came from; the manifest's name is there already.
func (s *Sample) readSource(fields members) {
	for _, key := range []string{"data_source", "image_source", "source"} {
		if kindOf(fields.get(key)) != jsonString {
			continue
		}
		if source := text(fields.get(key)); source != "" {
			s.Source = source
			return
		}
	}
	for _, image := range s.Images {
		if image.Name == "" {
			continue
		}
		if folder := topFolder(image.Name); folder != "" {
			s.Source = folder
		}
		return
	}
}

// marks counts the places for images in the sample's turns.
func (s *Sample) marks() int {
	n := 0
	for _, turn := range s.Turns {
		n += strings.Count(turn.Text, ImageMark)
	}
	return n
}
