package main

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/harvest-ml/harvest/shared/thorough"
)

// TestBatchExample runs the commands of infra/examples/batch on the demo, with the fake engine, which needs no GPU.
func TestBatchExample(t *testing.T) {
	t.Parallel()
	thorough.Only(t)
	if _, err := exec.LookPath("python3"); err != nil {
		t.Skip("there is no python3")
	}
	page := readFile(t, filepath.FromSlash("../examples/batch/README.md"))
	block := regexp.MustCompile("(?s)```sh program\n(.*?)```").FindStringSubmatch(page)
	if block == nil {
		t.Fatal("the page has no commands")
	}
	dir := t.TempDir()
	if err := os.CopyFS(dir, os.DirFS("../../testdata/demo")); err != nil {
		t.Fatal(err)
	}
	example, err := filepath.Abs("../examples/batch/batch.py")
	if err != nil {
		t.Fatal(err)
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	script := strings.ReplaceAll(block[1], "infra/examples/batch/batch.py", example)
	script = "set -eu\nharvest() { \"" + self + "\" \"$@\"; }\n" + script
	cmd := exec.CommandContext(t.Context(), "sh", "-c", script)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), asProgram+"=1", "XDG_CACHE_HOME="+filepath.Join(dir, "cache"))
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v:\n%s", err, out)
	}
	var records, subset []json.RawMessage
	decode(t, readFile(t, filepath.Join(dir, "dataset.json")), &records)
	decode(t, readFile(t, filepath.Join(dir, "subset.json")), &subset)
	if want := len(records) * 3 / 10; len(subset) < want || len(subset) > want+1 {
		t.Errorf("%d of %d samples are selected, want 30 %%", len(subset), len(records))
	}
}
