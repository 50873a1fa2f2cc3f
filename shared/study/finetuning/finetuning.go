// Package finetuning converts annotated samples to training data for LLaVA models. For the scorer it makes one item for
// each sample and capability. The item's prompt is exactly the prompt that the fine-tuned model will get, and its
// answer is the rating. For the styler it makes one item for each sample, and the answer is the list of styles.
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

// Names returns the names of the files.
func Names() []string { return []string{ScorerTrain, ScorerValidation, StylerTrain, StylerValidation} }

// An Item is one question and answer for training, in LLaVA's form.
type Item struct {
	// ID is the sample's id, a slash, and the capability or "styles".
	ID string `json:"id"`
	// Image has the names of the images for the marks in the prompt, in order. It is always a list, because some readers
	// of JSON require one type for a column. It is absent if the sample has no images.
	Image         []string `json:"image,omitempty"`
	Conversations [2]Turn  `json:"conversations"`
}

// A Turn is the question or the answer of an item.
type Turn struct {
	From  string `json:"from"` // human or gpt
	Value string `json:"value"`
}

func newItem(id string, images []string, prompt, answer string) Item {
	return Item{ID: id, Image: images, Conversations: [2]Turn{{"human", prompt}, {"gpt", answer}}}
}

// ScorerItems returns an item for each of a sample's ratings, in the order of capabilities. A missing rating has no
// item. texts are the texts of the sample's turns.
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

// StylerItems returns the item of a sample's styles; nil if the sample has no style.
func StylerItems(a annotation.Annotation, texts, images []string, rub *rubric.Rubric) []Item {
	if len(a.Styles) == 0 {
		return nil
	}
	return []Item{newItem(a.ID+"/styles", images, rub.Transcript(texts)+rub.StylerQuery(), strings.Join(a.Styles, ", "))}
}
