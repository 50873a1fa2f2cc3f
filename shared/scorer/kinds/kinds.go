// Package kinds opens a scorer by the name of its kind.
package kinds

import (
	"fmt"

	"github.com/harvest-ml/harvest/shared/rubric"
	"github.com/harvest-ml/harvest/shared/scorer"
	"github.com/harvest-ml/harvest/shared/scorer/embedded"
)

// Embedded is the scorer that lies in the binary.
const Embedded = "embedded"

// Open gives the scorer of a kind for a rubric.
func Open(kind string, r *rubric.Rubric) (scorer.Scorer, error) {
	switch kind {
	case Embedded:
		s, err := embedded.New(r)
		if err != nil {
			return nil, err
		}
		return s, nil
	default:
		return nil, fmt.Errorf("there is no such kind; the kinds are: %s", Embedded)
	}
}
