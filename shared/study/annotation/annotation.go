// Package annotation reads and writes annotations: ratings and styles of samples. The annotator is a person or a strong
// model. Annotations are used to train and to evaluate scorers.
//
// A file has one JSON object a line, with scores in the order of the rubric's capabilities:
//
//	{"id": "chart-0001", "scores": [0, 2, null, 5], "styles": ["word/short-phrase"]}
package annotation

import (
	"encoding/json"
	"fmt"
	"io"
	"slices"

	"github.com/harvest-ml/harvest/shared/scorer"
	"github.com/harvest-ml/harvest/shared/spelling"
)

// An Annotation has an annotator's ratings and styles of one sample.
type Annotation struct {
	// ID is the sample's id in its manifest.
	ID string
	// Scores has a rating in [0, scorer.MaxRating], or scorer.Missing (null in a file), for each capability of the rubric,
	// in its order.
	Scores []int8
	// Styles are styles of the rubric, each once, the main style first.
	Styles []string
	// Reason is the annotator's reason. It has no effect on results.
	Reason string
}

// Agrees reports whether another annotation has the same ratings and styles.
func (a Annotation) Agrees(with Annotation) bool {
	return slices.Equal(a.Scores, with.Scores) && slices.Equal(a.Styles, with.Styles)
}

// Write writes annotations in order. An error comes from w.
func Write(w io.Writer, annotations []Annotation) error {
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	for _, a := range annotations {
		line := struct {
			ID     string   `json:"id"`
			Scores []*int8  `json:"scores"` // null for a missing rating
			Styles []string `json:"styles"` // never null
			Reason string   `json:"reason,omitempty"`
		}{a.ID, make([]*int8, len(a.Scores)), append([]string{}, a.Styles...), a.Reason}
		for i := range a.Scores {
			if a.Scores[i] != scorer.Missing {
				line.Scores[i] = &a.Scores[i]
			}
		}
		if err := enc.Encode(line); err != nil {
			return fmt.Errorf("writing the annotation of %s: %w", spelling.Shown(a.ID), err)
		}
	}
	return nil
}
