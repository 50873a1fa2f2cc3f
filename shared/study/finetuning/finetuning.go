// Package finetuning turns annotated samples into data that trainers of LLaVA models read: for the
// scorer one item per sample and capability, whose prompt is exactly the one that the fine-tuned model is
// asked later and whose answer is the rating; for the styler one item per sample, whose answer is the list of styles.
package finetuning

import (
	"strconv"
	"strings"

	"github.com/harvest-ml/harvest/shared/rubric"
	"github.com/harvest-ml/harvest/shared/scorer"
	"github.com/harvest-ml/harvest/shared/study/annotation"
)

// The files of fine-tuning data.
const (
	ScorerTrain      = "scorer_train.json"
	ScorerValidation = "scorer_validation.json"
	StylerTrain      = "styler_train.json"
	StylerValidation = "styler_validation.json"
)

// Names are those of the files.
func Names() []string { return []string{ScorerTrain, ScorerValidation, StylerTrain, StylerValidation} }

// An Item is one question and answer to train on, in LLaVA's form.
type Item struct {
	// ID is the sample's id, a slash, and the capability or "styles".
	ID string `json:"id"`
	// Image names the images that the marks in the prompt stand for, in their order: always a list, for
	// readers of JSON that need one type in a column; none for text alone.
	Image         []string `json:"image,omitempty"`
	Conversations [2]Turn  `json:"conversations"`
}

// A Turn is the question or the answer.
type Turn struct {
	From  string `json:"from"` // human or gpt
	Value string `json:"value"`
}

func newItem(id string, images []string, prompt, answer string) Item {
	return Item{ID: id, Image: images, Conversations: [2]Turn{{"human", prompt}, {"gpt", answer}}}
}

// ScorerItems are the items of a sample's ratings, in the order of capabilities. A missing rating makes
// none. texts are those of the sample's turns.
func ScorerItems(a annotation.Annotation, texts, images []string, rub *rubric.Rubric) []Item {
	var items []Item
	transcript := rub.Transcript(texts)
	for c, name := range rub.Capabilities {
		if a.Scores[c] != scorer.Missing {
			answer := strconv.Itoa(int(a.Scores[c]))
			items = append(items, newItem(a.ID+"/"+name, images, transcript+rub.ScorerQuery(name), answer))
		}
	}
	return items
}

// StylerItems is the item of a sample's styles, or none for a sample without a style.
func StylerItems(a annotation.Annotation, texts, images []string, rub *rubric.Rubric) []Item {
	if len(a.Styles) == 0 {
		return nil
	}
	return []Item{newItem(a.ID+"/styles", images, rub.Transcript(texts)+rub.StylerQuery(), strings.Join(a.Styles, ", "))}
}
