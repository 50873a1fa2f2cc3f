package forms

import "github.com/harvest-ml/harvest/shared/dataset/jsontext"

// chatParts returns the form for Hugging Face's chat templates: content parts stand for the images of a list.
func chatParts() Form {
	return Form{
		Name: "Hugging Face messages with an image list",
		Shape: `{"images": ["coco/1.jpg"], "messages": [{"role": "user", "content": [{"type": "image"}, ` +
			`{"type": "text", "text": "Why?"}]}, {"role": "assistant", "content": [{"type": "text", "text": "So."}]}]}`,
		Reads: "a part of type image is the place of the next image of the list, or of the image with the part's index",
		plain: openAIName,
		is: func(r record) bool {
			return r.hasPart(`image`, func(part jsontext.Members) bool {
				kind := part.Get("type")
				return jsontext.TypeOf(kind) == jsontext.String && jsontext.Text(kind) == "image"
			})
		},
		turns:  listOf(turnLists...),
		images: usualImages,
	}
}
