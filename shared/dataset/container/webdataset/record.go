package webdataset

import (
	"bytes"
	"encoding/json"
	"path"
	"slices"
	"strconv"
	"strings"

	"github.com/harvest-ml/harvest/shared/dataset"
	"github.com/harvest-ml/harvest/shared/dataset/jsontext"
)

var (
	// imageExtensions are the file extensions of image members. Some formats have no decoder here: their samples fail, and
	// the reason names the format.
	imageExtensions = []string{
		"jpg", "jpeg", "jpe", "jfif", "png", "gif", "webp", "bmp", "tif", "tiff", "ppm", "pgm", "pbm", "pnm", "avif", "heic",
		"jxl", "jp2",
	}
	// otherMedia are the file extensions of video and audio members, which are not rated. The name of such a member is put
	// into the record under the key video or audio.
	otherMedia = map[string][]string{
		"video": {"mp4", "avi", "mov", "webm", "mkv", "mpg", "mpeg"},
		"audio": {"wav", "mp3", "flac", "ogg", "m4a", "opus"},
	}
	// textFields are the fields of the members from which a record is made if a sample has no JSON member.
	textFields = []string{"txt", "cls"}
)

// extension returns the last extension of a field.
func extension(field string) string { return field[strings.LastIndexByte(field, '.')+1:] }

func isImage(field string) bool { return slices.Contains(imageExtensions, extension(field)) }

func isJSON(field string) bool { return extension(field) == "json" }

// isText reports whether the content of a field is part of the record.
func isText(field string) bool { return isJSON(field) || slices.Contains(textFields, field) }

// record converts the sample to a record; element is the number of the record.
func (s *sample) record(manifest string, element int64, limits dataset.Limits) dataset.Record {
	r := dataset.Record{
		Place:  dataset.Place{Manifest: manifest, Element: element, Key: s.key},
		Stored: dataset.Stored{Extent: s.Extent},
	}
	if s.fault != nil {
		r.Fault = s.fault
		return r
	}
	refs := references{folder: s.key}
	for _, m := range s.members {
		if isImage(m.field) {
			r.Stored.Values = append(r.Stored.Values, m.Extent)
			refs.images = append(refs.images, m)
		}
	}
	r.Raw, r.Fault = s.text(&refs, limits)
	if r.Fault == nil && len(r.Raw) == 0 {
		r.Raw = []byte("null") // an empty KEY.json counts as a record, which is invalid
	}
	return r
}

// text returns the record as JSON.
func (s *sample) text(refs *references, limits dataset.Limits) ([]byte, *dataset.Fault) {
	if s.textBytes > int64(limits.MaxRecordBytes) {
		return nil, tooLarge(s.textBytes, limits)
	}
	i := slices.IndexFunc(s.members, func(m member) bool { return m.field == "json" })
	if i < 0 {
		i = slices.IndexFunc(s.members, func(m member) bool { return isJSON(m.field) })
	}
	if i < 0 {
		return s.withoutJSON(refs)
	}
	raw := bytes.TrimSpace(bytes.TrimPrefix(s.members[i].content, []byte("\ufeff")))
	if jsontext.SyntaxError(raw) != nil || jsontext.TypeOf(raw) != jsontext.Object {
		return raw, nil // the parser of the form reports the fault
	}
	fields := jsontext.Members(jsontext.Items(raw))
	if name := refs.missing(fields); name != "" {
		return nil, unusable(s.members[i].name, "the record names "+jsontext.Quote(name, quoted)+", which is not next to it"+
			together)
	}
	return refs.complete(fields, s.media(fields)), nil
}

const together = "; the members of a sample have to follow each other, as tar --sort=name writes them"

// quoted is the number of bytes of a name that a message quotes.
const quoted = 60

// withoutJSON makes the record of a sample without a JSON member, from its text members.
func (s *sample) withoutJSON(refs *references) ([]byte, *dataset.Fault) {
	var fields jsontext.Members
	for _, m := range s.members {
		if slices.Contains(textFields, m.field) {
			fields = append(fields, quote(m.field), quote(strings.TrimSpace(string(m.content))))
		}
	}
	if len(fields) == 0 {
		first := s.members[0]
		return nil, unusable(first.name, "there is no "+path.Base(s.key)+".json next to it"+together)
	}
	return refs.complete(fields, s.media(fields)), nil
}

// media returns the names of members with media that are not rated, under keys that the record does not use.
func (s *sample) media(fields jsontext.Members) (media jsontext.Members) {
	for _, key := range []string{"video", "audio"} {
		for _, m := range s.members {
			if slices.Contains(otherMedia[key], extension(m.field)) && fields.Get(key) == nil {
				media = append(media, quote(key), quote(m.name))
				break
			}
		}
	}
	return media
}

// references are the references of a record to the images of its sample.
type references struct {
	folder string // the sample's key: folder and stem of its members' names
	images []member
	made   bool // whether the record has a reference already
}

// imageKeys are the keys of a record, or of a value in it, whose values name images.
var imageKeys = []string{"image", "images", "image_url", "url", "path"}

// missing is for a sample without images. It returns the first image name in the record that has the sample's key: this
// image is elsewhere in the archive. It returns "" if there is no such name, or if the sample has images.
func (r *references) missing(fields jsontext.Members) string {
	if len(r.images) > 0 {
		return ""
	}
	for _, key := range []string{"image", "images"} {
		for _, name := range namesIn(fields.Get(key)) {
			if stem, field, ok := splitName(name); ok && path.Base(stem) == path.Base(r.folder) && isImage(field) {
				return name
			}
		}
	}
	return ""
}

// namesIn returns the strings of a value: the value itself, or the strings in a list.
func namesIn(value json.RawMessage) (names []string) {
	list := []json.RawMessage{value}
	if jsontext.TypeOf(value) == jsontext.Array {
		list = jsontext.Items(value)
	}
	for _, item := range list {
		if jsontext.TypeOf(item) == jsontext.String {
			names = append(names, jsontext.Text(item))
		}
	}
	return names
}

// complete returns the record with references to its images, and with the fields of more at its end.
func (r *references) complete(fields, more jsontext.Members) []byte {
	var out jsontext.Members
	for i := 0; i < len(fields); i += 2 {
		out = append(out, fields[i], r.refer(jsontext.Text(fields[i]), fields[i+1], false))
	}
	if !r.made && len(r.images) > 0 {
		out = r.list(out)
	}
	return writeObject(append(out, more...))
}

// list adds a list of all images to a record without references. The list replaces the value of `image`, if that is not
// empty, or else the value of `images`. If the record has neither, the list is added as the field `images`.
func (r *references) list(fields jsontext.Members) jsontext.Members {
	items := make([]json.RawMessage, 0, len(r.images))
	for n, m := range r.images {
		items = append(items, reference(m.name, n))
	}
	list := writeList(items)
	for _, key := range []string{"image", "images"} {
		for i := 0; i < len(fields); i += 2 {
			if jsontext.Text(fields[i]) == key && (key == "images" || jsontext.Holds(fields[i+1])) {
				fields[i+1] = list
				return fields
			}
		}
	}
	return append(fields, quote("images"), list)
}

// refer replaces the names of members in the value of a key by references. isImage is true if the whole value stands
// for one image.
func (r *references) refer(key string, value json.RawMessage, isImage bool) json.RawMessage {
	switch jsontext.TypeOf(value) {
	case jsontext.String:
		if n := r.find(value); n >= 0 && slices.Contains(imageKeys, key) {
			r.made = true
			return reference(jsontext.Text(value), n)
		}
	case jsontext.Array:
		var items []json.RawMessage
		for _, item := range jsontext.Items(value) {
			items = append(items, r.refer(key, item, slices.Contains(imageKeys, key)))
		}
		return writeList(items)
	case jsontext.Object:
		return r.referObject(key, jsontext.Items(value), isImage)
	case jsontext.None, jsontext.Bool, jsontext.Number:
	}
	return value
}

// referObject adds a reference to an object that stands for an image, such as {"url": "a.jpg"}. In any other object, it
// replaces the names in its values.
func (r *references) referObject(key string, object jsontext.Members, isImage bool) json.RawMessage {
	if isImage || slices.Contains(imageKeys, key) {
		if _, name := object.First("path", "url"); jsontext.TypeOf(name) == jsontext.String {
			if n := r.find(name); n >= 0 {
				r.made = true
				return writeObject(append(slices.Clone(object), quote("embedded"), json.RawMessage(strconv.Itoa(n))))
			}
		}
	}
	var out jsontext.Members
	for i := 0; i < len(object); i += 2 {
		out = append(out, object[i], r.refer(jsontext.Text(object[i]), object[i+1], false))
	}
	return writeObject(out)
}

// find returns the number of the image with this name; -1 if there is no such image. A name matches the path of a
// member, its base name, or its name after the key (1.jpg).
func (r *references) find(value json.RawMessage) int {
	if len(r.images) == 0 {
		return -1
	}
	name := strings.TrimPrefix(jsontext.Text(value), "./")
	for _, same := range []func(m member) bool{
		func(m member) bool { return strings.TrimPrefix(m.name, "./") == name },
		func(m member) bool { return path.Base(m.name) == path.Base(name) },
		func(m member) bool { return m.field == strings.ToLower(name) },
	} {
		if n := slices.IndexFunc(r.images, same); n >= 0 {
			return n
		}
	}
	return -1
}

func reference(name string, number int) json.RawMessage {
	at := json.RawMessage(strconv.Itoa(number))
	return writeObject(jsontext.Members{quote("path"), quote(name), quote("embedded"), at})
}

func quote(text string) json.RawMessage { return jsontext.Append(nil, text) }

func writeObject(members jsontext.Members) json.RawMessage {
	var b bytes.Buffer
	b.WriteByte('{')
	for i := 0; i < len(members); i += 2 {
		if i > 0 {
			b.WriteString(", ")
		}
		b.Write(members[i])
		b.WriteString(": ")
		b.Write(members[i+1])
	}
	b.WriteByte('}')
	return b.Bytes()
}

func writeList(items []json.RawMessage) json.RawMessage {
	return slices.Concat([]byte("["), bytes.Join(raws(items), []byte(", ")), []byte("]"))
}

func raws(items []json.RawMessage) (list [][]byte) {
	for _, item := range items {
		list = append(list, item)
	}
	return list
}
