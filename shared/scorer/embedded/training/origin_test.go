package training_test

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/harvest-ml/harvest/shared/scorer/embedded/training"
)

// TestOrigin reads and writes the origin of the embedded weights. It describes the file of these weights.
func TestOrigin(t *testing.T) {
	t.Parallel()
	stored, err := os.ReadFile("../weights.json")
	if err != nil {
		t.Fatal(err)
	}
	var origin training.Origin
	decoder := json.NewDecoder(bytes.NewReader(stored))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&origin); err != nil {
		t.Fatal(err)
	}
	written, err := json.MarshalIndent(origin, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(bytes.TrimSpace(stored)), string(written)); diff != "" {
		t.Errorf("written again (-stored +written):\n%s", diff)
	}
	name := filepath.Join("..", origin.Weights.Name)
	weights, err := training.ReadFile(name)
	if err != nil || weights != origin.Weights {
		t.Errorf("the weights are %+v (%v), want %+v", weights, err, origin.Weights)
	}
	content, err := os.ReadFile(name)
	if file := training.NewFile(name, content); err != nil || file != weights {
		t.Errorf("the content is %+v (%v), want %+v", file, err, weights)
	}
}
