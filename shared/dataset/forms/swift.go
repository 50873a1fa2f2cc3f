package forms

// swift returns the form of ms-swift for messages.
func swift() Form {
	return Form{
		Name: "ms-swift",
		Shape: `{"images": ["coco/1.jpg"], "messages": [{"role": "user", "content": "<image>Why?"}, ` +
			`{"role": "assistant", "content": "So."}]}`,
		Reads:  "each <image> in the messages is the place of an image; without marks, images come before the first question",
		plain:  openAIName,
		is:     func(r record) bool { return r.hasList("messages") && r.has("images", "image") },
		turns:  listOf("messages"),
		images: usualImages,
	}
}
