package kinds

import (
	"maps"
	"slices"
)

// RatingErrors are the standard deviations of the errors of a scorer's expected scores on these capabilities, and for
// those not measured under the empty name; nil where none were measured.
//
// Those of the embedded scorer were measured on 836 samples of 19 sources that its weights were not trained on
// (annotations/train2.jsonl), 2026-11-29: on data like its training data they are smaller.
func RatingErrors(kind string, capabilities []string) map[string]float64 {
	if kind != Embedded {
		return nil
	}
	errors := map[string]float64{
		"": 1.02, "object spatial understanding": 0.83, "attribute identification": 0.92, "logical deduction": 0.83,
		"scene understanding": 0.78, "fine-grained recognition": 1.53, "language generation": 0.7,
		"in-context learning": 0.78, "comparative analysis": 0.83, "activity recognition": 0.57, "causal reasoning": 0.76,
		"humanities": 1.35, "stem knowledge": 1.52, "data understanding": 1.04, "optical character recognition": 1.19,
	}
	maps.DeleteFunc(errors, func(name string, _ float64) bool {
		return name != "" && !slices.Contains(capabilities, name)
	})
	return errors
}
