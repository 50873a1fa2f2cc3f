package forms

import (
	"bytes"
	"cmp"
	"regexp"
	"strconv"

	"github.com/harvest-ml/harvest/shared/dataset"
	"github.com/harvest-ml/harvest/shared/dataset/jsontext"
)

// A View shows how a record was read, so that a person who knows the data can check it.
type View struct {
	Place  dataset.Place `json:"place"`
	Form   string        `json:"form"`
	ID     string        `json:"id"`
	Source string        `json:"source"`
	Turns  []TurnView    `json:"turns"`
	// Images has the name of each image, in the order of their places; for an image in a data URL, its size.
	Images []string `json:"images"`
	// Kept has the fields in which the record's authors rate its quality: the unchanged values, by the names of the
	// fields.
	Kept map[string]string `json:"kept,omitempty"`
}

// A TurnView is a turn with the start of its text. The text has [image 1] in the place of the first image, and so on.
type TurnView struct {
	Role dataset.Role `json:"role"`
	Text string       `json:"text"`
}

// viewBytes is the largest number of bytes of a turn's text that is shown.
const viewBytes = 160

// ViewOf returns the view of a sample.
func ViewOf(s *dataset.Sample) View {
	v := View{Place: s.Place, Form: s.Form, ID: s.ID, Source: s.Source, Images: []string{}, Kept: Quality(s.Raw)}
	for _, turn := range s.Turns {
		text := ""
		for _, segment := range turn.Segments {
			if segment.Image > 0 {
				text += "[image " + strconv.Itoa(segment.Image) + "]"
			}
			text += segment.Text
		}
		v.Turns = append(v.Turns, TurnView{Role: turn.Role, Text: cut(text)})
	}
	for _, image := range s.Images {
		name := image.Name
		switch {
		case image.Embedded > 0:
			name = cmp.Or(image.Path, "image "+strconv.Itoa(image.Embedded)+" of the record")
		case name == "":
			name = strconv.Itoa(len(image.Data)) + " bytes in the record"
		}
		v.Images = append(v.Images, name)
	}
	return v
}

// cut returns the start of a text, and cuts no character.
func cut(text string) string {
	if len(text) <= viewBytes {
		return text
	}
	end := 0
	for i := range text {
		if i > viewBytes {
			break
		}
		end = i
	}
	return text[:end] + "…"
}

// qualityField matches fields in which the authors of a dataset rate its records, as FineVision's do:
// relevance_ratings, relevance_min.
var qualityField = regexp.MustCompile(`^\w+_(ratings|min)$`)

// Quality returns the fields in which the authors of a record rate it: the unchanged values, by the names of the
// fields; nil if there are none. The ratings stay in the record, and have no effect on a selection.
func Quality(raw []byte) map[string]string {
	value := bytes.TrimSpace(raw)
	if !bytes.Contains(raw, []byte("_ratings")) && !bytes.Contains(raw, []byte("_min")) ||
		jsontext.SyntaxError(raw) != nil || jsontext.TypeOf(value) != jsontext.Object {
		return nil
	}
	var kept map[string]string
	fields := jsontext.Members(jsontext.Items(value))
	for i := 0; i < len(fields); i += 2 {
		if key := jsontext.Text(fields[i]); qualityField.MatchString(key) && jsontext.Holds(fields[i+1]) {
			if kept == nil {
				kept = map[string]string{}
			}
			kept[key] = string(fields[i+1])
		}
	}
	return kept
}
