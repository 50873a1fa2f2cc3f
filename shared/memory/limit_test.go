package memory

import (
	"errors"
	"math"
	"runtime/debug"
	"testing"

	"github.com/KimMachineGun/automemlimit/memlimit"
)

// TestFound combines containers and machines with and without limits. The lower limit counts.
func TestFound(t *testing.T) {
	t.Parallel()
	has := func(bytes uint64) memlimit.Provider { return func() (uint64, error) { return bytes, nil } }
	none := func() (uint64, error) { return 0, memlimit.ErrNoLimit }
	for name, tc := range map[string]struct {
		container, machine memlimit.Provider
		bytes              int64
		source             string
	}{
		"both":         {has(1000), has(10_000), 900, "90 % of the container's memory"},
		"no container": {none, has(1000), 750, "75 % of the machine's memory"},
		"large one":    {has(math.MaxInt64 / 2), has(1000), 750, "75 % of the machine's memory"},
		"no machine":   {has(1000), none, 900, "90 % of the container's memory"},
	} {
		if got, err := found(tc.container, tc.machine); err != nil || got != (Limit{tc.bytes, tc.source}) {
			t.Errorf("%s: %+v, %v", name, got, err)
		}
	}
	if _, err := found(none, none); !errors.Is(err, memlimit.ErrNoLimit) {
		t.Errorf("without a known limit: %v", err)
	}
}

// TestFindLimit finds the limit of this machine, and GOMEMLIMIT if it is set. Each becomes the limit of Go's runtime.
func TestFindLimit(t *testing.T) {
	before := debug.SetMemoryLimit(-1)
	defer debug.SetMemoryLimit(before)
	limit, err := FindLimit()
	if err != nil || limit.Bytes <= 0 || debug.SetMemoryLimit(-1) != limit.Bytes {
		t.Errorf("%+v, %v; the runtime has %d", limit, err, debug.SetMemoryLimit(-1))
	}
	t.Setenv("GOMEMLIMIT", "3GiB") // the runtime reads it only when it starts
	debug.SetMemoryLimit(3 << 30)
	if limit, err := FindLimit(); err != nil || limit != (Limit{3 << 30, "GOMEMLIMIT"}) {
		t.Errorf("%+v, %v", limit, err)
	}
}
