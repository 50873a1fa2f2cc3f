//go:build unix

package thorough

import (
	"syscall"
	"time"
)

// ProcessorTime returns the CPU time of the process, which other programs do not change. Benchmarks measure with it.
func ProcessorTime() time.Duration {
	var usage syscall.Rusage
	_ = syscall.Getrusage(syscall.RUSAGE_SELF, &usage) // cannot fail for the process itself
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}
