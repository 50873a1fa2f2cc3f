// Package enginetest runs a real OpenAI-compatible vision server for tests: llama.cpp's llama-server with a small
// random model, from ../shared/engine. If the server is not installed, its functions skip the test and give the reason.
package enginetest

import (
	"bytes"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/google/renameio/v2"
)

// RootVariable is the environment variable with the folder in which ../shared/engine/start.sh has installed the server.
const RootVariable = "HARVEST_ENGINE_ROOT"

// Shared returns the path of a file or folder in ../shared, next to the repository.
func Shared(t testing.TB, name string) string {
	t.Helper()
	_, file, _, ok := runtime.Caller(0)
	if !ok {
		t.Fatal("the path of the repository is not known")
	}
	path := filepath.Join(filepath.Dir(file), "..", "..", "..", "..", "..", "shared", filepath.FromSlash(name))
	if _, err := os.Stat(path); err != nil {
		t.Skipf("not tested: %s is not next to the repository", filepath.Join("..", "shared", name))
	}
	return path
}

// A Server is a llama-server that can be killed and started again at the same URL.
type Server struct {
	URL string

	t     testing.TB
	root  string
	model string // file name in the folder models
	port  int
	mu    sync.Mutex
	cmd   *exec.Cmd
	log   bytes.Buffer
}

// The files that the server loads. vocabulary is the number of tokens of the model; the token of a byte has the byte's
// number.
const (
	model, digitsModel, projector = "tiny-vlm.gguf", "tiny-digits-vlm.gguf", "tiny-mmproj.gguf"
	vocabulary                    = 320
)

// Start starts a server and waits until it is ready. At the end of the test it kills the server, and logs its output if
// the test failed.
func Start(t testing.TB) *Server {
	t.Helper()
	return start(t, model, nil)
}

// StartDigits starts a server with a copy of the model that prefers digits. added is added to the logits of the digits
// 0 to 5.
func StartDigits(t testing.TB, added float32) *Server {
	t.Helper()
	bias := make([]float32, vocabulary)
	for digit := '0'; digit <= '5'; digit++ {
		bias[digit] = added
	}
	return start(t, digitsModel, bias)
}

func start(t testing.TB, name string, bias []float32) *Server {
	t.Helper()
	if testing.Short() {
		t.Skip("not tested: starting llama-server takes long")
	}
	engine := Shared(t, "engine")
	root := os.Getenv(RootVariable)
	if root == "" {
		home, err := os.UserHomeDir()
		if err != nil {
			t.Fatal(err)
		}
		root = filepath.Join(home, ".cache", "harvest-engine")
	}
	if _, err := os.Stat(filepath.Join(root, "usr/bin/llama-server")); err != nil || os.Geteuid() != 0 {
		t.Skip("not tested: llama-server is not installed (../shared/engine/start.sh installs it), or the user is not root")
	}
	// Do not call start.sh: it would overwrite files that the server of another test has mapped.
	placeModel(t, filepath.Join(engine, projector), filepath.Join(root, "models", projector), nil)
	placeModel(t, filepath.Join(engine, model), filepath.Join(root, "models", name), bias)
	s := &Server{t: t, root: root, model: name, port: freePort(t)}
	s.URL = fmt.Sprintf("http://127.0.0.1:%d/v1", s.port)
	t.Cleanup(func() {
		s.Kill()
		if t.Failed() {
			t.Logf("the end of llama-server's log:\n%s", s.log.Bytes()[max(0, s.log.Len()-4000):])
		}
	})
	s.Restart()
	s.ready()
	return s
}

// placeModel copies a model. If bias is not nil, it adds bias to the logits.
func placeModel(t testing.TB, from, to string, bias []float32) {
	t.Helper()
	data, err := os.ReadFile(from)
	if err != nil {
		t.Fatal(err)
	}
	if bias != nil {
		if data, err = withOutputBias(data, bias); err != nil {
			t.Fatalf("%s: %v", from, err)
		}
	}
	if there, err := os.ReadFile(to); err == nil && bytes.Equal(there, data) {
		return
	}
	if err := os.MkdirAll(filepath.Dir(to), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := renameio.WriteFile(to, data, 0o644); err != nil {
		t.Fatal(err)
	}
}

func freePort(t testing.TB) int {
	t.Helper()
	free, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer free.Close()
	return free.Addr().(*net.TCPAddr).Port
}

// Restart starts the server after a Kill. It is not ready yet.
func (s *Server) Restart() {
	s.mu.Lock()
	defer s.mu.Unlock()
	// Use one thread: on a busy machine, several threads would wait for each other.
	s.cmd = exec.Command("chroot", s.root, "llama-server", "-m", "/models/"+s.model, "--mmproj", "/models/"+projector,
		"--host", "127.0.0.1", "--port", strconv.Itoa(s.port), "-c", "32768", "-np", "4", "-t", "1")
	s.cmd.Stdout, s.cmd.Stderr = &s.log, &s.log
	if err := s.cmd.Start(); err != nil {
		s.t.Errorf("starting llama-server: %v", err)
		s.cmd = nil
	}
}

func (s *Server) ready() {
	s.t.Helper()
	for range 600 {
		resp, err := http.Get(fmt.Sprintf("http://127.0.0.1:%d/health", s.port))
		if err == nil {
			resp.Body.Close()
			if resp.StatusCode == http.StatusOK {
				return
			}
		}
		time.Sleep(50 * time.Millisecond)
	}
	s.t.Fatal("llama-server did not become ready")
}

// Kill ends the server immediately, even during a request.
func (s *Server) Kill() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.cmd == nil {
		return
	}
	_ = s.cmd.Process.Kill() // it may have ended already
	_ = s.cmd.Wait()         // the error only reports the kill
	s.cmd = nil
}
