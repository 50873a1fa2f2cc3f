package dataset_test

import (
	"testing"

	"github.com/harvest-ml/harvest/shared/dataset"
)

func TestTokens(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		sample dataset.Sample
		want   dataset.Tokens
	}{
		"nothing": {dataset.Sample{}, dataset.Tokens{}},
		"answers are counted separately, too": {
			dataset.Sample{
				Turns: []dataset.Turn{
					dataset.NewTurn(dataset.System, "Be brief.", 0),
					dataset.NewTurn(dataset.Human, "What is it?", 0), dataset.NewTurn(dataset.Model, "A red bus.", 0),
				},
			},
			dataset.Tokens{Text: 3 + 4 + 4, Answers: 4},
		},
		"marks of images are not text": {
			dataset.Sample{
				Images: make([]dataset.Image, 1),
				Turns:  []dataset.Turn{dataset.NewTurn(dataset.Human, "<image>\nWhat is it?", 1)},
			},
			dataset.Tokens{Text: 5},
		},
		"marks as text": {
			dataset.Sample{Turns: []dataset.Turn{dataset.NewTurn(dataset.Human, "<image>", 0)}}, dataset.Tokens{Text: 3},
		},
	} {
		if got := test.sample.Tokens(); got != test.want {
			t.Errorf("%s: %+v, want %+v", name, got, test.want)
		}
	}
}
