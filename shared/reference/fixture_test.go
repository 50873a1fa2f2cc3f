package reference

import (
	"bytes"
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/harvest-ml/harvest/shared/selection"
)

const root = "../.."

// TestFixtures reads score files, writes the subset, and compares it with the reference's selection and with the form
// that Python writes. Two fixtures are in the repository. Larger fixtures are read from a folder next to it, if the
// folder exists.
func TestFixtures(t *testing.T) {
	t.Parallel()
	folders := []string{filepath.Join(root, "testdata/selection"), filepath.Join(root, "../shared/selection")}
	for _, folder := range folders {
		t.Run(filepath.Base(filepath.Dir(folder)), func(t *testing.T) {
			t.Parallel()
			entries, err := os.ReadDir(folder)
			if errors.Is(err, fs.ErrNotExist) {
				t.Skipf("no fixtures in %s", folder)
			}
			if err != nil {
				t.Fatal(err)
			}
			for _, entry := range entries {
				if entry.IsDir() {
					t.Run(entry.Name(), func(t *testing.T) {
						t.Parallel()
						testFixture(t, filepath.Join(folder, entry.Name()))
					})
				}
			}
		})
	}
}

func testFixture(t *testing.T, folder string) {
	var args struct {
		Threshold    int
		Capabilities []string
		Total        int
		Budget       int
	}
	if err := json.Unmarshal(readFile(t, filepath.Join(folder, "args.json")), &args); err != nil {
		t.Fatal(err)
	}
	data, err := Load(t.Context(), filepath.Join(folder, "scores"), filepath.Join(folder, "manifest.json"))
	if err != nil {
		t.Fatal(err)
	}
	defer data.Close()
	if diff := cmp.Diff(shortNames, data.Pool.Capabilities); diff != "" {
		t.Errorf("capabilities (-want +got):\n%s", diff)
	}
	if data.Pool.Len() != args.Total {
		t.Errorf("%d samples, want %d", data.Pool.Len(), args.Total)
	}
	rules := selection.Rules{Threshold: args.Threshold, Capabilities: args.Capabilities, RatingsOnly: true}
	result, err := selection.Select(data.Pool, selection.Params{Budget: args.Budget, Rules: rules})
	if err != nil {
		t.Fatal(err)
	}
	var subset bytes.Buffer
	if err := data.Write(t.Context(), &subset, result.Samples()); err != nil {
		t.Fatal(err)
	}

	checkItems(t, folder, subset.Bytes())
	checkDump(t, folder, subset.String())
}

// checkItems compares the idx of a subset with the idx that the reference selected.
func checkItems(t *testing.T, folder string, subset []byte) {
	t.Helper()
	want := strings.Fields(string(readFile(t, filepath.Join(folder, "expected.txt"))))
	type item struct{ Idx int }
	var items []item
	if err := json.Unmarshal(subset, &items); err != nil {
		t.Fatal(err)
	}
	slices.SortFunc(items, func(a, b item) int { return a.Idx - b.Idx })
	var got []string
	for _, item := range items {
		got = append(got, strconv.Itoa(item.Idx))
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("selected idx (-expected.txt +got):\n%s", diff)
	}
}

// checkDump compares a subset with what Python writes for the items that the reference selected.
func checkDump(t *testing.T, folder, subset string) {
	t.Helper()
	python := exec.CommandContext(t.Context(), interpreter(t), "-c", `
import json, sys
selected = set(map(int, open(sys.argv[2])))
items = [item for item in json.load(open(sys.argv[1])) if item["idx"] in selected]
json.dump(items, sys.stdout, indent=2, ensure_ascii=False)`,
		filepath.Join(folder, "manifest.json"), filepath.Join(folder, "expected.txt"))
	dumped, err := python.Output()
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(dumped), subset); diff != "" {
		t.Errorf("subset (-json.dump +got):\n%s", diff)
	}
}
