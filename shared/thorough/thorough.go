// Package thorough decides how much work tests do. By default, tests are so short that a developer can wait for them.
// If HARVEST_THOROUGH is set, as in the gate, they do all of their work.
package thorough

import (
	"os"
	"runtime/debug"
	"slices"
	"strings"
	"testing"
)

func enabled() bool { return os.Getenv("HARVEST_THOROUGH") != "" }

// Quicken shortens the tests of a package that write many files. TestMain calls it first. The process collects garbage
// less often. Temporary folders are in memory, where it costs nothing to flush a file. But they are on the disk for
// benchmarks, and if HARVEST_THOROUGH or another variable asks for long or large tests.
func Quicken() {
	debug.SetGCPercent(400)
	asks := func(variable string) bool { return strings.HasPrefix(variable, "HARVEST_") }
	measures := func(argument string) bool { return strings.HasPrefix(argument, "-test.bench") }
	if !slices.ContainsFunc(os.Environ(), asks) && !slices.ContainsFunc(os.Args, measures) {
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
