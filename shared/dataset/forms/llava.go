package forms

const llavaName = "LLaVA"

// llava returns the form of LLaVA's instruction-tuning files. Many other projects use it, too.
func llava() Form {
	return Form{
		Name: llavaName,
		Shape: `{"id": "1", "image": "coco/1.jpg", "conversations": [{"from": "human", "value": "<image>\nWhy?"}, ` +
			`{"from": "gpt", "value": "So."}]}`,
		Reads:  "image may be a list, or absent; each <image> in the turns is the place of one image",
		is:     func(r record) bool { return r.hasList("conversations") },
		turns:  listOf("conversations"),
		images: usualImages,
	}
}
