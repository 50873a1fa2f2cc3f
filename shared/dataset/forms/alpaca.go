package forms

import "github.com/harvest-ml/harvest/shared/dataset/jsontext"

// alpaca returns the form that LLaMA-Factory calls alpaca. A dataset_info.json may give its fields other names.
func alpaca() Form {
	return Form{
		Name:  "LLaMA-Factory alpaca",
		Shape: `{"instruction": "<image>\nWhy?", "input": "", "output": "So.", "images": ["coco/1.jpg"]}`,
		Reads: "the question is instruction and input with a line break between them; history holds earlier pairs of a " +
			"question and its answer; the field system is a turn that is not rated",
		is: func(r record) bool { // one of the two may be empty
			return r.turns == nil && jsontext.TypeOf(r.fields.Get("instruction")) != jsontext.None &&
				jsontext.TypeOf(r.fields.Get("output")) != jsontext.None
		},
		turns: func(p *parser) {
			p.readExchange(exchange{
				system: p.reading.column("system", "system"), history: p.reading.column("history", "history"),
				question: []string{p.reading.column("prompt", "instruction"), p.reading.column("query", "input")},
				answer:   p.reading.column("response", "output"),
			})
		},
		images: columnImages,
	}
}
