package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/harvest-ml/harvest/shared/thorough"
)

// asProgram is the variable of the environment that makes the test binary act as the program.
const asProgram = "HARVEST_TEST_AS_PROGRAM"

func TestMain(m *testing.M) {
	if os.Getenv(asProgram) != "" {
		os.Exit(execute())
	}
	flag.Parse()
	thorough.Quicken()
	if !slices.ContainsFunc(os.Args, func(arg string) bool { return strings.Contains(arg, "test.parallel") }) {
		// Most tests wait for processes that also wait. So more concurrent tests keep all cores busy.
		if err := flag.Set("test.parallel", strconv.Itoa(3*runtime.GOMAXPROCS(0))); err != nil {
			panic(err)
		}
	}
	os.Exit(testAll(m))
}

func testAll(m *testing.M) int {
	var err error
	if binaries, err = os.MkdirTemp("", "harvest-test-"); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(binaries)
	return m.Run()
}

// program returns a command that runs the program with arguments in a working folder, with a separate cache folder.
func program(t *testing.T, dir string, env []string, args ...string) *exec.Cmd {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), self, args...)
	cmd.Dir = dir
	// With GOGC=1000 the process needs more memory, but less time for garbage collection.
	cmd.Env = append(os.Environ(), asProgram+"=1", "XDG_CACHE_HOME="+t.TempDir(), "GOGC=1000")
	cmd.Env = append(cmd.Env, env...)
	return cmd
}

// An answer is the output of a command, and its exit status.
type answer struct {
	stdout, stderr string
	status         int
}

// harvest runs a command to its end.
func harvest(t *testing.T, dir string, env []string, args ...string) answer {
	t.Helper()
	cmd := program(t, dir, env, args...)
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	err := cmd.Run()
	if _, exited := errors.AsType[*exec.ExitError](err); err != nil && !exited {
		t.Fatal(err)
	}
	return answer{stdout.String(), stderr.String(), cmd.ProcessState.ExitCode()}
}

// mustHarvest runs a command that has to succeed.
func mustHarvest(t *testing.T, dir string, args ...string) answer {
	t.Helper()
	a := harvest(t, dir, nil, args...)
	if a.status != 0 {
		t.Fatalf("harvest %s: status %d: %s", strings.Join(args, " "), a.status, a.stderr)
	}
	return a
}

// curateJSON curates a dataset in a state folder, and returns the object that --json prints.
func curateJSON(t *testing.T, dir string, args ...string) result {
	t.Helper()
	a := mustHarvest(t, dir, append([]string{"curate", "--json"}, args...)...)
	return decodeResult(t, a.stdout)
}

// decodeResult decodes the only object that --json prints.
func decodeResult(t *testing.T, stdout string) result {
	t.Helper()
	dec := json.NewDecoder(strings.NewReader(stdout))
	dec.DisallowUnknownFields()
	var r result
	if err := dec.Decode(&r); err != nil {
		t.Fatalf("%v in %s", err, stdout)
	}
	if dec.More() {
		t.Fatalf("more than one JSON object: %s", stdout)
	}
	return r
}

// until waits for a condition.
func until(t *testing.T, what string, met func() bool) {
	t.Helper()
	const patience = 5 * time.Minute
	for end := time.Now().Add(patience); !met(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("waited %s for %s", patience, what)
		}
	}
}
