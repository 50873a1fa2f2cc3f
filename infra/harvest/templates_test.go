package main

import (
	"strings"
	"testing"

	"github.com/harvest-ml/harvest/shared/selection"
)

// TestWarnOfTemplates warns of the one template that is more frequent in the subset.
func TestWarnOfTemplates(t *testing.T) {
	t.Parallel()
	var got strings.Builder
	warnOfTemplates(&got, []selection.TemplateShare{
		{Template: "How many?", Pool: 0.5, Selection: 0.5, Selected: 50},
		{Template: "What is shown?", Pool: 0.125, Selection: 0.25, Selected: 25},
	})
	want := "harvest: warning: 25.0 % of the subset and 12.5 % of the pool have the question \"What is shown?\"; " +
		"--cap-template 5% limits the samples of each question\n"
	if got.String() != want {
		t.Errorf("%q, want %q", got.String(), want)
	}
}
