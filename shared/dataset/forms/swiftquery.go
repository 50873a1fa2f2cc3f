package forms

// swiftQuery returns the form of ms-swift for one question and its answer.
func swiftQuery() Form {
	return Form{
		Name:  "ms-swift query and response",
		Shape: `{"query": "<image>\nWhy?", "response": "So.", "images": ["coco/1.jpg"]}`,
		Reads: "history holds earlier pairs of a question and its answer; the field system is a turn that is not rated",
		is:    func(r record) bool { return r.turns == nil && r.has("query") && r.has("response") },
		turns: func(p *parser) {
			p.readExchange(exchange{
				system: "system", history: "history", question: []string{"query"}, answer: "response",
			})
		},
		images: usualImages,
	}
}
