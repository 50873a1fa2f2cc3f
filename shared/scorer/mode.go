package scorer

import (
	"fmt"
	"slices"
	"strings"

	"github.com/harvest-ml/harvest/shared/spelling"
)

// The modes in which the scorer llm queries a model.
const (
	// ModeJSON makes one request a sample. If the server returns probabilities, expected scores are computed from them.
	ModeJSON = "json"
	// ModeLogprobs makes one request a capability, which is answered with one token, and one request for the styles.
	ModeLogprobs = "logprobs"
)

// Modes has all modes.
var Modes = []string{ModeJSON, ModeLogprobs}

// CheckMode returns an error for an unknown mode. An empty mode is the default, and valid.
func CheckMode(mode string) error {
	if mode == "" || slices.Contains(Modes, mode) {
		return nil
	}
	return fmt.Errorf("%q is not a mode%s; use %s", mode, spelling.Hint(mode, Modes), strings.Join(Modes, " or "))
}

// WithMode joins a kind of scorer and a mode as KIND:MODE; it returns the kind alone if the mode is empty.
func WithMode(kind, mode string) string {
	if mode == "" {
		return kind
	}
	return kind + ":" + mode
}

// CutMode splits a string that WithMode returned into kind and mode.
func CutMode(kind string) (base, mode string) {
	base, mode, _ = strings.Cut(kind, ":")
	if slices.Contains(Modes, mode) {
		return base, mode
	}
	return kind, ""
}
