package evaluation

import (
	"encoding/base64"
	"encoding/json"
	"math"
	"strconv"
	"strings"

	"github.com/harvest-ml/harvest/shared/dataset"
	"github.com/harvest-ml/harvest/shared/dataset/forms"
)

// The fields of records that are not in a form of datasets.
var (
	idFields       = []string{"id", "question_id", "index", "pid", "qid", "sample_id", "idx"}
	questionFields = []string{"question", "query", "problem", "text", "prompt", "instruction", "input", "caption"}
	imageFields    = []string{"image", "images", "img", "picture", "decoded_image", "image_path", "img_path", "file_name",
		"image_file", "filename"}
)

// parse reads a record in any form of datasets. If the record has none of these forms, parse reads its known fields.
func parse(raw []byte, place dataset.Place) *dataset.Sample {
	sample := forms.Parse(raw, place)
	if sample.Problem == nil {
		return sample
	}
	var fields map[string]any
	if json.Unmarshal(raw, &fields) != nil {
		return sample
	}
	item := dataset.NewSample(raw, place)
	for _, name := range idFields {
		if id := scalar(fields[name]); id != "" {
			item.ID = id
			break
		}
	}
	for _, name := range questionFields {
		if question, ok := fields[name].(string); ok && strings.TrimSpace(question) != "" {
			item.Turns = []dataset.Turn{dataset.NewTurn(dataset.Human, question, 0)}
			break
		}
	}
	for _, name := range imageFields {
		if item.Images = imagesIn(fields[name], place); len(item.Images) > 0 {
			break
		}
	}
	for i := 1; i < 10; i++ { // image_1, image_2, as in MMMU
		item.Images = append(item.Images, imagesIn(fields["image_"+strconv.Itoa(i)], place)...)
	}
	if len(item.Turns) == 0 && len(item.Images) == 0 {
		return sample
	}
	return item
}

func scalar(value any) string {
	switch v := value.(type) {
	case string:
		return v
	case float64:
		return strconv.FormatFloat(v, 'f', -1, 64)
	}
	return ""
}

// imagesIn returns the images of a field's value. The value is a name, base64 text, a data URL, an object such as
// {bytes, path}, an image inside the record's container, or a list of these.
func imagesIn(value any, place dataset.Place) (all []dataset.Image) {
	switch v := value.(type) {
	case []any:
		for _, one := range v {
			all = append(all, imagesIn(one, place)...)
		}
	case map[string]any:
		if number, ok := v["embedded"].(float64); ok && place.InContainer() && number >= 0 && number < math.MaxInt32 {
			return []dataset.Image{{Embedded: int(number) + 1}}
		}
		for _, name := range []string{"bytes", "path", "url", "image", "image_url"} {
			if all = imagesIn(v[name], place); len(all) > 0 {
				return all
			}
		}
	case string:
		if v == "" {
			return nil
		}
		if data := decoded(v); data != nil {
			return []dataset.Image{{Data: data}}
		}
		return []dataset.Image{{Name: v}}
	}
	return all
}

// leastBase64 is the least length of a text that can be base64. A shorter text is a name.
const leastBase64 = 256

// decoded returns the image of base64 text or of a data URL; nil if the text is neither.
func decoded(text string) []byte {
	if _, encoded, found := strings.Cut(text, ";base64,"); found && strings.HasPrefix(text, "data:") {
		text = encoded
	} else if len(text) < leastBase64 {
		return nil
	}
	if data, err := base64.StdEncoding.DecodeString(text); err == nil {
		return data
	}
	if data, err := base64.RawStdEncoding.DecodeString(text); err == nil {
		return data
	}
	return nil
}
