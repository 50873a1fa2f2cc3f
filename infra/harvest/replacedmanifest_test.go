package main

import (
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/harvest-ml/harvest/shared/run"
	"github.com/harvest-ml/harvest/shared/subset"
)

// replacedSession plans a dataset, calls replace with the path of its manifest, and then starts the dataset. It returns
// the error of the session.
func replacedSession(t *testing.T, replace func(manifest string) error) error {
	t.Helper()
	dir := t.TempDir()
	newDataset(t, dir, 8, 8)
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	state, manifest := filepath.Join(dir, "state"), filepath.Join(dir, "dataset.json")
	in, spec, err := datasetFlags{scorer: scorerFlags{scorer: "embedded"}}.input(ctx, []string{manifest}, state)
	if err != nil {
		t.Fatal(err)
	}
	files, err := in.bucket(spec)
	if err != nil {
		t.Fatal(err)
	}
	p, err := in.plan(ctx, spec, files, state, io.Discard)
	if err != nil {
		t.Fatal(err)
	}
	if err := replace(manifest); err != nil {
		t.Fatal(err)
	}
	show := newDisplay(true)
	defer show.close()
	return p.deploy(in.Scorers, show).session(ctx, nil, func(ctx context.Context, s session) error {
		if err := s.begin(ctx, in.specObject(), p.Run); err != nil {
			return err
		}
		_, err := s.score(ctx, p.Run, map[string]float64{})
		return err
	})
}

// TestManifestReplacedAtStart replaces the manifest after a command has planned its run. The command ends when ingest
// accepts another run, or refuses the dataset. It does not wait for its own run.
func TestManifestReplacedAtStart(t *testing.T) {
	t.Parallel()
	const want = "was changed while the command started; repeat the command"
	for name, replace := range map[string]func(string) error{
		"other records with equal size and time": func(manifest string) error {
			info, err := os.Stat(manifest)
			if err != nil {
				return err
			}
			other := strings.ReplaceAll(readFile(t, manifest), "sample-", "simple-")
			writeFile(t, manifest+".new", other)
			return errors.Join(os.Chtimes(manifest+".new", info.ModTime(), info.ModTime()), os.Rename(manifest+".new", manifest))
		},
		"invalid": func(manifest string) error { return os.WriteFile(manifest, []byte("{]"), 0o600) },
		"missing": os.Remove,
	} {
		if err := replacedSession(t, replace); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", name, err, want)
		}
	}
}

// TestRefusedForChange reads the status of a run that was refused because its dataset has changed. The error and the
// log name the command's way to start the dataset again.
func TestRefusedForChange(t *testing.T) {
	t.Parallel()
	const problem, want = "it was replaced; start the dataset again", "it was replaced; repeat the command"
	_, err := endState(&subset.RunStatus{Status: run.Status{State: run.StateRefused, Problem: problem}})
	if err == nil || err.Error() != want {
		t.Errorf("%v, want %s", err, want)
	}
	var log strings.Builder
	userLog(t.Context(), &log).Error("dataset refused", "reason", problem)
	says(t, log.String(), want)
}
