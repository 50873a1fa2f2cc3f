package embedded_test

import (
	"testing"

	"github.com/harvest-ml/harvest/shared/rubric"
	"github.com/harvest-ml/harvest/shared/scorer/embedded"
)

// TestRatingErrors checks that there is an error for each capability of the default rubric.
func TestRatingErrors(t *testing.T) {
	t.Parallel()
	all := embedded.RatingErrors(rubric.Default().Capabilities)
	if len(all) != len(rubric.Default().Capabilities)+1 {
		t.Errorf("errors of %d capabilities: %v", len(all), all)
	}
	if own := embedded.RatingErrors([]string{"humanities", "own"}); len(own) != 2 || own["humanities"] == 0 {
		t.Errorf("errors of another rubric: %v", own)
	}
}
