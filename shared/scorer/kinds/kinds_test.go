package kinds_test

import (
	"strings"
	"testing"

	"github.com/harvest-ml/harvest/shared/rubric"
	"github.com/harvest-ml/harvest/shared/scorer/kinds"
)

func TestOpen(t *testing.T) {
	t.Parallel()
	rater, err := kinds.Open(kinds.Embedded, rubric.Default())
	if err != nil {
		t.Fatal(err)
	}
	if !strings.HasPrefix(rater.ID(), "embedded-") {
		t.Errorf("the embedded scorer's id is %q", rater.ID())
	}
}

func TestOpenErrors(t *testing.T) {
	t.Parallel()
	foreign := rubric.Default()
	foreign.Capabilities = []string{"charm"}
	tests := map[string]struct {
		kind   string
		rubric *rubric.Rubric
		want   string
	}{
		"unknown kind":            {"crystal-ball", rubric.Default(), "the kinds are: embedded"},
		"no kind":                 {"", rubric.Default(), "the kinds are: embedded"},
		"rubric it does not know": {kinds.Embedded, foreign, `"charm"`},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := kinds.Open(tt.kind, tt.rubric)
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("Open(%q): %v, want an error with %q", tt.kind, err, tt.want)
			}
		})
	}
}
