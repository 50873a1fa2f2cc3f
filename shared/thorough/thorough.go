// Package thorough decides how much work tests do. By default tests are short enough for a developer to wait. With
// HARVEST_THOROUGH, which the gate sets, they do all of their work.
package thorough

import (
	"os"
	"testing"
)

func enabled() bool { return os.Getenv("HARVEST_THOROUGH") != "" }

// Only skips a test that takes CPU-seconds, unless tests are thorough.
func Only(t testing.TB) {
	t.Helper()
	if !enabled() {
		t.Skip("takes CPU-seconds: HARVEST_THOROUGH=1 runs it, as .ci/run does")
	}
}

// Size returns the size of a test: some, or many if tests are thorough.
func Size(some, many int) int {
	if enabled() {
		return many
	}
	return some
}

// Stride returns the step between the moments at which a test kills the process under test: n, or 1 if tests are
// thorough.
func Stride(n int) int {
	if enabled() {
		return 1
	}
	return n
}
