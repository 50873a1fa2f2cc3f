package scorer

import (
	"fmt"
	"slices"
	"strings"

	"github.com/harvest-ml/harvest/shared/spelling"
)

// The modes in which the scorer llm asks a model.
const (
	// ModeJSON: one request a sample. Where the server gives probabilities, they give expected scores.
	ModeJSON = "json"
	// ModeLogprobs: one request a capability, answered in one token, and one for the styles.
	ModeLogprobs = "logprobs"
)

// Modes are all of them.
var Modes = []string{ModeJSON, ModeLogprobs}

// CheckMode refuses an unknown mode; empty is the default.
func CheckMode(mode string) error {
	if mode == "" || slices.Contains(Modes, mode) {
		return nil
	}
	return fmt.Errorf("%q is not a mode%s; use %s", mode, spelling.Hint(mode, Modes), strings.Join(Modes, " or "))
}

// WithMode is the name of a kind of scorer in a mode; the kind itself if the mode is empty.
func WithMode(kind, mode string) string {
	if mode == "" {
		return kind
	}
	return kind + ":" + mode
}

// CutMode is the kind and the mode of WithMode.
func CutMode(kind string) (base, mode string) {
	base, mode, _ = strings.Cut(kind, ":")
	if slices.Contains(Modes, mode) {
		return base, mode
	}
	return kind, ""
}
