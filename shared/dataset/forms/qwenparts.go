package forms

import "github.com/harvest-ml/harvest/shared/dataset/jsontext"

// qwenParts returns the form of messages for Qwen2-VL and later models.
func qwenParts() Form {
	return Form{
		Name: "Qwen messages with image parts",
		Shape: `{"messages": [{"role": "user", "content": [{"type": "image", "image": "file:///data/images/coco/1.jpg"}, ` +
			`{"type": "text", "text": "Why?"}]}, {"role": "assistant", "content": "So."}]}`,
		Reads: "an image has the place of its part in the turn",
		plain: openAIName,
		is: func(r record) bool {
			return r.hasPart(`image`, func(part jsontext.Members) bool { return jsontext.Holds(part.Get("image")) })
		},
		turns:  listOf(turnLists...),
		images: usualImages,
	}
}
