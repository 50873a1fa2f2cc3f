package memory

import (
	"fmt"
	"math"
	"os"
	"runtime/debug"

	"github.com/KimMachineGun/automemlimit/memlimit"
)

// A Limit is the amount of memory that this process may use.
type Limit struct {
	Bytes int64
	// Source names the source of the limit, such as GOMEMLIMIT.
	Source string
}

// Shares of the available memory that a process may use. Go's runtime does not count all memory, for example not the
// program's code. On a machine without a limit, other programs need memory, too.
const (
	ofContainer = 0.9
	ofMachine   = 0.75
)

// FindLimit returns the memory limit of this process, and sets it as the limit of Go's garbage collector. It is
// GOMEMLIMIT if that variable is set. Else it is a share of the container's memory (cgroup v1 or v2) or of the
// machine's memory, whichever is less. The error is that both are unknown.
func FindLimit() (Limit, error) {
	if _, set := os.LookupEnv("GOMEMLIMIT"); set {
		if limit := debug.SetMemoryLimit(-1); limit < math.MaxInt64 { // GOMEMLIMIT=off is no limit
			return Limit{limit, "GOMEMLIMIT"}, nil
		}
	}
	limit, err := found(memlimit.FromCgroup, memlimit.FromSystem)
	if err != nil {
		return Limit{}, err
	}
	debug.SetMemoryLimit(limit.Bytes)
	return limit, nil
}

// found returns the limit by a container's memory or the limit by a machine's memory, whichever is less.
func found(container, machine memlimit.Provider) (Limit, error) {
	limit := Limit{math.MaxInt64, ""}
	if bytes, err := container(); err == nil {
		limit = Limit{int64(ofContainer * float64(bytes)), "90 % of the container's memory"}
	}
	bytes, err := machine()
	if share := int64(ofMachine * float64(bytes)); err == nil && share < limit.Bytes {
		limit = Limit{share, "75 % of the machine's memory"}
	}
	if limit.Source == "" {
		return Limit{}, fmt.Errorf("the memory of this machine is unknown (%w); set GOMEMLIMIT, for example to 2GiB", err)
	}
	return limit, nil
}
