package forms

import "regexp"

// numberedMark matches InternVL's marks of images.
var numberedMark = regexp.MustCompile(`<image-\d+>`)

// internVL returns the form of InternVL's files whose marks have numbers. InternVL's files with the mark <image> have
// the form of LLaVA.
func internVL() Form {
	return Form{
		Name: "InternVL",
		Shape: `{"image": ["coco/1.jpg"], "conversations": [{"from": "human", "value": "<image-1>\nWhy?"}, ` +
			`{"from": "gpt", "value": "So."}]}`,
		Reads: "marks with numbers are the places of the images, in their order; the numbers ascend from 1 or 0; each " +
			"image has one mark",
		plain: llavaName,
		is: func(r record) bool {
			return r.hasList("conversations") && r.has("image", "images") && numberedMark.Match(r.turns)
		},
		turns:  listOf("conversations"),
		images: usualImages,
	}
}
