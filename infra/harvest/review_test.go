package main

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/harvest-ml/harvest/shared/review"
)

// reviewed reviews a selection with typed choices, and returns the output.
func reviewed(t *testing.T, dir, typed string, args ...string) answer {
	t.Helper()
	cmd := program(t, dir, nil, append([]string{"review", filepath.Base(dir), "latest", "--state", "state"}, args...)...)
	cmd.Stdin = strings.NewReader(typed)
	var out, warn strings.Builder
	cmd.Stdout, cmd.Stderr = &out, &warn
	if err := cmd.Run(); err != nil {
		t.Fatalf("%v: %v: %s", args, err, warn.String())
	}
	return answer{stdout: out.String(), stderr: warn.String()}
}

// TestReview types choices, stops, and continues with the open pairs. It checks that no ratings are shown, and reads
// the report.
func TestReview(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	newDataset(t, dir, 60, 8)
	mustHarvest(t, dir, "curate", "--state", "state", "--no-report", "--budget", "20", "dataset.json")
	flags := []string{"--pairs", "4", "--reviewer", "anna", "--file", "anna.jsonl"}
	first := reviewed(t, dir, "l\nbest\nr\nq\n", flags...)
	if !strings.Contains(first.stdout, "choices in anna.jsonl: 2 of 4 pairs; the same") ||
		!strings.Contains(first.stderr, `"best" is not a choice`) ||
		!strings.Contains(first.stderr, "    image 1: "+dir) || strings.Contains(first.stderr, "rating") {
		t.Errorf("printed %s\n%s", first.stdout, first.stderr)
	}
	if second := reviewed(t, dir, "t\nt\n", flags...); !strings.Contains(second.stdout, "win rate of A") ||
		!strings.Contains(second.stderr, "pair 3 of 4") || strings.Contains(second.stderr, "pair 2 of 4") {
		t.Errorf("printed %s\n%s", second.stdout, second.stderr)
	}
	chosen, err := review.ReadVerdicts(filepath.Join(dir, "anna.jsonl"))
	if err != nil || len(chosen) != 4 {
		t.Fatalf("%v: %+v", err, chosen)
	}
	var subset []imagesRecord
	decode(t, readFile(t, filepath.Join(dir, "out", filepath.Base(dir), "subset.json")), &subset)
	in := map[string]bool{}
	for _, record := range subset {
		in[record.ID] = true
	}
	for i, v := range chosen {
		if in[v.LeftID] == in[v.RightID] || in[v.LeftID] != (v.Side == review.Left) ||
			v.Choice != []review.Choice{review.Left, review.Right, review.Tie, review.Tie}[i] {
			t.Errorf("%+v", v)
		}
	}
	checkLockedReview(t, dir, flags)
	reviewed(t, dir, "l\nr\nl\nl\n", "--pairs", "4", "--reviewer", "ben", "--file", "ben.jsonl")
	var report review.Report
	decode(t, mustHarvest(t, dir, "review", "--report", "--json", "anna.jsonl", "ben.jsonl").stdout, &report)
	if report.All.Judged != 4 || len(report.Reviewers) != 2 || report.Agreements[0].Equal != 2 {
		t.Errorf("report %+v", report)
	}
	for _, args := range [][]string{
		{
			"review", filepath.Base(dir), "latest", "--state", "state", "--pairs", "5", "--reviewer", "anna",
			"--file", "anna.jsonl",
		},
		{"review", filepath.Base(dir), "latest", "--state", "state", "--pairs", "0"},
		{"review", "--report", "none.jsonl"},
	} {
		if a := harvest(t, dir, nil, args...); a.status != 2 || strings.Contains(a.stderr, " pairs: ") ||
			strings.Contains(a.stderr, "{") {
			t.Errorf("%q: status %d: %s", args, a.status, a.stderr)
		}
	}
}

// checkLockedReview runs a command while another command adds choices to the same file.
func checkLockedReview(t *testing.T, dir string, flags []string) {
	t.Helper()
	lock, err := lockReview(filepath.Join(dir, "anna.jsonl"))
	if err != nil {
		t.Fatal(err)
	}
	defer lock.Close()
	args := append([]string{"review", filepath.Base(dir), "latest", "--state", "state"}, flags...)
	a := harvest(t, dir, nil, args...)
	if a.status != 2 || !strings.Contains(a.stderr, "--file anna.jsonl: another review is adding to it") {
		t.Errorf("status %d: %s", a.status, a.stderr)
	}
}

// TestReviewJudge lets a model choose. A model that always prefers the first sample gives ties. A model that prefers a
// text chooses it on both sides.
func TestReviewJudge(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	newDataset(t, dir, 60, 8)
	mustHarvest(t, dir, "curate", "--state", "state", "--no-report", "--budget", "20", "dataset.json")
	var asked atomic.Int64
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var body struct {
			Model    string
			Messages []struct{ Content json.RawMessage }
		}
		if err := json.NewDecoder(r.Body).Decode(&body); err != nil {
			t.Error(err)
		}
		text := string(body.Messages[1].Content)
		better := 1
		if body.Model == "reader" {
			one, two, _ := strings.Cut(text, "images of sample 2")
			better = 2
			if len(one) >= len(two) {
				better = 1
			}
		}
		asked.Add(1)
		_ = json.NewEncoder(w).Encode(map[string]any{"choices": []any{map[string]any{"finish_reason": "stop",
			"message": map[string]any{"role": "assistant", "content": `{"reason": "so", "better": ` +
				string(rune('0'+better)) + `}`}}}})
	}))
	defer server.Close()
	judged := func(model string) []review.Verdict {
		t.Helper()
		file := filepath.Join(dir, model+".jsonl")
		mustHarvest(t, dir, "review", filepath.Base(dir), "latest", "--state", "state", "--pairs", "3", "--judge",
			"llm:"+server.URL, "--model", model, "--file", file)
		all, err := review.ReadVerdicts(file)
		if err != nil || len(all) != 3 {
			t.Fatalf("%v: %+v", err, all)
		}
		return all
	}
	for _, v := range judged("first") {
		if v.Choice != review.Tie || v.Reviewer != "first" {
			t.Errorf("%+v", v)
		}
	}
	if got := asked.Load(); got != 6 {
		t.Errorf("%d requests, want 6: both orders of 3 pairs", got)
	}
	judged("reader")
	data, err := os.ReadFile(filepath.Join(dir, "reader.jsonl"))
	if err != nil {
		t.Fatal(err)
	}
	before := asked.Load()
	judged("reader") // the file has all choices
	again, err := os.ReadFile(filepath.Join(dir, "reader.jsonl"))
	if diff := cmp.Diff(string(data), string(again)); diff != "" || err != nil || asked.Load() != before {
		t.Errorf("%v, %d requests more, the file:\n%s", err, asked.Load()-before, diff)
	}
}
