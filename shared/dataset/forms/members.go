package forms

import (
	"github.com/harvest-ml/harvest/shared/dataset"
	"github.com/harvest-ml/harvest/shared/dataset/jsontext"
)

// imageNames is the key under which a record of a tar keeps the names that its images had as files.
const imageNames = "image_names"

// WithMembers is a record that was converted to WebDataset, and is read as a sample, with the names of members of a tar
// in the place of its images, one for each. The names that they had before stand in the list image_names, null for an
// image that stood in the record itself. A *LossError says that the record has another field of that name.
func WithMembers(raw []byte, s *dataset.Sample, members []string) ([]byte, error) {
	fields := jsontext.Members(jsontext.Items(raw))
	if jsontext.Holds(fields.Get(imageNames)) {
		return nil, &LossError{imageNames, "a field of this name says something else in the other form"}
	}
	if len(members) == 0 {
		return raw, nil
	}
	names, named := make([]*string, len(s.Images)), false
	for i, image := range s.Images {
		if image.Name != "" {
			names[i], named = &image.Name, true
		}
	}
	var out objectWriter
	for i := 0; i < len(fields); i += 2 {
		switch key := jsontext.Text(fields[i]); key {
		case "image":
			out.add(key, members)
		case imageNames:
		default:
			out.add(key, fields[i+1])
		}
	}
	if named {
		out.add(imageNames, names)
	}
	return out.close(), nil
}
