package dataset_test

import (
	"testing"

	"github.com/harvest-ml/harvest/shared/dataset"
)

func TestTokens(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		sample dataset.Sample
		want   int
	}{
		"nothing": {dataset.Sample{}, 0},
		"rounded up by turn": {
			dataset.Sample{
				Turns: []dataset.Turn{
					dataset.NewTurn(dataset.Human, "12345", 0), dataset.NewTurn(dataset.Model, "1", 0),
				},
			},
			3,
		},
		"other scripts": {dataset.Sample{Turns: []dataset.Turn{dataset.NewTurn(dataset.Human, "图表 ok", 0)}}, 3},
		"images": {
			dataset.Sample{
				Images: make([]dataset.Image, 2), Turns: []dataset.Turn{dataset.NewTurn(dataset.Human, "abcd", 0)},
			},
			2*730 + 1,
		},
	} {
		if got := test.sample.Tokens(); got != test.want {
			t.Errorf("%s: %d tokens, want %d", name, got, test.want)
		}
	}
}
