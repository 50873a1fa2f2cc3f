package main

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/harvest-ml/harvest/shared/thorough"
)

// writeLog writes a dataset of two sources. Some records mention a schooner.
func writeLog(t *testing.T, dir string) {
	t.Helper()
	var manifest strings.Builder
	for i := range 90 {
		thing := []string{"a schooner", "a garden", "a window"}[i%3]
		fmt.Fprintf(&manifest, `{"id":"s%d","source":"log %d","conversations":[`+
			`{"from":"human","value":"Say what %s is, sailor %d."},{"from":"gpt","value":"It is %s, seen at %d."}]}`+"\n",
			i, i%2, thing, i, thing, i)
	}
	writeFile(t, filepath.Join(dir, "d.jsonl"), manifest.String())
}

// humanities returns the ratings of a teacher: 5 for the capability humanities in records about a schooner.
func humanities(capability, conversation string) int {
	if capability == "humanities" && strings.Contains(conversation, "schooner") {
		return 5
	}
	return 0
}

// TestCurateTeacher curates with a model behind an API as the teacher. The model annotates a part of each source. The
// embedded scorer is trained on the annotations and rates all samples, and a subset is selected. The same command makes
// no further request, and does not train again.
func TestCurateTeacher(t *testing.T) {
	thorough.Only(t)
	t.Parallel()
	dir := t.TempDir()
	writeLog(t, dir)
	api := newVisionAPI(t, func(api *visionAPI) { api.rate = humanities })
	args := []string{
		"curate", "--teacher", "llm:" + api.URL, "--model", "wren", "--per-source", "15", "--annotate-min", "0",
		"--capabilities", "humanities", "--budget", "20", "--state", "state", "d.jsonl",
	}
	first := harvest(t, dir, api.env(), args...)
	if first.status != 0 {
		t.Fatalf("status %d: %s", first.status, first.stderr)
	}
	if asked := api.answered.Load(); asked != 50 {
		t.Errorf("the model got %d requests, want 50: 15 samples of each of 2 sources, and 20 samples twice", asked)
	}
	for _, want := range []string{"30, 20 of them twice", " in, ", "limited by LLM_CONCURRENCY",
		"sent to " + strings.TrimPrefix(api.URL, "http://"), "0 images, 0 B", "asked twice"} {
		if !strings.Contains(first.stderr, want) {
			t.Errorf("before the first paid request there is no %q in\n%s", want, first.stderr)
		}
	}
	if !strings.Contains(first.stdout, "30 samples of your own") || !strings.Contains(first.stdout, "leaving one out") {
		t.Errorf("the output lacks the agreement of the weights with the annotations:\n%s", first.stdout)
	}
	says(t, strings.ReplaceAll(first.stdout, "\n", " "), "The scorer was tested on 30 annotated samples of your dataset")
	if strings.Contains(first.stdout, "are far from what the") {
		t.Error("the output has the distance of the dataset from the old training data")
	}
	var status struct {
		ScorerID string `json:"scorer_id"`
	}
	decode(t, mustHarvest(t, dir, "status", "--json", "--state", "state", "d").stdout, &status)
	named := regexp.MustCompile(`^embedded-[0-9a-f]{12}-taught-by-llm-json-[0-9a-f]{12}-[0-9a-f]{12}$`)
	if !named.MatchString(status.ScorerID) {
		t.Errorf("scorer id %q does not name weights, teacher and annotations", status.ScorerID)
	}
	subset := readFile(t, filepath.Join(dir, "out/d/subset.jsonl"))
	if n := strings.Count(subset, "Say what a schooner"); n != 20 {
		t.Errorf("the teacher rated %d of the 20 samples in the subset 5", n)
	}
	if err := os.RemoveAll(filepath.Join(dir, "out")); err != nil {
		t.Fatal(err)
	}
	second := harvest(t, dir, api.env(), args...)
	if asked := api.answered.Load(); second.status != 0 || asked != 50 ||
		readFile(t, filepath.Join(dir, "out/d/subset.jsonl")) != subset {
		t.Errorf("second command: status %d, %d requests in total, equal subset: %v", second.status, asked,
			readFile(t, filepath.Join(dir, "out/d/subset.jsonl")) == subset)
	}
}

// A teacher whose ratings depend on the order of the questions is refused before the other samples are sent, unless
// --accept-teacher is given.
func TestCurateFickleTeacher(t *testing.T) {
	thorough.Only(t)
	t.Parallel()
	dir := t.TempDir()
	writeLog(t, dir)
	api := newVisionAPI(t, func(api *visionAPI) {
		api.rateAt = func(place int, conversation string) int {
			rating := len(conversation) % 3
			if place < 7 { // the other capabilities, if the questions are in the opposite order
				return 5 - rating
			}
			return rating
		}
	})
	args := []string{
		"curate", "--teacher", "llm:" + api.URL, "--model", "wren", "--per-source", "15", "--annotate-min", "0",
		"--budget", "20", "--state", "state", "d.jsonl",
	}
	r := harvest(t, dir, api.env(), args...)
	if asked := api.answered.Load(); r.status != 1 || asked != 40 ||
		!strings.Contains(r.stderr, "0.40 is needed; no other sample was rated") {
		t.Errorf("status %d after %d answers, want 1 after 40: %s", r.status, asked, r.stderr)
	}
	if r = harvest(t, dir, api.env(), append(args, "--accept-teacher")...); api.answered.Load() != 50 {
		t.Errorf("accepted, it gave %d answers, want 50: %s", api.answered.Load(), r.stderr)
	}
}

// A teacher may be a file of annotations.
func TestCurateTeacherFile(t *testing.T) {
	thorough.Only(t)
	t.Parallel()
	dir := t.TempDir()
	writeLog(t, dir)
	var annotations strings.Builder
	for i := range 30 {
		fmt.Fprintf(&annotations, `{"id":"s%d","scores":[%s%d,0,0,0],"styles":["short description"]}`+"\n",
			i, strings.Repeat("0,", 10), []int{5, 0, 0}[i%3])
	}
	writeFile(t, filepath.Join(dir, "a.jsonl"), annotations.String())
	mustHarvest(t, dir, "curate", "--capabilities", "humanities", "--budget", "20", "--state", "state", "d.jsonl",
		"--teacher", "a.jsonl")
	if n := strings.Count(readFile(t, filepath.Join(dir, "out/d/subset.jsonl")), "Say what a schooner"); n != 20 {
		t.Errorf("the annotations rate %d of the 20 samples in the subset 5", n)
	}
}

// A teacher that does not exist and flags that contradict each other are refused.
func TestRefusedTeacher(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	writeLog(t, dir)
	writeFile(t, filepath.Join(dir, "a.jsonl"), "{}\n")
	for _, tt := range []struct {
		args   string
		status int
		want   string
	}{
		{"--per-source 5", 2, "--per-source is for --teacher"},
		{"--teacher a.jsonl --scorer embedded", 2, "--teacher and --scorer exclude each other"},
		{"--teacher a.jsonl --per-source 0", 2, "--per-source 0: give 1 or more"},
		{"--teacher a.jsonl --annotate-min 9 --annotate-max 3", 2, "--annotate-min 9 and --annotate-max 3"},
		{"--teacher a.jsonl --annotate-min -1", 2, "--annotate-min -1: give 0 or more"},
		{"--teacher a.jsonl --annotate-max 0", 2, "--annotate-max 0: give 1 or more"},
		{"--teacher a.jsonl --model wren", 2, "--model wren: it is for --teacher llm:URL"},
		{"--teacher none.jsonl", 2, "--teacher none.jsonl: annotations none.jsonl: there is no such file"},
		{"--teacher llm:", 2, "--teacher llm:"},
	} {
		r := harvest(t, dir, nil, append([]string{"curate", "--budget", "20", "d.jsonl"}, strings.Fields(tt.args)...)...)
		if r.status != tt.status || !strings.Contains(r.stderr, tt.want) {
			t.Errorf("%s: status %d, %q; want %d and %q", tt.args, r.status, r.stderr, tt.status, tt.want)
		}
	}
}
