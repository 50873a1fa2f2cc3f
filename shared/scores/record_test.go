package scores_test

import (
	"testing"

	"github.com/harvest-ml/harvest/shared/scores"
)

func TestStatusText(t *testing.T) {
	t.Parallel()
	for status, want := range map[scores.Status]string{
		scores.OK: "ok", scores.Failed: "failed", scores.Skipped: "skipped",
	} {
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
