// Package thorough decides how much work tests do. By default, tests are so short that a developer can wait for them.
// If HARVEST_THOROUGH is set, as in the gate, they do all of their work.
package thorough

import (
	"os"
	"runtime/debug"
	"testing"
)

func enabled() bool { return os.Getenv("HARVEST_THOROUGH") != "" }

// Quicken shortens the tests of a package that write many files. TestMain calls it first. The process collects garbage
// less often. Unless HARVEST_THOROUGH is set, temporary folders are in memory, where it costs nothing to flush a file.
func Quicken() {
	debug.SetGCPercent(400)
	if !enabled() {
		foldersInMemory()
	}
}

// Only skips a test that takes CPU-seconds, unless HARVEST_THOROUGH is set.
func Only(t testing.TB) {
	t.Helper()
	if !enabled() {
		t.Skip("takes CPU-seconds: HARVEST_THOROUGH=1 runs it, as .ci/run does")
	}
}

// Size returns the size of a test: some, or many if HARVEST_THOROUGH is set.
func Size(some, many int) int {
	if enabled() {
		return many
	}
	return some
}

// Stride returns the step between the moments at which a test kills the process under test: n, or 1 if HARVEST_THOROUGH
// is set.
func Stride(n int) int {
	if enabled() {
		return 1
	}
	return n
}
