package report

import (
	"math"
	"slices"
	"testing"

	webpage "github.com/harvest-ml/harvest/shared/page"
)

// The axis of a panel without a base line fits the values of the panel.
func TestAxisOfCurveWithoutBase(t *testing.T) {
	t.Parallel()
	for name, base := range map[string]float64{"no base": math.NaN(), "base below the points": 0.1} {
		var d drawing
		curves(&d, []string{"5 %", "10 %"}, []panel{{"bins covered", []float64{0.2, 0.4}, base, webpage.Decimal}}, 1)
		var axis []string
		for _, text := range d.Texts {
			if text.Class == "end" {
				axis = append(axis, text.Text)
			}
		}
		if want := []string{"0.00", "0.10", "0.20", "0.30", "0.40"}; !slices.Equal(axis, want) {
			t.Errorf("%s: the axis has the labels %v, want %v", name, axis, want)
		}
	}
}
