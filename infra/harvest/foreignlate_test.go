package main

import (
	"errors"
	"io"
	"path/filepath"
	"testing"

	"github.com/harvest-ml/harvest/shared/export"
)

// TestForeignDuringConversion writes a file of another program to the output folder while records are converted. The
// conversion and the export keep the file, and fail.
func TestForeignDuringConversion(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	newDataset(t, dir, 6, 8)
	state := filepath.Join(dir, "state")
	made := curateJSON(t, dir, "--state", "state", "--no-report", "--out", "out", "--budget", "2", "dataset.json")
	folder, work, err := openState(state)
	if err != nil {
		t.Fatal(err)
	}
	runs, subsets, err := openRuns(work)
	if err != nil {
		t.Fatal(err)
	}
	plan, sel, err := findCompleted(t.Context(), runs, subsets, state, made.Run, made.Selection)
	if err != nil {
		t.Fatal(err)
	}
	in, err := loadInput(folder, made.Run)
	if err != nil {
		t.Fatal(err)
	}
	place, err := in.imagesPlace()
	if err != nil {
		t.Fatal(err)
	}
	request, err := export.Request{For: "trl"}.Complete()
	if err != nil {
		t.Fatal(err)
	}
	for name, write := range map[string]func(dir string, prepare func() error) error{
		"subset.parquet": func(dir string, prepare func() error) error {
			f := outputFolder{
				subsets: subsets, selection: sel, input: &in, place: place, format: "parquet", notes: io.Discard,
				prepare: prepare,
			}
			_, err := f.write(t.Context(), dir)
			return err
		},
		"data.jsonl": func(dir string, prepare func() error) error {
			e := newTrainerExport(request, runs, subsets, plan, sel, place)
			e.notes, e.prepare = io.Discard, prepare
			_, err := (&exportCommand{request: request, dir: dir}).write(t.Context(), e)
			return err
		},
	} {
		out := filepath.Join(dir, "other "+name)
		file, calls := filepath.Join(out, name), 0
		err := write(out, func() error {
			if calls++; calls == 2 {
				writeFile(t, file, "mine")
			}
			return prepareOut(out, folder, in.Manifests)
		})
		if usage := (usageError{}); !errors.As(err, &usage) || readFile(t, file) != "mine" {
			t.Errorf("%s: error %v", name, err)
		}
	}
}
