// Package sidecartest runs the real sidecar for tests, with a small random model on the CPU. If Python's packages or
// the model's files are missing, its functions skip the test and give the reason.
package sidecartest

import (
	"bytes"
	_ "embed"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
)

// PythonVariable is the environment variable with the path of a Python that has the sidecar's dependencies.
const PythonVariable = "HARVEST_SIDECAR_PYTHON"

// root returns the root folder of the repository.
func root(t testing.TB) string {
	t.Helper()
	_, file, _, ok := runtime.Caller(0)
	if !ok {
		t.Fatal("the repository was not found")
	}
	return filepath.Join(filepath.Dir(file), "..", "..", "..", "..")
}

// Shared returns the path of a file or folder in ../shared, next to the repository.
func Shared(t testing.TB, name string) string {
	t.Helper()
	path := filepath.Join(root(t), "..", "shared", filepath.FromSlash(name))
	if _, err := os.Stat(path); err != nil {
		t.Skipf("not tested: %s is not next to the repository", filepath.Join("..", "shared", name))
	}
	return path
}

// python returns the path in PythonVariable or, if it is not set, the path of the Python in a virtual environment next
// to the repository.
func python(t testing.TB) string {
	t.Helper()
	if path := os.Getenv(PythonVariable); path != "" {
		return path
	}
	path := filepath.Join(root(t), "..", "venv-sidecar", "bin", "python")
	if _, err := os.Stat(path); err != nil {
		t.Skipf("not tested: no Python with the sidecar's dependencies; set %s to its path", PythonVariable)
	}
	return path
}

//go:embed surer.py
var surer string

// Checkpoint returns the folder of a small random model in the released form. Its expected ratings in ../shared come
// from the reference implementation.
func Checkpoint(t testing.TB) string { return Shared(t, "sidecar/checkpoint") }

// SureCheckpoint returns a folder with a copy of this model that has another head. With this head, digits have nearly
// all probability, so most samples get ratings, and the ratings differ.
func SureCheckpoint(t testing.TB) string {
	t.Helper()
	from, to := Checkpoint(t), t.TempDir()
	if out, err := exec.Command(python(t), "-c", surer, from, to).CombinedOutput(); err != nil {
		t.Fatalf("making a checkpoint: %v\n%s", err, out)
	}
	return to
}

// A Process is a sidecar that can be killed and started again at the same URL.
type Process struct {
	URL string

	t       testing.TB
	python  string
	environ []string
	mu      sync.Mutex
	cmd     *exec.Cmd
	log     bytes.Buffer
}

// Start starts a sidecar that uses one checkpoint for both models, in single precision. It does not wait until the
// sidecar is ready. At the end of the test it kills the sidecar, and logs its output if the test failed.
func Start(t testing.TB, checkpoint string, environ ...string) *Process {
	t.Helper()
	python := python(t)
	free, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	port := free.Addr().(*net.TCPAddr).Port
	if err := free.Close(); err != nil {
		t.Fatal(err)
	}
	p := &Process{URL: fmt.Sprintf("http://127.0.0.1:%d", port), t: t, python: python}
	for _, variable := range os.Environ() {
		if !strings.HasPrefix(variable, "SIDECAR_") {
			p.environ = append(p.environ, variable)
		}
	}
	p.environ = append(p.environ,
		"SIDECAR_SCORER_DIR="+checkpoint, "SIDECAR_STYLER_DIR="+checkpoint, fmt.Sprintf("SIDECAR_PORT=%d", port),
		"SIDECAR_DEVICE=cpu", "SIDECAR_DTYPE=fp32", "SIDECAR_THREADS=2", "OMP_NUM_THREADS=2")
	p.environ = append(p.environ, environ...)
	t.Cleanup(func() {
		p.Kill()
		if t.Failed() {
			t.Logf("the sidecar's log:\n%s", p.log.Bytes())
		}
	})
	p.Restart()
	return p
}

// Restart starts the sidecar after a Kill.
func (p *Process) Restart() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.cmd = exec.Command(p.python, "-m", "sidecar")
	p.cmd.Dir, p.cmd.Env = root(p.t), p.environ
	p.cmd.Stdout, p.cmd.Stderr = &p.log, &p.log
	if err := p.cmd.Start(); err != nil {
		p.t.Errorf("starting the sidecar: %v", err)
		p.cmd = nil
	}
}

// Kill ends the sidecar immediately, even during a request.
func (p *Process) Kill() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.cmd == nil {
		return
	}
	_ = p.cmd.Process.Kill() // it may have ended already
	_ = p.cmd.Wait()         // the error only reports the kill
	p.cmd = nil
}
