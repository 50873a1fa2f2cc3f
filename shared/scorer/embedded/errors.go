package embedded

import (
	"maps"
	"slices"
)

// RatingErrors returns the standard deviation of the error of expected scores, by capability. The empty name has the
// value for other capabilities.
//
// The errors were measured by cross-validation over the sources of the training data on 2026-11-29: each of 1,836
// samples was rated by weights that were trained without the sample's source. On data from the sources of the training
// data, errors are smaller.
func RatingErrors(capabilities []string) map[string]float64 {
	errors := map[string]float64{
		"": 0.86, "object spatial understanding": 0.87, "attribute identification": 0.87, "logical deduction": 0.71,
		"scene understanding": 0.63, "fine-grained recognition": 1.14, "language generation": 0.55,
		"in-context learning": 0.62, "comparative analysis": 0.75, "activity recognition": 0.61, "causal reasoning": 0.65,
		"humanities": 1.08, "stem knowledge": 1.19, "data understanding": 0.95, "optical character recognition": 1.07,
	}
	maps.DeleteFunc(errors, func(name string, _ float64) bool {
		return name != "" && !slices.Contains(capabilities, name)
	})
	return errors
}
