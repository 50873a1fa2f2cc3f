package subset_test

import (
	"encoding/json"
	"slices"
	"testing"

	"github.com/harvest-ml/harvest/shared/scorer"
	"github.com/harvest-ml/harvest/shared/subset"
)

func TestRatingList(t *testing.T) {
	t.Parallel()
	for want, list := range map[string]subset.RatingList{"[]": {}, "[3]": {3}, "[0,null,-1]": {0, scorer.Missing, -1}} {
		text, err := json.Marshal(list)
		if err != nil || string(text) != want {
			t.Errorf("%v is %s, %v; want %s", list, text, err, want)
		}
		var back subset.RatingList
		if err := json.Unmarshal(text, &back); err != nil || !slices.Equal(back, list) {
			t.Errorf("%s is read back as %v, %v", text, back, err)
		}
	}
}
