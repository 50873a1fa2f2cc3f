package embedded

import (
	"bytes"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"testing"

	"github.com/harvest-ml/harvest/shared/dataset"
	"github.com/harvest-ml/harvest/shared/dataset/forms"
	"github.com/harvest-ml/harvest/shared/scorer"
)

var update = flag.Bool("update", false, "rewrite the golden files")

// TestElsewhere rates the demo on this machine, and compares the result with the result of linux/amd64
// (testdata/expected.json, which -update writes). On linux/amd64, all scores must be equal. On other machines, 0.1 % of
// the expected scores and distances may differ, by at most one unit.
func TestElsewhere(t *testing.T) {
	t.Parallel()
	const demo = "../../../testdata/demo"
	compareRated(t, "testdata/expected.json", ratedItems(t, filepath.Join(demo, "dataset.json"), demo))
}

// TestElsewherePool does the same with real samples, which are not in the repository. HARVEST_EXPECTED is the path of a
// file. If the file does not exist, the test writes it. Otherwise it compares the ratings with the file. So one machine
// writes the file, and another machine compares.
func TestElsewherePool(t *testing.T) {
	t.Parallel()
	file := os.Getenv("HARVEST_EXPECTED")
	if file == "" {
		t.Skip("HARVEST_EXPECTED does not name a file")
	}
	pool := filepath.Join(dataFolder, "pool")
	compareRated(t, file, ratedItems(t, filepath.Join(pool, "dataset.json"), filepath.Join(pool, "images")))
}

// ratedItems returns the valid samples of a manifest whose images exist.
func ratedItems(t *testing.T, manifest, images string) (items []scorer.Item) {
	t.Helper()
	data, err := os.ReadFile(manifest)
	if err != nil {
		t.Fatal(err)
	}
	var records []json.RawMessage
	if err := json.Unmarshal(data, &records); err != nil {
		t.Fatal(err)
	}
	for i, record := range records {
		item := scorer.Item{Sample: forms.Parse(bytes.TrimSpace(record), dataset.Place{Element: int64(i + 1)})}
		if item.Sample.Problem != nil {
			continue
		}
		for _, img := range item.Sample.Images {
			data, err := os.ReadFile(filepath.Join(images, img.Name))
			if err != nil {
				t.Fatal(err)
			}
			item.Images = append(item.Images, data)
		}
		items = append(items, item)
	}
	return items
}

// compareRated compares the ratings of items with a golden file. The file has the expected scores of each item, in
// units, and its distance.
func compareRated(t *testing.T, golden string, items []scorer.Item) {
	t.Helper()
	var got [][]int
	for _, result := range mustRate(t, defaultScorer(t), items) {
		var row []int
		for _, expected := range result.Expected {
			row = append(row, int(scorer.Units(float64(expected))))
		}
		got = append(got, append(row, result.Distance))
	}
	data, err := os.ReadFile(golden)
	if *update || errors.Is(err, fs.ErrNotExist) && filepath.IsAbs(golden) {
		if data, err = json.Marshal(got); err == nil {
			err = os.WriteFile(golden, append(data, '\n'), 0o644)
		}
	}
	var want [][]int
	if err == nil {
		err = json.Unmarshal(data, &want)
	}
	if err != nil || len(want) != len(got) {
		t.Fatalf("%s has %d samples, but %d were rated; error %v", golden, len(want), len(got), err)
	}
	differ, far, all := 0, 0, 0
	for i, row := range got {
		for c, v := range row {
			all++
			if off := max(v-want[i][c], want[i][c]-v); off > 1 {
				far++
			} else if off > 0 {
				differ++
			}
		}
	}
	said := fmt.Sprintf("%s: of %d expected scores and distances %d differ by one unit, and %d by more", runtime.GOARCH,
		all, differ, far)
	t.Log(said)
	if onReference := runtime.GOARCH == "amd64" && runtime.GOOS == "linux"; onReference && differ+far > 0 ||
		1000*far > all {
		t.Error(said)
	}
}
