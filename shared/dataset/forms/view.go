package forms

import (
	"bytes"
	"cmp"
	"regexp"
	"strconv"

	"github.com/harvest-ml/harvest/shared/dataset"
	"github.com/harvest-ml/harvest/shared/dataset/jsontext"
)

// A View shows how a record was understood, so that a person who knows the data can check it.
type View struct {
	Place  dataset.Place `json:"place"`
	Form   string        `json:"form"`
	ID     string        `json:"id"`
	Source string        `json:"source"`
	Turns  []TurnView    `json:"turns"`
	// Images are the names of the images, in the order of their places; for an image in a data URL its size.
	Images []string `json:"images"`
	// Kept are fields in which the record's authors rate its quality, by name and unchanged.
	Kept map[string]string `json:"kept,omitempty"`
}

// A TurnView is a turn, and its text with [image 1] in the place of the first image, and so on, cut to a few words.
type TurnView struct {
	Role dataset.Role `json:"role"`
	Text string       `json:"text"`
}

// viewBytes is the longest text of a turn that is shown.
const viewBytes = 160

// ViewOf is the view of a sample.
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

// cut is the begin of a text, up to a whole character.
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

// Quality are the fields of a record in which its authors rate it, as they are, by their names; nil if it has none.
// They stay in the record, and nothing is decided by them.
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
