package forms

// shareGPT returns the form that LLaMA-Factory calls sharegpt. A dataset_info.json may give its fields other names.
func shareGPT() Form {
	return Form{
		Name: "LLaMA-Factory sharegpt",
		Shape: `{"images": ["coco/1.jpg"], "conversations": [{"from": "human", "value": "<image>\nWhy?"}, ` +
			`{"from": "gpt", "value": "So."}]}`,
		Reads: "the field system is a turn that is not rated; columns and tags of a dataset_info.json rename the fields, " +
			"the roles and the fields of a turn",
		plain: llavaName,
		is: func(r record) bool {
			return r.hasList("conversations") && r.has("images") && !r.has("image")
		},
		turns: func(p *parser) {
			if column := p.reading.column("system", "system"); column != "system" {
				p.readSystem(column)
			}
			p.readList(p.reading.column("messages", "conversations"))
		},
		images: columnImages,
	}
}

// columnImages reads the images from the field that a dataset_info.json names, or from the usual fields.
func columnImages(p *parser) { p.readImages(p.reading.column("images", "images"), "images", "image") }
