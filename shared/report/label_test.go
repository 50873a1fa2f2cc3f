package report

import (
	"strings"
	"testing"
)

// TestLabel shortens names with letters of different widths to the available width.
func TestLabel(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"fine-grained recognition":          "fine-grained recognition",
		"language-based fine-grained":       "language-based fine-grained",
		"optical character recognition":     "optical character recognition",
		strings.Repeat("数", 16):             strings.Repeat("数", 16),
		strings.Repeat("数", 17):             strings.Repeat("数", 15) + "…",
		strings.Repeat("W", 20):             strings.Repeat("W", 15) + "…",
		strings.Repeat("i", 60):             strings.Repeat("i", 42) + "…",
		"a\u0301" + strings.Repeat("b", 20): "a\u0301" + strings.Repeat("b", 20),
		"":                                  "",
	} {
		got := label(text, labelSize)
		if got != want {
			t.Errorf("%q: %q, want %q", text, got, want)
		}
		if textSize(got)*fontSize > labelWidth-8 {
			t.Errorf("%q is wider than the column of names", got)
		}
	}
}
