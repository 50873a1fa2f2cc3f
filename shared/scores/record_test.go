package scores_test

import (
	"math"
	"testing"

	"github.com/harvest-ml/harvest/shared/scores"
)

func TestRoundExpected(t *testing.T) {
	t.Parallel()
	tests := map[float64]float32{
		0: 0, 5: 5, 2.5: 2.5, 1.0 / 2048: 1.0 / 1024, 1.0/2048 - 1e-12: 0, 3.3333333: 3413.0 / 1024, 4.9999: 5,
	}
	for in, want := range tests {
		if got := scores.RoundExpected(in); got != want {
			t.Errorf("RoundExpected(%v) = %v, want %v", in, got, want)
		}
	}
	if got := scores.RoundExpected(math.NaN()); got == got {
		t.Errorf("RoundExpected(NaN) = %v", got)
	}
}

func TestStatusText(t *testing.T) {
	t.Parallel()
	for status, want := range map[scores.Status]string{scores.OK: "ok", scores.Failed: "failed", scores.Skipped: "skipped"} {
		text, err := status.MarshalText()
		if err != nil || string(text) != want {
			t.Errorf("MarshalText of %d = %q, %v; want %q", status, text, err, want)
		}
		var got scores.Status
		if err := got.UnmarshalText(text); err != nil || got != status {
			t.Errorf("UnmarshalText(%q) = %v, %v", text, got, err)
		}
	}
	for _, text := range []string{"", "OK", "done"} {
		if err := new(scores.Status).UnmarshalText([]byte(text)); err == nil {
			t.Errorf("UnmarshalText(%q) gave no error", text)
		}
	}
}
