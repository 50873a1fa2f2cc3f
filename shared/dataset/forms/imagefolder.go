package forms

// fileNames are the fields that name files in the metadata of an imagefolder.
var fileNames = []string{"file_name", "file_names", "image_file_name", "images_file_names"}

// imageFields are the fields that name the images of records.
var imageFields = append([]string{"image", "images"}, fileNames...)

// imageFolder returns the form of the metadata.jsonl of a folder that Hugging Face's datasets library loads. The turns
// are those of one of the other forms.
func imageFolder(others []Form) Form {
	return Form{
		Name: "imagefolder",
		Shape: `{"file_name": "coco/1.jpg", "conversations": [{"from": "human", "value": "<image>\nWhy?"}, ` +
			`{"from": "gpt", "value": "So."}]}`,
		Reads: "the fields file_name and images_file_names name files in the folder of the metadata; the turns " +
			"have one of the other forms",
		is: func(r record) bool {
			if !r.has(fileNames...) || r.has("image", "images") {
				return false
			}
			for _, form := range others {
				if form.is(r) {
					return true
				}
			}
			return false
		},
		turns:  func(p *parser) { recognised(others, p.fields).turns(p) },
		images: func(p *parser) { p.readImages(fileNames...) },
	}
}
