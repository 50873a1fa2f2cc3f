package main

import (
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/harvest-ml/harvest/shared/api"
	"github.com/harvest-ml/harvest/shared/events"
	"github.com/harvest-ml/harvest/shared/run"
	"github.com/harvest-ml/harvest/shared/thorough"
)

// drop uploads a dataset of some samples: images and a manifest, without a dataset.yaml.
func drop(t *testing.T, dir, name string, samples int) {
	t.Helper()
	images := filepath.Join(dir, "input", "images", name)
	newDataset(t, images, samples, 16)
	manifest := readFile(t, filepath.Join(images, "dataset.json"))
	writeFile(t, filepath.Join(dir, "input", "datasets", name, "all.json"), manifest)
}

// inOut returns the number of samples in a dataset's subset in the folder out; -1 if there is no subset.
func inOut(t *testing.T, dir, dataset string) int {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(dir, "out", dataset, "subset.json"))
	if os.IsNotExist(err) {
		return -1
	} else if err != nil {
		t.Fatal(err)
	}
	var records []struct{}
	decode(t, string(data), &records)
	return len(records)
}

// TestServeWritesSubsets uploads manifests without a dataset.yaml. Each subset is written to a separate folder. This is
// repeated with another budget, with an earlier budget, and with a budget in dataset.yaml.
func TestServeWritesSubsets(t *testing.T) {
	t.Parallel()
	thorough.Only(t)
	dir := t.TempDir()
	drop(t, dir, "small", 20)
	first := servingWith(t, dir, nil, "--budget", "30%", "--out", "out")
	until(t, "the subset", func() bool { return inOut(t, dir, "small") == 6 })
	until(t, "the report next to it", func() bool {
		page, err := os.ReadFile(filepath.Join(dir, "out", "small", reportFile))
		return err == nil && strings.Contains(string(page), "<svg")
	})
	if event := first.event(t, events.SelectionCompleted); !event.Data.Automatic {
		t.Errorf("event %+v is not automatic", event)
	}
	drop(t, dir, "more", 10)
	until(t, "the second subset", func() bool { return inOut(t, dir, "more") == 3 })
	writeFile(t, filepath.Join(dir, "input", "datasets", "more", "dataset.yaml"), "manifests: [all.json]\nbudget: 4\n")
	until(t, "the subset with the dataset's budget", func() bool { return inOut(t, dir, "more") == 4 })
	first.stop(t)

	second := servingWith(t, dir, nil, "--budget", "10%", "--out", "out")
	until(t, "the smaller subset", func() bool { return inOut(t, dir, "small") == 2 })
	second.stop(t)
	if err := os.RemoveAll(filepath.Join(dir, "out", "more")); err != nil {
		t.Fatal(err)
	}
	third := servingWith(t, dir, nil, "--budget", "30%", "--out", "out")
	until(t, "the first subset", func() bool { return inOut(t, dir, "small") == 6 })
	until(t, "the subset that was removed", func() bool { return inOut(t, dir, "more") == 4 })
	third.stop(t)
}

// TestServeSpecFirst copies a dataset.yaml into the folder before the manifest that it names. The manifest starts the
// run, and the subset is written. After a restart, and after another version of the manifest, there is no other run.
func TestServeSpecFirst(t *testing.T) {
	thorough.Only(t)
	t.Parallel()
	dir := t.TempDir()
	datasets := filepath.Join(dir, "input", "datasets", "small")
	images := filepath.Join(dir, "input", "images", "small")
	newDataset(t, images, 20, 16)
	manifest := readFile(t, filepath.Join(images, "dataset.json"))
	first := servingWith(t, dir, nil, "--out", "out")
	writeFile(t, filepath.Join(datasets, "dataset.yaml"), "manifests: [train.json]\nbudget: 30%\n")
	until(t, "the refusal", func() bool { return strings.Contains(first.log.String(), "when the last one arrives") })
	writeFile(t, filepath.Join(datasets, "train.json"), manifest)
	until(t, "the subset", func() bool { return inOut(t, dir, "small") == 6 })
	first.stop(t)

	second := servingWith(t, dir, nil, "--out", "out")
	const named = "upload the dataset.yaml again to start a run"
	until(t, "the manifest", func() bool { return strings.Contains(second.log.String(), named) })
	writeFile(t, filepath.Join(datasets, "train.json"), manifest+"\n")
	until(t, "the other version", func() bool { return strings.Count(second.log.String(), named) == 2 })
	if runs := second.runs(t); len(runs) != 2 {
		t.Errorf("runs %+v, want one refused run and one other", runs)
	}
	second.stop(t)
}

// TestServeCorrected copies a dataset.yaml and an empty file that it names, then another empty one, and then the whole
// file. Each version starts one run, without another upload of the dataset.yaml. A restart starts none.
func TestServeCorrected(t *testing.T) {
	thorough.Only(t)
	t.Parallel()
	dir := t.TempDir()
	datasets := filepath.Join(dir, "input", "datasets", "small")
	images := filepath.Join(dir, "input", "images", "small")
	newDataset(t, images, 20, 16)
	first := servingWith(t, dir, nil, "--out", "out")
	t.Cleanup(func() {
		if t.Failed() {
			t.Log(first.log.String())
		}
	})
	manifest := filepath.Join(datasets, "parts", "train.json")
	writeFile(t, manifest, "")
	writeFile(t, filepath.Join(datasets, "dataset.yaml"), "manifests: [parts/train.json]\nbudget: 30%\n")
	for i, content := range []string{"[", readFile(t, filepath.Join(images, "dataset.json"))} {
		until(t, "a refused run", func() bool {
			runs := first.runs(t)
			pending := func(r api.RunEntry) bool { return r.State != run.StateRefused }
			return len(runs) == i+1 && !slices.ContainsFunc(runs, pending)
		})
		writeFile(t, manifest, content)
	}
	until(t, "the subset", func() bool { return inOut(t, dir, "small") == 6 })
	first.stop(t)

	second := servingWith(t, dir, nil, "--out", "out")
	const named = "upload the dataset.yaml again to start a run"
	until(t, "the manifest", func() bool { return strings.Contains(second.log.String(), named) })
	if runs := second.runs(t); len(runs) != 3 {
		t.Errorf("runs %+v, want two refused runs and one other", runs)
	}
	second.stop(t)
	if log := first.log.String(); strings.Contains(log, "lies in a subfolder") {
		t.Errorf("a file that dataset.yaml names is reported as misplaced:\n%s", log)
	}
}

// TestServeWritesCalled starts a run by an API call with a budget. The subset of this run is also written.
func TestServeWritesCalled(t *testing.T) {
	t.Parallel()
	thorough.Only(t)
	dir := t.TempDir()
	drop(t, dir, "small", 20)
	s := servingWith(t, dir, nil, "--out", "out")
	resp, err := http.Post(s.url, "application/json",
		strings.NewReader(`{"dataset":"small","manifests":["all.json"],"budget":"30%"}`))
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	until(t, "the subset", func() bool { return inOut(t, dir, "small") == 6 })
	writeFile(t, filepath.Join(dir, "input", "datasets", "small", "dataset.yaml"), "manifests: [all.json]\nbudget: 4\n")
	until(t, "the subset with the dataset's budget", func() bool { return inOut(t, dir, "small") == 4 })
	s.stop(t)
}

// TestServeWithoutItsBudget uploads a refused dataset.yaml with a budget that no selection of the dataset has. The log
// says why there is no subset. The correction of the dataset.yaml gives the subset.
func TestServeWithoutItsBudget(t *testing.T) {
	thorough.Only(t)
	t.Parallel()
	dir := t.TempDir()
	drop(t, dir, "small", 20)
	first := servingWith(t, dir, nil, "--budget", "30%")
	first.event(t, events.SelectionCompleted)
	first.stop(t)
	spec := filepath.Join(dir, "input", "datasets", "small", "dataset.yaml")
	writeFile(t, spec, "manifests: [al.json]\nbudget: 4\n")
	second := servingWith(t, dir, nil, "--budget", "30%", "--out", "out")
	const reason = "no selection of the dataset has its budget"
	until(t, "the reason", func() bool { return strings.Contains(second.log.String(), reason) })
	until(t, "the hint", func() bool { return strings.Contains(second.log.String(), `did you mean \"all.json\"?`) })
	writeFile(t, spec, "manifests: [all.json]\nbudget: 4\n")
	until(t, "the subset", func() bool { return inOut(t, dir, "small") == 4 })
	second.stop(t)
}

// stop ends the command as ctrl-C does.
func (s *server) stop(t *testing.T) {
	t.Helper()
	if err := s.cmd.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	_ = s.cmd.Wait() // the test checks its exit status
	if status := s.cmd.ProcessState.ExitCode(); status != 130 {
		t.Errorf("status %d after ctrl-C; its log:\n%s", status, s.log.String())
	}
}

// TestServeLinks uploads a dataset whose folder is a link. The dataset is refused once, and the log names the flag that
// allows links.
func TestServeLinks(t *testing.T) {
	thorough.Only(t)
	t.Parallel()
	dir := t.TempDir()
	drop(t, dir, "small", 20)
	elsewhere := filepath.Join(dir, "elsewhere")
	if err := os.Rename(filepath.Join(dir, "input", "datasets", "small"), elsewhere); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(elsewhere, filepath.Join(dir, "input", "datasets", "small")); err != nil {
		t.Fatal(err)
	}
	refusing := servingWith(t, dir, nil, "--budget", "30%", "--out", "out")
	until(t, "the refusal", func() bool { return strings.Contains(refusing.log.String(), "--follow-links") })
	drop(t, dir, "other", 10)
	until(t, "the other dataset", func() bool { return inOut(t, dir, "other") == 3 })
	if n := strings.Count(refusing.log.String(), "--follow-links"); n != 1 || inOut(t, dir, "small") >= 0 {
		t.Errorf("refused %d times:\n%s", n, refusing.log.String())
	}
	refusing.stop(t)
	following := servingWith(t, dir, nil, "--budget", "30%", "--out", "out", "--follow-links")
	until(t, "the subset", func() bool { return inOut(t, dir, "small") == 6 })
	following.stop(t)
}

// TestServeFaults starts serve with invalid flags and folders.
func TestServeFaults(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for _, name := range []string{"input/datasets/a/a.json", "file", "foreign/model.bin", "images/x.png"} {
		writeFile(t, filepath.Join(dir, filepath.FromSlash(name)), "[]")
	}
	if err := os.MkdirAll(filepath.Join(dir, "linked"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(filepath.Join(dir, "images"), filepath.Join(dir, "linked", "images")); err != nil {
		t.Fatal(err)
	}
	for name, tt := range map[string]struct {
		args []string
		says string
	}{
		"no input":       {[]string{"--input", "none"}, "--input none: there is no such folder; create it (mkdir -p none"},
		"a file":         {[]string{"--input", "file"}, "--input file: it is a file"},
		"linked images":  {[]string{"--input", "linked"}, "--follow-links"},
		"no budget":      {[]string{"--input", "input", "--budget", "many"}, "--budget: "},
		"state in input": {[]string{"--input", "input", "--state", "input/images/s"}, "--state input/images/s: it is"},
		"state is input": {[]string{"--input", "input", "--state", "input"}, "--input input: it is inside --state input"},
		"input in state": {[]string{"--input", "input", "--state", "."}, "--input input: it is inside --state ."},
		"out in input":   {[]string{"--input", "input", "--out", "input/datasets/b"}, "datasets/b: it is in"},
		"foreign out":    {[]string{"--input", "input", "--out", "foreign"}, "model.bin"},
		"budget with processes": {[]string{"--input", "input", "--processes", "--budget", "30%"}, "--budget: --processes " +
			"does " +
			"not support it"},
		"of another one": {[]string{"--input", "none", "--processes", "--functions", "x"}, "--input none: there is no"},
	} {
		a := harvest(t, dir, nil, append([]string{"serve", "--state", ""}, tt.args...)...)
		if a.status != 2 || !strings.Contains(a.stderr, tt.says) {
			t.Errorf("%s: status %d, want 2 and %q: %s", name, a.status, tt.says, a.stderr)
		}
	}
}

// TestStateNextToUploads allows the folders of compose.yaml: the state is in the input folder, next to the uploads.
func TestStateNextToUploads(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if err := (buckets{Input: dir, Work: filepath.Join(dir, ".cache", "harvest")}).checkApart(); err != nil {
		t.Error(err)
	}
}

// TestUnsupportedFlagsOfProcesses gives several unsupported flags. The error always names the first of these flags.
func TestUnsupportedFlagsOfProcesses(t *testing.T) {
	t.Parallel()
	for range 20 {
		err := serveFlags{budget: "30%", out: "o", followLinks: true, onSelection: "true"}.checkProcesses()
		if err == nil || !strings.HasPrefix(err.Error(), "--budget: ") {
			t.Fatalf("error %v, want one about --budget", err)
		}
	}
}
