package scorer_test

import (
	"math"
	"testing"

	"github.com/harvest-ml/harvest/shared/scorer"
)

func TestRoundExpected(t *testing.T) {
	t.Parallel()
	tests := map[float64]float32{
		0: 0, 5: 5, 2.5: 2.5, 1.0 / 2048: 1.0 / 1024, 1.0/2048 - 1e-12: 0, 3.3333333: 3413.0 / 1024, 4.9999: 5,
	}
	for in, want := range tests {
		if got := scorer.RoundExpected(in); got != want {
			t.Errorf("RoundExpected(%v) = %v, want %v", in, got, want)
		}
	}
	if got := scorer.RoundExpected(math.NaN()); got == got {
		t.Errorf("RoundExpected(NaN) = %v", got)
	}
}

func TestUnits(t *testing.T) {
	t.Parallel()
	for score, want := range map[float64]uint16{0: 0, scorer.MaxRating: 5120, 2.5: 2560, 0.75 / 1024: 1} {
		units := scorer.Units(score)
		if units != want {
			t.Errorf("Units(%v) = %d, want %d", score, units, want)
		}
		if back, want := scorer.FromUnits(units), float64(scorer.RoundExpected(score)); back != want {
			t.Errorf("FromUnits(%d) = %v, want %v", units, back, want)
		}
	}
}
