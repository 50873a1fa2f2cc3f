//go:build faults

package faults_test

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"
)

// A place is an interface at which faults are injected.
type place string

const (
	storage place = "storage"
	push    place = "push"
	publish place = "publish"
	sidecar place = "sidecar"
)

// A fault is a kind of fault in the handling of a request.
type fault string

const (
	none fault = ""
	// These faults are answers instead of the real answer.
	tooMany     fault = "429"
	failed      fault = "500"
	unavailable fault = "503"
	// reset ends the connection before the request is handled, lostAnswer ends it after the request is handled, and
	// truncated ends it in the middle of the answer.
	reset      fault = "reset"
	lostAnswer fault = "lost answer"
	truncated  fault = "truncated"
	slow       fault = "slow"
	// hang sends no answer until the client gives up, or for the duration hanging, and then handles the request.
	hang fault = "hang"
	// killBefore and killAfter kill one of the processes before and after the request is handled; newVersion stops a
	// process with SIGTERM, and starts another version of it.
	killBefore fault = "kill before"
	killAfter  fault = "kill after"
	newVersion fault = "new version"
	// Wrong answers of the sidecar.
	wrongCount fault = "wrong count"
	notANumber fault = "not a number"
)

// faultsOf has the faults of each place. shares has the share of each place in all faults.
var (
	faultsOf = map[place][]fault{
		storage: {
			tooMany, failed, unavailable, reset, lostAnswer, lostAnswer, truncated, slow, hang, killBefore, killAfter,
			newVersion,
		},
		push:    {tooMany, unavailable, reset, lostAnswer, hang, killBefore, killAfter},
		publish: {tooMany, failed, unavailable, lostAnswer},
		sidecar: {tooMany, failed, unavailable, reset, lostAnswer, truncated, slow, hang, wrongCount, notANumber},
	}
	places = []place{storage, push, publish, sidecar}
	shares = map[place]float64{storage: 0.45, push: 0.2, publish: 0.2, sidecar: 0.15}
)

// An injector decides which requests get a fault, from a seed and the approximate number of requests.
type injector struct {
	mu       sync.Mutex
	planned  map[place]map[int]fault // by the number of the request
	seen     map[place]int
	injected map[string]int
	armed    bool
}

// newInjector plans n faults. requests has the number of requests that a run without faults makes in each place.
func newInjector(t *testing.T, seed uint64, n int, requests map[place]int) *injector {
	t.Helper()
	i := &injector{planned: map[place]map[int]fault{}, seen: map[place]int{}, injected: map[string]int{}}
	random := rand.New(rand.NewPCG(seed, 0))
	left := n
	for _, at := range places {
		i.planned[at] = map[int]fault{}
		count := min(int(shares[at]*float64(n)+0.5), left)
		left -= count
		order := random.Perm(len(faultsOf[at])) // so that a small number of faults has different kinds
		for len(i.planned[at]) < count {
			request := 1 + random.IntN(requests[at])
			if i.planned[at][request] == none {
				i.planned[at][request] = faultsOf[at][order[len(i.planned[at])%len(order)]]
			}
		}
	}
	return i
}

// arm turns faults on or off.
func (i *injector) arm(armed bool) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.armed = armed
}

// next returns the fault for the next request in a place; empty for no fault.
func (i *injector) next(at place) fault {
	i.mu.Lock()
	defer i.mu.Unlock()
	if !i.armed {
		return none
	}
	i.seen[at]++
	f := i.planned[at][i.seen[at]]
	if f != none {
		i.injected[string(at)+": "+string(f)]++
	}
	return f
}

// String lists the faults that happened.
func (i *injector) String() string {
	i.mu.Lock()
	defer i.mu.Unlock()
	var lines []string
	for _, what := range slices.Sorted(maps.Keys(i.injected)) {
		lines = append(lines, fmt.Sprintf("%s x %d", what, i.injected[what]))
	}
	return strings.Join(lines, ", ")
}
