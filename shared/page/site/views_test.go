package site

import (
	"testing"

	"github.com/harvest-ml/harvest/shared/subset"
)

// TestOutputs requires a description for each output of a selection.
func TestOutputs(t *testing.T) {
	t.Parallel()
	named := (subset.Outputs{}).Named()
	for _, o := range named {
		if aboutOutputs[o.Name] == "" {
			t.Errorf("the page of a selection does not describe %s", o.Name)
		}
	}
	if len(named) != len(aboutOutputs) {
		t.Errorf("%d outputs have a description; there are %d outputs", len(aboutOutputs), len(named))
	}
}
