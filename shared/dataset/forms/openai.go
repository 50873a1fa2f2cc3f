package forms

import "github.com/harvest-ml/harvest/shared/dataset/jsontext"

const openAIName = "OpenAI messages"

// openAI returns the form of OpenAI's chat completions, if all contents are texts.
func openAI() Form {
	return Form{
		Name:   openAIName,
		Shape:  `{"messages": [{"role": "user", "content": "Why?"}, {"role": "assistant", "content": "So."}]}`,
		Reads:  "system, developer and tool messages stay in the record and are not rated",
		is:     func(r record) bool { return r.hasList("messages") },
		turns:  listOf("messages"),
		images: usualImages,
	}
}

// openAIParts returns the form of OpenAI's APIs for content with images.
func openAIParts() Form {
	return Form{
		Name: "OpenAI messages with image parts",
		Shape: `{"messages": [{"role": "user", "content": [{"type": "image_url", "image_url": {"url": "coco/1.jpg"}}, ` +
			`{"type": "text", "text": "Why?"}]}, {"role": "assistant", "content": "So."}]}`,
		Reads: "an image has the place of its part in the turn; parts of type input_text and input_image, and data: and " +
			"gs:// URLs, are read, too",
		plain: openAIName,
		is: func(r record) bool {
			return r.hasPart(`image`, func(part jsontext.Members) bool {
				return jsontext.Holds(part.Get("image_url"), part.Get("file_id"))
			})
		},
		turns:  listOf(turnLists...),
		images: usualImages,
	}
}
