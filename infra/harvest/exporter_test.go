package main

import (
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/harvest-ml/harvest/shared/events"
	"github.com/harvest-ml/harvest/shared/thorough"
)

// body returns the text of a page of a running server.
func (s *server) body(t *testing.T, address string) string {
	t.Helper()
	resp, err := http.Get(address)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	data, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

// TestServeWaitsForFolders locks the folders of a subset and of its export, as another command does. The log names each
// folder for which serve waits.
func TestServeWaitsForFolders(t *testing.T) {
	t.Parallel()
	thorough.Only(t)
	dir := t.TempDir()
	drop(t, dir, "small", 10)
	writeFile(t, filepath.Join(dir, "input", "datasets", "small", "dataset.yaml"),
		"manifests: [all.json]\nbudget: 4\nexport: {for: llava}\n")
	subset := filepath.Join(dir, "out", "small")
	export := filepath.Join(subset, "llava")
	var unlocks []func()
	for _, folder := range []string{subset, export} {
		unlock, err := lockOut(t.Context(), folder, io.Discard)
		if err != nil {
			t.Fatal(err)
		}
		defer unlock()
		unlocks = append(unlocks, unlock)
	}
	s := servingWith(t, dir, nil, "--out", "out")
	for i, folder := range []string{subset, export} {
		note := "waiting until another command has written to " + folder
		until(t, "the note on "+folder, func() bool { return strings.Contains(s.log.String(), note) })
		unlocks[i]()
	}
	s.event(t, events.SelectionExported)
	s.stop(t)
}

// TestServeExportFails uploads a dataset whose subset cannot be exported. Status, API and pages report this, and no
// folder is left. With another trainer in dataset.yaml, the export succeeds.
func TestServeExportFails(t *testing.T) {
	t.Parallel()
	thorough.Only(t)
	dir := t.TempDir()
	var records []string
	for i := range 10 {
		extra := fmt.Sprint(i)
		if i%2 == 0 {
			extra = `"` + extra + `"`
		}
		records = append(records, fmt.Sprintf(`{"id":"s%d","extra":%s,"conversations":[{"from":"human","value":"What is `+
			`%d plus %d?"},{"from":"gpt","value":"It is %d."}]}`, i, extra, i, i, 2*i))
	}
	writeFile(t, filepath.Join(dir, "input", "datasets", "small", "parts", "a.json"), "["+strings.Join(records, ",")+"]")
	spec := filepath.Join(dir, "input", "datasets", "small", "dataset.yaml")
	writeFile(t, spec, "manifests: [parts/a.json]\nbudget: 8\nexport: {for: llama-factory}\n")
	s := servingWith(t, dir, nil, "--out", "out")
	failed := s.event(t, events.SelectionExportFailed)
	address := s.url + "/" + failed.Data.Run
	page := strings.Replace(address, "/v1/", "/", 1)
	for name, text := range map[string]string{
		"status": mustHarvest(t, dir, "status", "--state", "state", failed.Data.Run).stdout,
		"list":   mustHarvest(t, dir, "status", "--state", "state").stdout,
		"API":    s.body(t, address), "page": s.body(t, page),
	} {
		if !strings.Contains(text, "extra") || !strings.Contains(text, "llama-factory") {
			t.Errorf("%s does not report the export:\n%s", name, text)
		}
	}
	folder := filepath.Join(dir, "out", "small", "llama-factory")
	if _, err := os.Stat(folder); !os.IsNotExist(err) {
		t.Errorf("%s: %v", folder, err)
	}
	writeFile(t, spec, "manifests: [parts/a.json]\nbudget: 8\nexport: {for: llava}\n")
	s.stop(t)
	second := servingWith(t, dir, nil, "--out", "out")
	second.event(t, events.SelectionExported)
	if text := second.body(t, second.url+"/"+failed.Data.Run); strings.Contains(text, "export_problem") {
		t.Errorf("after the export is written, the API reports\n%s", text)
	}
	second.stop(t)
}
