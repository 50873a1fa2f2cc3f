package main

import (
	"github.com/harvest-ml/harvest/shared/dataset"
	"github.com/harvest-ml/harvest/shared/dataset/forms"
)

// A savedRecipe is the file that listed the manifests of a dataset, as it was then.
type savedRecipe struct {
	Path    string `json:"path"` // absolute
	Content []byte `json:"content"`
}

// A recipeListing is what a recipe says of a manifest.
type recipeListing struct {
	Entry   int           `json:"entry"` // number of the entry in the recipe, from 0
	Reading forms.Reading `json:"reading,omitzero"`
	Take    dataset.Take  `json:"take,omitzero"`
}

// listing is what the recipe says of the source.
func (s source) listing() recipeListing {
	return recipeListing{Entry: s.number, Reading: s.entry.Reading, Take: s.entry.Take}
}
