package forms

import "github.com/harvest-ml/harvest/shared/dataset/jsontext"

// fineVision returns the form of FineVision, as JSON: the form of The Cauldron with the authors' ratings.
func fineVision() Form {
	return Form{
		Name: "FineVision",
		Shape: `{"images": ["coco/1.jpg"], "texts": [{"user": "Why?", "assistant": "So."}], "source": "vqav2", ` +
			`"relevance_ratings": [5], "relevance_min": 5}`,
		Reads: "as in The Cauldron; the fields with the authors' ratings stay in the record, and `harvest " +
			"plan` shows them; they have no effect unless --where, --by or --tie-break names them",
		is: func(r record) bool {
			if r.turns != nil {
				return false
			}
			for i := 0; i < len(r.fields); i += 2 {
				if qualityField.MatchString(jsontext.Text(r.fields[i])) {
					return len(r.texts()) > 0
				}
			}
			return false
		},
		turns:  readTexts,
		images: usualImages,
	}
}
