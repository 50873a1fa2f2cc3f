package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/harvest-ml/harvest/shared/thorough"
)

// change replaces a letter in a file.
func change(t *testing.T, path string) {
	t.Helper()
	writeFile(t, path, strings.Replace(readFile(t, path), "a", "b", 1))
}

func truncate(t *testing.T, path string) {
	t.Helper()
	if err := os.Truncate(path, 10); err != nil {
		t.Fatal(err)
	}
}

func remove(t *testing.T, path string) {
	t.Helper()
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
}

// TestLostObjectKeepsOutput repeats a command after an object that it copies was lost. The command fails, and the files
// of the earlier command stay.
func TestLostObjectKeepsOutput(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	newDataset(t, dir, 8, 8)
	args := []string{"curate", "--quiet", "--budget", "2", "--state", "state", "--out", "out", "dataset.json"}
	mustHarvest(t, dir, args...)
	before := tree(t, filepath.Join(dir, "out"))
	for _, object := range []string{"scores/*.parquet", "selections/*/report.html", "selections/*/picks*"} {
		found, err := filepath.Glob(filepath.Join(dir, "state", "runs", "*", object))
		if err != nil || len(found) != 1 {
			t.Fatalf("%s: %v, %v", object, found, err)
		}
		content := readFile(t, found[0])
		remove(t, found[0])
		a := harvest(t, dir, nil, args...)
		if a.status == 0 {
			t.Errorf("%s: the command succeeds: %s", object, a.stderr)
		}
		says(t, a.stderr, filepath.Base(found[0]), "the subset of an earlier command stays in ")
		if diff := cmp.Diff(before, tree(t, filepath.Join(dir, "out"))); diff != "" {
			t.Errorf("%s: the output folder has changed: %s", object, diff)
		}
		writeFile(t, found[0], content)
	}
}

// TestDamagedState removes or changes objects of a scored run. The error names the object and the fix, and the fix
// works.
func TestDamagedState(t *testing.T) {
	t.Parallel()
	thorough.Only(t)
	dir := t.TempDir()
	newDataset(t, dir, 8, 8)
	first := curateJSON(t, dir, "--quiet", "--budget", "2", "--state", "state", "--out", "out", "dataset.json")
	parts, err := filepath.Glob(filepath.Join(dir, "state", "tmp", "*", "*", "parts"))
	if err != nil || len(parts) > 0 {
		t.Errorf("parts of a completed selection stay: %v, %v", parts, err)
	}
	ofRun := filepath.Join("runs", first.Run)
	ofSelection := filepath.Join(ofRun, "selections", first.Selection)
	for name, tc := range map[string]struct {
		object string
		damage func(*testing.T, string)
		budget string
		fix    string // folder to remove
	}{
		"subset changed":    {filepath.Join(ofSelection, "subset.json"), change, "2", ofSelection},
		"subset cut":        {filepath.Join(ofSelection, "subset.json"), truncate, "2", ofSelection},
		"subset gone":       {filepath.Join(ofSelection, "subset.json"), remove, "2", ofSelection},
		"rejected changed":  {filepath.Join(ofSelection, "rejected.jsonl"), change, "2", ofSelection},
		"selection cut":     {filepath.Join(ofSelection, "selection.json"), truncate, "2", ofSelection},
		"scores gone":       {filepath.Join(ofRun, "scores", "0000.parquet"), remove, "3", ofRun},
		"scores cut":        {filepath.Join(ofRun, "scores", "0000.parquet"), truncate, "3", ofRun},
		"shard gone":        {filepath.Join(ofRun, "shards", "0000", "0000000.zst"), remove, "3", ofRun},
		"shard cut":         {filepath.Join(ofRun, "shards", "0000", "0000000.zst"), truncate, "3", ofRun},
		"range report gone": {filepath.Join(ofRun, "ranges", "0000.json"), remove, "3", ofRun},
		"plan cut":          {filepath.Join(ofRun, "plan.json"), truncate, "3", ofRun},
		"plan gone":         {filepath.Join(ofRun, "plan.json"), remove, "3", ofRun},
		"marker cut":        {filepath.Join(ofRun, "scored"), truncate, "3", ofRun},
		"marker gone":       {filepath.Join(ofRun, "scored"), remove, "3", ofRun},
		"completed gone":    {filepath.Join(ofSelection, "completed"), remove, "2", ofSelection},
		"completed cut":     {filepath.Join(ofSelection, "completed"), truncate, "2", ofSelection},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if strings.HasSuffix(name, " gone") {
				thorough.Only(t)
			}
			state := filepath.Join(t.TempDir(), "state")
			if err := os.CopyFS(state, os.DirFS(filepath.Join(dir, "state"))); err != nil {
				t.Fatal(err)
			}
			tc.damage(t, filepath.Join(state, tc.object))
			args := strings.Fields("curate --quiet dataset.json --budget")
			args = append(args, tc.budget, "--state", state, "--out", filepath.Join(state, "../out"))
			a := harvest(t, dir, nil, args...)
			if a.status != 1 || a.stdout != "" {
				t.Errorf("status %d: %s", a.status, a.stdout)
			}
			says(t, a.stderr, tc.object, "remove the folder "+filepath.Join(state, tc.fix)+" and ")
			if err := os.RemoveAll(filepath.Join(state, tc.fix)); err != nil {
				t.Fatal(err)
			}
			mustHarvest(t, dir, args...)
		})
	}
}

// TestLostShard removes a shard that is not rated yet. The run tries the shard only once.
func TestLostShard(t *testing.T) {
	t.Parallel()
	thorough.Only(t)
	dir := t.TempDir()
	newDataset(t, dir, 8, 8)
	first := curateJSON(t, dir, "--quiet", "--budget", "2", "--state", "state", "--out", "out", "dataset.json")
	folder := filepath.Join(dir, "state", "runs", first.Run)
	for _, name := range []string{
		"scored", "scored.sent", "scores", "rated", "counts", "made", "selections", "started", "sent", "shards",
	} {
		if err := os.RemoveAll(filepath.Join(folder, name)); err != nil {
			t.Fatal(err)
		}
	}
	args := []string{"curate", "--quiet", "--budget", "2", "--state", "state", "--out", "out", "dataset.json"}
	a := harvest(t, dir, nil, args...)
	if a.status != 1 {
		t.Errorf("status %d", a.status)
	}
	says(t, a.stderr, "is stalled: 1 shard could not be scored", "after 1 attempts", "0000000.zst",
		"remove the folder "+folder+" and start its dataset again")
	// A stalled run also prints JSON.
	a = harvest(t, dir, nil, append(args, "--json")...)
	r := decodeResult(t, a.stdout)
	if a.status != 1 || r.Samples.In != 8 || !strings.HasSuffix(a.stderr, "harvest: "+r.Problem+"\n") {
		t.Errorf("status %d: %s; %s", a.status, a.stdout, a.stderr)
	}
	if err := os.RemoveAll(folder); err != nil {
		t.Fatal(err)
	}
	mustHarvest(t, dir, args...)
}

// TestDamagedRunInList lists two runs. One has a damaged plan.
func TestDamagedRunInList(t *testing.T) {
	t.Parallel()
	thorough.Only(t)
	dir := t.TempDir()
	newDataset(t, dir, 8, 8)
	bad := curateJSON(t, dir, "--quiet", "--budget", "2", "--state", "state", "--out", "out", "dataset.json")
	newDataset(t, dir, 9, 8)
	good := curateJSON(t, dir, "--quiet", "--budget", "2", "--state", "state", "--out", "out2", "dataset.json")
	truncate(t, filepath.Join(dir, "state", "runs", bad.Run, "plan.json"))
	listed := mustHarvest(t, dir, "status", "--state", "state")
	for run, state := range map[string]string{bad.Run: "damaged", good.Run: "scored"} {
		for line := range strings.Lines(listed.stdout) {
			if strings.HasPrefix(line, run) && !strings.Contains(line, state) {
				t.Errorf("want %s: %s", state, line)
			}
		}
	}
	a := harvest(t, dir, nil, "status", "--state", "state", bad.Run)
	says(t, a.stderr, "remove the folder "+filepath.Join(dir, "state", "runs", bad.Run))
}
