package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/harvest-ml/harvest/shared/thorough"
)

// onSelection serves a folder that has a dataset, with this command for --on-selection.
func onSelection(t *testing.T, dir, command string) *server {
	t.Helper()
	return servingWith(t, dir, nil, "--budget", "30%", "--on-selection", command)
}

// lines returns the lines of a file; nil if the file does not exist.
func lines(t *testing.T, file string) []string {
	t.Helper()
	data, err := os.ReadFile(file)
	if err != nil && !os.IsNotExist(err) {
		t.Fatal(err)
	}
	return strings.Fields(string(data))
}

// jobFile reports whether the folder of the only job has a file with this name.
func jobFile(t *testing.T, dir, name string) bool {
	t.Helper()
	found, err := filepath.Glob(filepath.Join(dir, "state", trainingsFolder, "*", name))
	if err != nil {
		t.Fatal(err)
	}
	return len(found) == 1
}

// TestOnSelection trains with a command whose first attempt fails. Both attempts have the same job name, and all
// variables of the environment.
func TestOnSelection(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	drop(t, dir, "small", 20)
	s := onSelection(t, dir, `env | grep ^HARVEST_ | sort > env.$HARVEST_ATTEMPT; `+
		`grep -c '"id"' "$HARVEST_SUBSET" > count; test "$HARVEST_ATTEMPT" = 2`)
	until(t, "the training", func() bool { return jobFile(t, dir, "done") })
	s.stop(t)
	environ := map[string]string{}
	for line := range strings.Lines(readFile(t, filepath.Join(dir, "env.2"))) {
		name, value, _ := strings.Cut(strings.TrimSpace(line), "=")
		environ[name] = value
	}
	first := readFile(t, filepath.Join(dir, "env.1"))
	if !strings.HasPrefix(environ["HARVEST_JOB"], "harvest-") || !strings.Contains(first, environ["HARVEST_JOB"]) ||
		!strings.Contains(first, "HARVEST_ATTEMPT=1\n") {
		t.Errorf("attempts of two jobs:\n%s%v", first, environ)
	}
	if environ["HARVEST_DATASET"] != "small" || environ["HARVEST_SELECTED"] != "6" ||
		environ["HARVEST_IMAGES"] != filepath.Join(dir, "input", "images", "small") ||
		environ["HARVEST_EXPORT"] != filepath.Dir(environ["HARVEST_SUBSET"]) ||
		!strings.Contains(environ["HARVEST_PARAMETERS"], `"budget":6`) {
		t.Errorf("environment %v", environ)
	}
	if got := lines(t, filepath.Join(dir, "count")); len(got) != 1 || got[0] == "0" {
		t.Errorf("the subset has %v records", got)
	}
	if n := strings.Count(s.log.String(), "training failed; serve tries again"); n != 1 {
		t.Errorf("%d warnings:\n%s", n, s.log.String())
	}
}

// TestTrainingOutlivesServe kills serve while a training runs. The next serve finds the training, and waits for it.
func TestTrainingOutlivesServe(t *testing.T) {
	t.Parallel()
	thorough.Only(t)
	dir := t.TempDir()
	drop(t, dir, "small", 20)
	const command = `echo begin >> runs; while [ ! -e go ]; do sleep 0.1; done; echo end >> runs`
	runs := filepath.Join(dir, "runs")
	first := onSelection(t, dir, command)
	until(t, "the training to begin", func() bool { return len(lines(t, runs)) == 1 })
	if err := first.cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = first.cmd.Wait() // killed
	second := onSelection(t, dir, command)
	until(t, "the training to be seen", func() bool { return strings.Contains(second.log.String(), "training runs") })
	time.Sleep(2 * trainingPoll)
	writeFile(t, filepath.Join(dir, "go"), "")
	until(t, "the end", func() bool { return jobFile(t, dir, "done") })
	second.stop(t)
	if got := strings.Join(lines(t, runs), " "); got != "begin end" {
		t.Errorf("trainings: %s", got)
	}
}

// TestTrainingDies kills the first attempt together with the process that would record its result.
func TestTrainingDies(t *testing.T) {
	t.Parallel()
	thorough.Only(t)
	dir := t.TempDir()
	drop(t, dir, "small", 20)
	s := onSelection(t, dir, `echo $HARVEST_ATTEMPT >> runs; [ $HARVEST_ATTEMPT = 2 ] || kill -9 $PPID`)
	until(t, "the training", func() bool { return jobFile(t, dir, "done") })
	s.stop(t)
	if got := strings.Join(lines(t, filepath.Join(dir, "runs")), " "); got != "1 2" ||
		!strings.Contains(s.log.String(), "training ended without a recorded result; serve starts it again") {
		t.Errorf("attempts %s; the log:\n%s", got, s.log.String())
	}
}

// TestTrainingFails lets all attempts fail, until the run is resumed.
func TestTrainingFails(t *testing.T) {
	thorough.Only(t)
	t.Parallel()
	dir := t.TempDir()
	drop(t, dir, "small", 20)
	const command = `echo $HARVEST_ATTEMPT >> runs; test -e fixed`
	first := onSelection(t, dir, command)
	until(t, "the failure", func() bool { return jobFile(t, dir, "failed") })
	run := first.runs(t)[0].Run
	first.stop(t)
	if got := strings.Join(lines(t, filepath.Join(dir, "runs")), " "); got != "1 2 3 4" {
		t.Errorf("attempts %s", got)
	}
	for _, args := range [][]string{{"status", "--state", "state", run}, {"status", "--state", "state", "--json", run}} {
		said := strings.Join(strings.Fields(mustHarvest(t, dir, args...).stdout), " ")
		if !strings.Contains(said, "exit status 1") {
			t.Errorf("%v: %s", args, said)
		}
	}
	writeFile(t, filepath.Join(dir, "fixed"), "")
	if a := mustHarvest(t, dir, "resume", "--state", "state", run); !strings.Contains(a.stderr, "1 failed training of") {
		t.Errorf("resume: %s", a.stderr)
	}
	second := onSelection(t, dir, command)
	until(t, "the training", func() bool { return jobFile(t, dir, "done") })
	second.stop(t)
	if got := strings.Join(lines(t, filepath.Join(dir, "runs")), " "); got != "1 2 3 4 5" {
		t.Errorf("attempts %s", got)
	}
}

// TestDatasetNamesNoCommand uploads a dataset that names a command. The dataset is refused. Without the command it is
// accepted.
func TestDatasetNamesNoCommand(t *testing.T) {
	t.Parallel()
	thorough.Only(t)
	dir := t.TempDir()
	drop(t, dir, "small", 20)
	writeFile(t, filepath.Join(dir, "input", "datasets", "small", "dataset.yaml"),
		"manifests: [all.json]\nbudget: 4\non_selection: touch evil\n")
	s := onSelection(t, dir, "touch trained")
	until(t, "the refusal", func() bool { return strings.Contains(s.log.String(), "on_selection") })
	writeFile(t, filepath.Join(dir, "input", "datasets", "small", "dataset.yaml"), "manifests: [all.json]\nbudget: 4\n")
	until(t, "the training by the operator's command", func() bool { return jobFile(t, dir, "done") })
	s.stop(t)
	if _, err := os.Stat(filepath.Join(dir, "evil")); err == nil {
		t.Error("a dataset's command ran")
	}
}
