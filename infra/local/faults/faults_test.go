//go:build faults

// Package faults_test runs the functions as separate processes, with faults of the services that they use: storage,
// queue and sidecar. The outputs must equal the outputs without faults, byte for byte.
package faults_test

import (
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// perRound is the number of faults in one system.
const perRound = 20

// TestFaults injects faults into two runs, in separate rounds: kills and new versions of the processes; refused,
// broken, slow, hanging and lost requests; publications that fail or whose answers are lost; duplicated and reordered
// messages; and a failing sidecar. The number of the round determines the faults of each request.
func TestFaults(t *testing.T) {
	faults := givenFaults(t)
	versions := buildVersions(t)
	undisturbed := newInjector(t, 0, 0, nil)
	want := live(t, versions, undisturbed)
	for round := 1; faults > 0; round++ {
		n := min(faults, perRound)
		faults -= n
		disturbed := newInjector(t, uint64(round), n, undisturbed.seen)
		got := live(t, versions, disturbed)
		t.Logf("round %d: %s", round, disturbed)
		compare(t, fmt.Sprintf("round %d", round), want, got)
	}
}

// givenFaults returns the number of faults to inject.
func givenFaults(t *testing.T) int {
	t.Helper()
	given := os.Getenv("HARVEST_FAULTS")
	if given == "" {
		t.Skip("HARVEST_FAULTS is not the number of faults to inject")
	}
	faults, err := strconv.Atoi(given)
	if err != nil {
		t.Fatalf("HARVEST_FAULTS: %v", err)
	}
	return faults
}

// made matches the time in a report at which a selection was accepted, because this time differs between two runs.
var made = regexp.MustCompile(`<dt>Made</dt><dd><bdi>[^<]*`)

// compare checks that the outputs equal the outputs without faults.
func compare(t *testing.T, round string, want, got map[string]string) {
	t.Helper()
	if diff := cmp.Diff(slices.Sorted(maps.Keys(want)), slices.Sorted(maps.Keys(got))); diff != "" {
		t.Errorf("%s: objects (-undisturbed +disturbed):\n%s", round, diff)
	}
	for name, content := range want {
		if made.ReplaceAllString(got[name], "") != made.ReplaceAllString(content, "") {
			t.Errorf("%s: %s differs from the undisturbed run (-undisturbed +disturbed):\n%s", round, name,
				excerpt(content, got[name]))
		}
	}
}

// excerpt returns the difference of two contents if they are texts.
func excerpt(want, got string) string {
	if strings.Contains(want, "\x00") {
		return strconv.Itoa(len(want)) + " and " + strconv.Itoa(len(got)) + " bytes"
	}
	diff := cmp.Diff(strings.Split(want, "\n"), strings.Split(got, "\n"))
	return diff[:min(len(diff), 4000)]
}

// buildVersions builds two different binaries of the functions, which stand for two versions.
func buildVersions(t *testing.T) []string {
	t.Helper()
	dir := t.TempDir()
	versions := []string{filepath.Join(dir, "old"), filepath.Join(dir, "new")}
	for i, flags := range []string{"-ldflags=-s -w", "-ldflags=-s -w -buildid=new"} {
		build := exec.CommandContext(t.Context(), "go", "build", flags, "-o", versions[i],
			"github.com/harvest-ml/harvest/functions")
		if said, err := build.CombinedOutput(); err != nil {
			t.Fatalf("building the functions: %v: %s", err, said)
		}
	}
	return versions
}

// until waits for a condition.
func until(t *testing.T, what string, limit time.Duration, met func() bool) {
	t.Helper()
	for deadline := time.Now().Add(limit); !met(); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("no %[2]s within %[1]s", limit, what)
		}
	}
}
