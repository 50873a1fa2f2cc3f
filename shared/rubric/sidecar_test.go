package rubric_test

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/harvest-ml/harvest/shared/rubric"
)

var update = flag.Bool("update", false, "rewrite the golden files")

// The sidecar's tools and tests use the default rubric's prompts, from a file that this test writes.
func TestSidecarRubric(t *testing.T) {
	t.Parallel()
	var want bytes.Buffer
	enc := json.NewEncoder(&want)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	if err := enc.Encode(rubric.Default()); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join("..", "..", "sidecar", "rubric.json")
	if *update {
		if err := os.WriteFile(path, want.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want.String(), string(got)); diff != "" {
		t.Errorf("%s is not the default rubric; run go test ./shared/rubric -update (-want +got):\n%s", path, diff)
	}
}
