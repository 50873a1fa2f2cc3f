package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"hash/fnv"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/harvest-ml/harvest/shared/rubric"
	"github.com/harvest-ml/harvest/shared/run"
	"github.com/harvest-ml/harvest/shared/study/annotation"
	"github.com/harvest-ml/harvest/shared/thorough"
)

const apiKey = "sk-must-not-be-shown"

// A visionAPI is an OpenAI-compatible API. Its answers are valid, and depend only on the request.
type visionAPI struct {
	*httptest.Server
	pause time.Duration // pause before every answer
	// rate returns the rating of a conversation for a capability; nil for the default ratings.
	rate func(capability, conversation string) int
	// rateAt returns the rating for the capability at a position in the request; nil for the default ratings.
	rateAt   func(place int, conversation string) int
	willing  atomic.Bool // the API answers requests with the word UNSPEAKABLE
	answered atomic.Int32
	mu       sync.Mutex
	asked    map[string]int // number of requests by conversation
}

func newVisionAPI(t *testing.T, changes ...func(*visionAPI)) *visionAPI {
	t.Helper()
	api := &visionAPI{asked: map[string]int{}}
	for _, change := range changes { // change the API before the first request
		change(api)
	}
	api.Server = httptest.NewServer(api)
	t.Cleanup(api.Close)
	return api
}

func (api *visionAPI) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Header.Get("Authorization") != "Bearer "+apiKey {
		http.Error(w, `{"error": {"message": "no such key"}}`, http.StatusUnauthorized)
		return
	}
	var request struct {
		Messages []struct{ Content json.RawMessage }
		Format   struct {
			Schema struct {
				Schema struct {
					Properties struct {
						Ratings struct{ Required []string }
						Styles  struct{ Items struct{ Enum []string } }
					}
				}
			} `json:"json_schema"`
		} `json:"response_format"`
	}
	if err := json.NewDecoder(r.Body).Decode(&request); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	user := string(request.Messages[1].Content)
	h := fnv.New64a()
	h.Write([]byte(user))
	schema := request.Format.Schema.Schema.Properties
	ratings := map[string]int{}
	for i, c := range schema.Ratings.Required {
		ratings[c] = int(h.Sum64() >> (i % 32) % 6)
		if api.rate != nil {
			ratings[c] = api.rate(c, user)
		}
		if api.rateAt != nil {
			ratings[c] = api.rateAt(i, user)
		}
	}
	answer, err := json.Marshal(
		map[string]any{"reason": "It is so.", "ratings": ratings, "styles": schema.Styles.Items.Enum[:1]})
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	if strings.Contains(user, "UNSPEAKABLE") && !api.willing.Load() {
		answer = []byte("I would rather not.")
	}
	time.Sleep(api.pause)
	api.mu.Lock()
	api.asked[user]++
	api.mu.Unlock()
	err = json.NewEncoder(w).Encode(map[string]any{
		"choices": []any{
			map[string]any{"message": map[string]any{"role": "assistant", "content": string(answer)}, "finish_reason": "stop"},
		},
		"usage": map[string]int{"prompt_tokens": 1000, "completion_tokens": 100},
	})
	if err == nil {
		api.answered.Add(1)
	}
}

// env returns the environment of commands that use the API.
func (api *visionAPI) env(more ...string) []string {
	return append([]string{"LLM_API_KEY=" + apiKey, "LLM_PRICES=wren=1/5", "LLM_MAX_TOKENS=200"}, more...)
}

func (api *visionAPI) args(command string, more ...string) []string {
	return append([]string{command, "--scorer", "llm:" + api.URL, "--model", "wren", "--state", "state"}, more...)
}

func annotateJSON(t *testing.T, dir string, env []string, args ...string) (annotateReport, string) {
	t.Helper()
	a := harvest(t, dir, env, append(args, "--json")...)
	if a.status != 0 {
		t.Fatalf("status %d: %s", a.status, a.stderr)
	}
	var report annotateReport
	decode(t, a.stdout, &report)
	return report, a.stderr
}

func readAnnotated(t *testing.T, path string, r *rubric.Rubric) []annotation.Annotation {
	t.Helper()
	annotations, err := annotation.Read(strings.NewReader(readFile(t, path)), path, r)
	if err != nil {
		t.Fatal(err)
	}
	return annotations
}

// TestAnnotate annotates a seed set. Every sample is counted. The repeated command costs nothing and gives the same
// annotations.
func TestAnnotate(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	newDataset(t, dir, 60, 16)
	text := strings.Replace(readFile(t, filepath.Join(dir, "dataset.json")), "What colour", "UNSPEAKABLE", 1)
	writeFile(t, filepath.Join(dir, "dataset.json"), text)
	api := newVisionAPI(t)
	args := api.args("annotate", "--samples", "40", "dataset.json")
	report, progress := annotateJSON(t, dir, api.env(), args...)
	if !strings.Contains(progress, "limited by LLM_CONCURRENCY") || !strings.Contains(progress, "$0.12") {
		t.Errorf("no estimate before spending in %q", progress)
	}
	annotations := readAnnotated(t, filepath.Join(dir, "annotations.jsonl"), rubric.Default())
	if report.Samples != 60 || report.Chosen != 40 || report.Annotations != len(annotations) ||
		report.Failed["invalid_answer"] != int64(40-len(annotations)) {
		t.Errorf("%d annotations; reported %+v", len(annotations), report)
	}
	if len(annotations) < 39 ||
		!slices.IsSortedFunc(annotations, func(a, b annotation.Annotation) int { return strings.Compare(a.ID, b.ID) }) {
		t.Errorf("%d annotations, or not in the order of the manifest", len(annotations))
	}
	if a := annotations[0]; a.Reason != "It is so." {
		t.Errorf("the first annotation has the reason %q", a.Reason)
	}
	paid := int(api.answered.Load())
	if report.Spent == nil || fmt.Sprintf("%.4f", *report.Spent) != fmt.Sprintf("%.4f", 0.0015*float64(paid)) {
		t.Errorf("%d requests, and spent %v", paid, report.Spent)
	}
	before := readFile(t, filepath.Join(dir, "annotations.jsonl"))
	again, _ := annotateJSON(t, dir, api.env(), args...)
	if again.Seconds = report.Seconds; cmp.Diff(report, again) != "" || int(api.answered.Load()) != paid ||
		readFile(t, filepath.Join(dir, "annotations.jsonl")) != before {
		t.Errorf("the repeated command made %d requests (-first +second)\n%s", int(api.answered.Load())-paid,
			cmp.Diff(report, again))
	}
	// Another seed gives another set. Samples in both sets are not requested again.
	other, _ := annotateJSON(t, dir, api.env(), append(args, "--seed", "3", "--out", "other.jsonl")...)
	both := 0
	for _, a := range readAnnotated(t, filepath.Join(dir, "other.jsonl"), rubric.Default()) {
		if slices.ContainsFunc(annotations, func(b annotation.Annotation) bool { return a.ID == b.ID }) {
			both++
		}
	}
	if both == 40 || other.Run == report.Run || int(api.answered.Load())-paid > 2*(40-both)+2 {
		t.Errorf("%d of another seed's set are the same, and %d requests were made", both, int(api.answered.Load())-paid)
	}
	noSecret(t, dir)
}

// TestAnnotateKeepsAnnotations gives --out a file whose content would be lost: annotations of other samples, other
// annotations of the same samples, or other text.
func TestAnnotateKeepsAnnotations(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	newDataset(t, dir, 12, 8)
	args := []string{
		"annotate", "--scorer", "embedded", "--samples", "6", "--state", "state", "--out", "a.jsonl", "dataset.json",
	}
	mustHarvest(t, dir, args...)
	file := filepath.Join(dir, "a.jsonl")
	made := readFile(t, file)
	mustHarvest(t, dir, args...)
	first, rest, _ := strings.Cut(made, "\n")
	for want, held := range map[string]string{
		"1 annotations of samples that are not chosen now, such as other,": made +
			strings.Replace(first, idOf(t, first), "other", 1) + "\n",
		"differs from the new one, and would be lost": strings.Replace(
			first, `"styles":[`, `"styles":["coordinate",`, 1,
		) + "\n" + rest,
		"it exists, and this command did not write it": "a person's notes\n",
	} {
		writeFile(t, file, held)
		a := harvest(t, dir, nil, args...)
		if a.status != 2 || !strings.Contains(a.stderr, want) || !strings.Contains(a.stderr, "give another file") {
			t.Errorf("status %d, want %q: %s", a.status, want, a.stderr)
		}
		if readFile(t, file) != held {
			t.Errorf("%s: the file has changed", want)
		}
	}
}

// idOf returns the id in a line of annotations.
func idOf(t *testing.T, line string) string {
	t.Helper()
	var a struct{ ID string }
	decode(t, line, &a)
	return a.ID
}

// noSecret checks that no written file has the key.
func noSecret(t *testing.T, dir string) {
	t.Helper()
	err := filepath.WalkDir(dir, func(path string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		data, err := os.ReadFile(path)
		if bytes.Contains(data, []byte(apiKey)) {
			t.Errorf("%s has the key", path)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

// TestAnnotateKilled kills annotate several times. The command continues, and no stored answer is requested again.
func TestAnnotateKilled(t *testing.T) {
	thorough.Only(t)
	t.Parallel()
	dir := t.TempDir()
	newDataset(t, dir, 60, 16)
	api := newVisionAPI(t, func(api *visionAPI) { api.pause = 20 * time.Millisecond })
	env := api.env("SHARD_SAMPLES=15", "LLM_CONCURRENCY=2")
	args := api.args("annotate", "--samples", "60", "dataset.json")
	const kills = 4
	for i := range kills {
		cmd := program(t, dir, env, args...)
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		until(t, "some answers", func() bool { return int(api.answered.Load()) >= 10*(i+1) })
		if err := cmd.Process.Kill(); err != nil {
			t.Fatal(err)
		}
		_ = cmd.Wait() // killed
	}
	report, _ := annotateJSON(t, dir, env, args...)
	if report.Annotations != 60 {
		t.Errorf("reported %+v", report)
	}
	// A kill loses at most the concurrent requests, and an answer that was not stored yet.
	if n := int(api.answered.Load()); n > 60+kills*2*2 {
		t.Errorf("%d requests for 60 samples", n)
	}
}

// TestNothingToRate curates a dataset without a valid sample. The command costs nothing, and every sample has its
// reason.
func TestNothingToRate(t *testing.T) {
	t.Parallel()
	dir, api := t.TempDir(), newVisionAPI(t)
	var records strings.Builder
	for i := range 20 {
		fmt.Fprintf(&records, `{"id": "r%d", "conversations": []}`+"\n", i)
	}
	if err := os.WriteFile(filepath.Join(dir, "bad.jsonl"), []byte(records.String()), 0o644); err != nil {
		t.Fatal(err)
	}
	a := harvest(t, dir, api.env(), api.args("curate", "--budget", "30%", "--json", "bad.jsonl")...)
	if a.status != 1 || !strings.Contains(a.stderr, "none of the 20 samples can be selected") {
		t.Fatalf("status %d: %s", a.status, a.stderr)
	}
	var report result
	decode(t, a.stdout, &report)
	if report.Samples.In != 20 || report.Samples.Scored != 0 || api.answered.Load() != 0 {
		t.Errorf("samples %+v after %d answers", report.Samples, api.answered.Load())
	}
}

// TestSpendingStops stops a run by its spending limit, and another run by a wrong key. With a higher limit, the same
// command continues.
func TestSpendingStops(t *testing.T) {
	thorough.Only(t)
	t.Parallel()
	dir := t.TempDir()
	newDataset(t, dir, 60, 16)
	api := newVisionAPI(t)
	args := api.args("curate", "--budget", "50%", "--json", "dataset.json")
	for _, tt := range []struct {
		env  string
		says []string
	}{
		{"LLM_API_KEY=sk-of-another", []string{"is stalled", "the key is refused; set LLM_API_KEY"}},
		{
			"LLM_MAX_COST=0.05",
			[]string{"is stalled", "spending limit of $0.05 is reached", "raise LLM_MAX_COST", "repeat the command"},
		},
	} {
		a := harvest(t, dir, api.env("SHARD_SAMPLES=15", tt.env), args...)
		for _, words := range tt.says {
			if a.status != 1 || !strings.Contains(a.stderr, words) {
				t.Errorf("%s: status %d, says %q, which lacks %q", tt.env, a.status, a.stderr, words)
			}
		}
	}
	if n := float64(api.answered.Load()) * 0.0015; n > 0.05 || n < 0.03 {
		t.Errorf("$%.4f are spent of $0.05", n)
	}
	var all []runStatus
	decode(t, mustHarvest(t, dir, "status", "--state", "state", "--json").stdout, &all)
	if len(all) != 1 || all[0].State != run.StateStalled || all[0].Spent == nil || *all[0].Spent > 0.05 {
		t.Fatalf("status %+v", all)
	}
	a := harvest(t, dir, api.env("SHARD_SAMPLES=15", "LLM_MAX_COST=1"), args...)
	if a.status != 0 {
		t.Fatal(a.stderr)
	}
	if res := decodeResult(t, a.stdout); res.Samples.Scored != 60 || int(api.answered.Load()) != 60 {
		t.Errorf("samples %+v after %d requests", res.Samples, api.answered.Load())
	}
	noSecret(t, dir)
}

// TestRetryAsksAgain retries a run. Only the failed sample is sent to the scorer again.
func TestRetryAsksAgain(t *testing.T) {
	thorough.Only(t)
	t.Parallel()
	dir := t.TempDir()
	newDataset(t, dir, 20, 16)
	text := strings.Replace(readFile(t, filepath.Join(dir, "dataset.json")), "What colour", "UNSPEAKABLE", 1)
	writeFile(t, filepath.Join(dir, "dataset.json"), text)
	api := newVisionAPI(t)
	a := harvest(t, dir, api.env(), api.args("curate", "--budget", "50%", "--json", "dataset.json")...)
	if a.status != 0 {
		t.Fatal(a.stderr)
	}
	res := decodeResult(t, a.stdout)
	if res.Samples.Failed != 1 || api.answered.Load() != 21 {
		t.Fatalf("samples %+v after %d requests, want one that failed twice", res.Samples, api.answered.Load())
	}
	// The run stores the model; only the URL of the API has changed.
	moved := httptest.NewServer(api)
	t.Cleanup(moved.Close)
	a = harvest(t, dir, api.env(), "retry", "--state", "state", "--json", "--scorer", "llm:"+moved.URL, res.Run)
	if a.status != 0 {
		t.Fatal(a.stderr)
	}
	again := decodeResult(t, a.stdout)
	if again.Run == res.Run || again.Samples != res.Samples || api.answered.Load() != 23 {
		t.Errorf("run %s with samples %+v after %d requests, want two more", again.Run, again.Samples, api.answered.Load())
	}
	// A retry of the first attempt retries the latest attempt.
	a = harvest(t, dir, api.env(), "retry", "--state", "state", "--json", "--scorer", "llm:"+moved.URL, res.Run)
	if third := decodeResult(t, a.stdout); third.Run == again.Run || third.Run == res.Run || api.answered.Load() != 25 {
		t.Errorf("run %s after %d requests, want two more: %s", third.Run, api.answered.Load(), a.stderr)
	}
	says(t, a.stderr, "run "+res.Run+" was retried before; this command continues its latest attempt, "+again.Run)
	var st runStatus
	decode(t, mustHarvest(t, dir, "status", "--state", "state", "--json", again.Run).stdout, &st)
	if st.Spent == nil || fmt.Sprintf("%.4f", *st.Spent) != "0.0030" {
		t.Errorf("status %+v, want $0.0030 spent", st)
	}
}

// TestAnnotateOwnRubric annotates a user's own capability. Only the rubric file defines this capability.
func TestAnnotateOwnRubric(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	newDataset(t, dir, 30, 16)
	r := rubric.Default()
	var file strings.Builder
	fmt.Fprintf(&file, "name: fifteen\ncapabilities:\n")
	for _, c := range append(r.Capabilities, "ornithology") {
		fmt.Fprintf(&file, "  - %s\n", c)
	}
	fmt.Fprintf(&file, "styles: [yes/no, other]\n")
	writeFile(t, filepath.Join(dir, "rubric.yaml"), file.String())
	own, err := rubric.Parse([]byte(file.String()))
	if err != nil {
		t.Fatal(err)
	}
	api := newVisionAPI(t)
	args := api.args("annotate", "--samples", "12", "--rubric", "rubric.yaml", "--out", "own.jsonl", "dataset.json")
	report, _ := annotateJSON(t, dir, api.env(), args...)
	annotations := readAnnotated(t, filepath.Join(dir, "own.jsonl"), own)
	if len(annotations) != 12 || report.Annotations != 12 || len(annotations[0].Scores) != 15 ||
		annotations[0].Styles[0] != "yes/no" {
		t.Errorf("%d annotations, the first %+v; reported %+v", len(annotations), annotations[0], report)
	}
}

// TestAnnotateResumedAndRetried resumes and retries the run of a seed set. Then the same annotate command writes all
// annotations.
func TestAnnotateResumedAndRetried(t *testing.T) {
	thorough.Only(t)
	t.Parallel()
	dir := t.TempDir()
	newDataset(t, dir, 20, 16)
	text := strings.Replace(readFile(t, filepath.Join(dir, "dataset.json")), "What colour", "UNSPEAKABLE", 1)
	writeFile(t, filepath.Join(dir, "dataset.json"), text)
	api := newVisionAPI(t)
	args := api.args("annotate", "--samples", "20", "dataset.json")
	if a := harvest(t, dir, api.env("LLM_API_KEY=sk-of-another"), args...); a.status != 1 {
		t.Fatalf("a wrong key: status %d: %s", a.status, a.stderr)
	}
	var all []runStatus
	decode(t, mustHarvest(t, dir, "status", "--state", "state", "--json").stdout, &all)
	stalled := slices.IndexFunc(all, func(st runStatus) bool { return st.State == run.StateStalled })
	if stalled < 0 {
		t.Fatalf("no run is stalled: %+v", all)
	}
	id := all[stalled].Run
	if a := harvest(t, dir, api.env(), "resume", "--state", "state", id); a.status != 0 {
		t.Fatalf("resume: %s", a.stderr)
	}
	if report, _ := annotateJSON(t, dir, api.env(), args...); report.Annotations != 19 || report.Run != id {
		t.Errorf("after resuming: %+v", report)
	}
	api.willing.Store(true)
	if a := harvest(t, dir, api.env(), "retry", "--state", "state", id); a.status != 0 {
		t.Fatalf("retry: %s", a.stderr)
	}
	if report, _ := annotateJSON(t, dir, api.env(), args...); report.Annotations != 20 || report.Run == id {
		t.Errorf("after retrying: %+v", report)
	}
}

func TestModelWithoutAPI(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	newDataset(t, dir, 1, 16)
	a := harvest(t, dir, nil, "curate", "--budget", "1", "--scorer", "embedded", "--model", "wren", "dataset.json")
	if a.status != 2 || !strings.Contains(a.stderr, "--model") {
		t.Errorf("status %d: %s", a.status, a.stderr)
	}
}

// TestNamesOfEqualIDs checks that samples with equal ids have distinct names, by which annotations find them. The id
// names all of these samples.
func TestNamesOfEqualIDs(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	record := func(id, answer string) string {
		return fmt.Sprintf(`{"id":%q,"conversation":[{"human":"Why?","gpt":%q}]}`, id, answer) + "\n"
	}
	writeFile(t, filepath.Join(dir, "a.jsonl"), record("a", "0")+record("b", "1")+record("a", "2")+record("a", "3"))
	set := annotationSet{input: input{Manifests: []string{filepath.Join(dir, "a.jsonl")}}}
	set.limits.Records.MaxRecordBytes = 1 << 20
	chosen, err := set.at(t.Context(), []int{1, 2}, set.limits)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, c := range chosen {
		names = append(names, c.annotation.ID)
	}
	if diff := cmp.Diff([]string{"b", "a#2"}, names); diff != "" {
		t.Errorf("names (-want +got)\n%s", diff)
	}
	for _, c := range []struct{ ids, want []string }{
		{names, []string{"b 1", "a#2 2"}},
		{[]string{"a", "a#3", "a#4"}, []string{"a 0", "a 2", "a#3 3"}},
	} {
		set.annotations = nil
		for _, id := range c.ids {
			set.annotations = append(set.annotations, annotation.Annotation{ID: id})
		}
		found, absent, err := set.find(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, f := range found {
			got = append(got, f.annotation.ID+" "+f.sample.Turns[1].Text())
		}
		if diff := cmp.Diff(c.want, got); diff != "" || len(absent) != len(c.ids)-2 {
			t.Errorf("%q: absent %q, found (-want +got)\n%s", c.ids, absent, diff)
		}
	}
}
