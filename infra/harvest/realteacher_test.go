package main

import (
	"fmt"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/harvest-ml/harvest/shared/scorer/llm/enginetest"
	"github.com/harvest-ml/harvest/shared/thorough"
)

// TestCurateRealTeacher uses a real vision server as the teacher. The teacher annotates five samples of each of two
// sources. Then the embedded scorer is trained, rates all samples, and a subset is selected. The model has random
// weights, so the test accepts any ratings. After the server has ended, the same command gives the same subset, because
// it repeats no request.
func TestCurateRealTeacher(t *testing.T) {
	thorough.Only(t)
	t.Parallel()
	server := enginetest.Start(t)
	dir := t.TempDir()
	var manifest strings.Builder
	for i := range 14 {
		fmt.Fprintf(&manifest, `{"id":"s%d","source":"log %d","conversations":[`+
			`{"from":"human","value":"What is number %d?"},{"from":"gpt","value":"It is %s."}]}`+"\n",
			i, i%2, i, strings.Repeat("a boat and ", i)+"a sail")
	}
	writeFile(t, filepath.Join(dir, "d.jsonl"), manifest.String())
	args := []string{
		"curate", "--teacher", "llm:" + server.URL, "--model", "tiny", "--accept-teacher", "--per-source", "5",
		"--annotate-min", "0", "--budget", "4", "--state", "state", "d.jsonl",
	}
	env := []string{"LLM_TIMEOUT=600s", "LLM_CONCURRENCY=4", "LLM_MAX_TOKENS=1500"}
	first := harvest(t, dir, env, args...)
	if first.status != 0 {
		t.Fatalf("status %d: %s", first.status, first.stderr)
	}
	for _, want := range []string{"10, 10 of them twice", "sent to 127.0.0.1:", "asked twice"} {
		if !strings.Contains(first.stderr, want) {
			t.Errorf("there is no %q in\n%s", want, first.stderr)
		}
	}
	if !strings.Contains(first.stdout, "10 samples of your own") {
		t.Errorf("the output does not report the training:\n%s", first.stdout)
	}
	var status struct {
		ScorerID string `json:"scorer_id"`
	}
	decode(t, mustHarvest(t, dir, "status", "--json", "--state", "state", "d").stdout, &status)
	named := regexp.MustCompile(`^embedded-[0-9a-f]{12}-taught-by-llm-json-[0-9a-f]{12}-[0-9a-f]{12}$`)
	if !named.MatchString(status.ScorerID) {
		t.Errorf("scorer id %q", status.ScorerID)
	}
	subset := readFile(t, filepath.Join(dir, "out/d/subset.jsonl"))
	if n := strings.Count(subset, "\n"); n != 4 {
		t.Errorf("%d samples are selected, want 4:\n%s", n, subset)
	}
	server.Kill()
	second := harvest(t, dir, env, args...)
	if again := readFile(t, filepath.Join(dir, "out/d/subset.jsonl")); second.status != 0 || again != subset {
		t.Errorf("without the server: status %d, equal subsets: %v\n%s", second.status, again == subset, second.stderr)
	}
}
