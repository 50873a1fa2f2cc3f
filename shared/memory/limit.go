package memory

import (
	"fmt"
	"math"
	"os"
	"runtime/debug"

	"github.com/KimMachineGun/automemlimit/memlimit"
)

// A Limit is the most memory that this process may take.
type Limit struct {
	Bytes int64
	// Source names the source of the limit, such as GOMEMLIMIT.
	Source string
}

// The share of the available memory that a process takes. Go's runtime does not count all memory, such as the program's
// own text, and on a machine without a limit other programs need memory too.
const (
	ofContainer = 0.9
	ofMachine   = 0.75
)

// FindLimit finds the limit of this process, and sets it as the limit of Go's garbage collector. The limit is
// GOMEMLIMIT, if that is set; else a share of the memory of the container (cgroup v1 or v2) or of the machine,
// whichever is less. It is an error if the machine reports neither.
func FindLimit() (Limit, error) {
	if _, set := os.LookupEnv("GOMEMLIMIT"); set {
		if limit := debug.SetMemoryLimit(-1); limit < math.MaxInt64 { // else it is off
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

// found is the lower of the limits of a container and of a machine.
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
		return Limit{}, fmt.Errorf("it is not known how much memory there is (%w); set GOMEMLIMIT, such as 2GiB", err)
	}
	return limit, nil
}
