package kinds_test

import (
	"testing"

	"github.com/harvest-ml/harvest/shared/rubric"
	"github.com/harvest-ml/harvest/shared/scorer/kinds"
)

// TestRatingErrors checks that there is an error for each capability of the default rubric.
func TestRatingErrors(t *testing.T) {
	t.Parallel()
	all := kinds.RatingErrors(kinds.Embedded, rubric.Default().Capabilities)
	if len(all) != len(rubric.Default().Capabilities)+1 {
		t.Errorf("errors of %d capabilities: %v", len(all), all)
	}
	if own := kinds.RatingErrors(kinds.Embedded, []string{"humanities", "own"}); len(own) != 2 || own["humanities"] == 0 {
		t.Errorf("errors of another rubric: %v", own)
	}
	if others := kinds.RatingErrors("gpu", nil); others != nil {
		t.Errorf("errors of a scorer that was not measured: %v", others)
	}
}
