package selection

import (
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const root = "../.."

// TestSelectFixtures compares whole selections with those of the reference implementation. Two fixtures are in the
// repository. Larger fixtures are read from a folder next to the repository, if it exists.
func TestSelectFixtures(t *testing.T) {
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
				if !entry.IsDir() {
					continue
				}
				t.Run(entry.Name(), func(t *testing.T) {
					t.Parallel()
					testFixture(t, filepath.Join(folder, entry.Name()))
				})
			}
		})
	}
}

func testFixture(t *testing.T, folder string) {
	pool, params := readFixture(t, folder)
	result, err := Select(pool, params)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(slowSelect(pool, params), result); diff != "" {
		t.Errorf("Select differs from the slow form of the method (-slow +Select):\n%s", diff)
	}

	var got []string
	indexes := make([]int64, 0, len(result.Picks))
	for _, pick := range result.Picks {
		indexes = append(indexes, pool.Index[pick.Sample])
	}
	slices.Sort(indexes)
	for _, index := range indexes {
		got = append(got, strconv.FormatInt(index, 10))
	}
	if diff := cmp.Diff(strings.Fields(string(readFile(t, folder, "expected.txt"))), got); diff != "" {
		t.Errorf("selected idx (-expected.txt +got):\n%s", diff)
	}

	rows, err := os.ReadFile(filepath.Join(folder, "picks.csv"))
	if errors.Is(err, fs.ErrNotExist) {
		return // the reference exceeds the budget here, so its picks differ
	}
	if err != nil {
		t.Fatal(err)
	}
	want, err := csv.NewReader(strings.NewReader(string(rows))).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	picks := [][]string{want[0]}
	for order, pick := range result.Picks {
		picks = append(picks, []string{
			strconv.Itoa(order), strconv.FormatInt(pool.Index[pick.Sample], 10), strconv.Itoa(int(pick.Round)),
			result.Capabilities[pick.Capability].Capability, result.Bins[pick.Bin],
		})
	}
	if diff := cmp.Diff(want, picks); diff != "" {
		t.Errorf("picks (-picks.csv +got):\n%s", diff)
	}
}

// readFixture reads a folder in the format of the reference implementation.
func readFixture(t *testing.T, folder string) (*Pool, Params) {
	t.Helper()
	var args struct {
		Threshold    int
		Capabilities []string
		Total        int
		Budget       int
	}
	if err := json.Unmarshal(readFile(t, folder, "args.json"), &args); err != nil {
		t.Fatalf("reading args.json: %v", err)
	}
	var manifest []struct {
		Idx    int64
		Source string `json:"image_source"`
	}
	if err := json.Unmarshal(readFile(t, folder, "manifest.json"), &manifest); err != nil {
		t.Fatalf("reading manifest.json: %v", err)
	}
	if len(manifest) != args.Total {
		t.Fatalf("manifest.json has %d samples, args.json says %d", len(manifest), args.Total)
	}

	files, err := filepath.Glob(filepath.Join(folder, "scores", "*.jsonl"))
	if err != nil {
		t.Fatal(err)
	}
	var capabilities []string
	answers := make(map[string]map[int64]string)
	for _, file := range files {
		name := strings.TrimSuffix(filepath.Base(file), ".jsonl")
		answers[name] = readAnswers(t, file)
		if name != "style" {
			capabilities = append(capabilities, name)
		}
	}

	var samples []Sample
	for _, item := range manifest {
		sample := Sample{Index: item.Idx, Source: item.Source}
		for _, name := range capabilities {
			rating, err := strconv.ParseInt(strings.TrimSpace(answers[name][item.Idx]), 10, 16)
			if err != nil {
				rating = Missing
			}
			sample.Ratings = append(sample.Ratings, int8(rating))
		}
		if styles, ok := answers["style"][item.Idx]; ok {
			for style := range strings.SplitSeq(styles, ",") {
				sample.Styles = append(sample.Styles, strings.TrimSpace(style))
			}
		}
		samples = append(samples, sample)
	}
	rules := Rules{Threshold: args.Threshold, Capabilities: args.Capabilities, RatingsOnly: true}
	return poolOf(t, capabilities, samples...), Params{Budget: args.Budget, Rules: rules}
}

func readAnswers(t *testing.T, file string) map[int64]string {
	t.Helper()
	answers := make(map[int64]string)
	decoder := json.NewDecoder(strings.NewReader(string(readFile(t, filepath.Dir(file), filepath.Base(file)))))
	for {
		var line struct {
			Idx      int64
			Response any `json:"pred_response"`
		}
		err := decoder.Decode(&line)
		if errors.Is(err, io.EOF) {
			return answers
		}
		if err != nil {
			t.Fatalf("reading %s: %v", file, err)
		}
		answers[line.Idx] = fmt.Sprint(line.Response)
	}
}

func readFile(t *testing.T, folder, name string) []byte {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(folder, name))
	if err != nil {
		t.Fatal(err)
	}
	return data
}
