package forms

// pairs returns the form that ms-swift and others use for ShareGPT: one object has a question and its answer.
func pairs() Form {
	return Form{
		Name:   "conversation pairs",
		Shape:  `{"image": "coco/1.jpg", "conversation": [{"human": "<image>Why?", "assistant": "So."}]}`,
		Reads:  "objects with role and content are read, too",
		is:     func(r record) bool { return r.hasList("conversation") },
		turns:  listOf("conversation"),
		images: usualImages,
	}
}
