package main

import (
	"context"
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"github.com/harvest-ml/harvest/shared/bucket"
	"github.com/harvest-ml/harvest/shared/run"
)

// refuse uploads an invalid dataset.yaml of a dataset, and waits until it is refused.
func refuse(t *testing.T, state, dataset, content string) {
	t.Helper()
	object := run.DatasetsPrefix + dataset + "/" + run.SpecFile
	files, err := bucket.NewView(map[string]bucket.Content{object: bucket.Literal([]byte(content))})
	if err != nil {
		t.Fatal(err)
	}
	_, work, err := openState(state)
	if err != nil {
		t.Fatal(err)
	}
	show := newDisplay(true)
	defer show.close()
	d := deployment{input: files, work: work, state: state, show: show}
	err = d.session(t.Context(), nil, func(ctx context.Context, s session) error {
		if err := s.Upload(ctx, object); err != nil {
			return err
		}
		until(t, "the refusal", func() bool { return s.arrived.Load() != nil })
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

// TestNameOfRefusedDataset refuses a dataset before and after a trial and a run of the dataset. Its name means the run
// or the trial, and a refused run only as long as there is no other run.
func TestNameOfRefusedDataset(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	newDataset(t, filepath.Join(dir, "demo"), 8, 8)
	state := filepath.Join(dir, "state")
	refused := 0
	means := func(want string) {
		t.Helper()
		refused++
		refuse(t, state, "demo", fmt.Sprintf("manifest%d: [dataset.json]\n", refused))
		if text := mustHarvest(t, dir, "status", "--state", "state", "demo").stdout; !strings.Contains(text, want) {
			t.Errorf("the name of the dataset does not mean %s, but\n%s", want, text)
		}
	}
	curate := []string{"--state", "state", "--no-report", "--budget", "50%", "demo/dataset.json"}
	means(`there is no key "manifest1"`)
	means(`there is no key "manifest2"`)
	means(curateJSON(t, dir, append(curate, "--limit", "4")...).Run)
	means(curateJSON(t, dir, curate...).Run)
	mustHarvest(t, dir, "explain", "--state", "state", "demo", "latest", "sample-0001")
	if list := mustHarvest(t, dir, "status", "--state", "state").stdout; strings.Count(list, "  refused, ") != refused {
		t.Errorf("the list does not have %d refused runs:\n%s", refused, list)
	}
}
