package main

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/harvest-ml/harvest/shared/thorough"
	"go.yaml.in/yaml/v3"
)

// TestEvaluateExample makes a dry run of infra/examples/evaluate. It makes and exports the arms, and parses the
// configurations. It prints the commands of training and evaluation for each arm, and makes the table from invented
// results.
func TestEvaluateExample(t *testing.T) {
	t.Parallel()
	thorough.Only(t)
	if _, err := exec.LookPath("python3"); err != nil {
		t.Skip("there is no python3")
	}
	example, err := filepath.Abs("../examples/evaluate")
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	newDataset(t, dir, 60, 8)
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	run := func(in string, env []string, args ...string) string {
		t.Helper()
		cmd := exec.CommandContext(t.Context(), args[0], args[1:]...)
		cmd.Dir = in
		cmd.Env = append(os.Environ(), asProgram+"=1", "HARVEST="+self, "STATE="+filepath.Join(dir, "state"))
		cmd.Env = append(cmd.Env, env...)
		out, err := cmd.CombinedOutput()
		if err != nil {
			t.Fatalf("%v: %v:\n%s", args, err, out)
		}
		return string(out)
	}
	for trainer, begins := range map[string]string{"llama-factory": "llamafactory-cli train ", "ms-swift": "swift sft "} {
		run(dir, nil, "sh", filepath.Join(example, "arms.sh"), "dataset.json", "30%", trainer, trainer)
		exports, err := filepath.Glob(filepath.Join(dir, trainer, "exports", "*", "README.md"))
		if err != nil || len(exports) != 11 {
			t.Errorf("%s: %d exports: %v", trainer, len(exports), err)
		}
		printed := run(dir, []string{"DRY_RUN=1"}, "sh", filepath.Join(example, "train.sh"), trainer, "some/model", trainer)
		if trained := strings.Count(printed, begins); trained != 11 || strings.Count(printed, "-m lmms_eval ") != 11 {
			t.Errorf("%s: %d trainings:\n%s", trainer, trained, printed)
		}
		var config map[string]any
		decoded := yaml.Unmarshal([]byte(readFile(t, filepath.Join(example, trainer+".yaml"))), &config)
		if decoded != nil || config["seed"] != 42 {
			t.Errorf("%s: %v, %v", trainer, decoded, config)
		}
	}
	sizes := map[string]int{}
	for _, arm := range []string{"full", "mmssr", "random-1", "random-3", "descending"} {
		var records []json.RawMessage
		decode(t, readFile(t, filepath.Join(dir, "llama-factory", "exports", arm, "data.json")), &records)
		sizes[arm] = len(records)
	}
	if sizes["full"] != 60 || sizes["mmssr"] != 18 || sizes["random-1"] != 18 || sizes["descending"] != 18 {
		t.Errorf("samples of arms: %v", sizes)
	}
	run(example, []string{"PYTHONDONTWRITEBYTECODE=1"}, "python3", "-m", "unittest", "table_test")
}
