package main

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/harvest-ml/harvest/shared/thorough"
	"github.com/parquet-go/parquet-go"
)

// parquetFixtures are files of Hugging Face's datasets library.
const parquetFixtures = "../../shared/dataset/container/hfparquet/testdata"

// A demoRow is a sample of the demo in the columns of Hugging Face's LLaVA datasets.
type demoRow struct {
	ID            string        `parquet:"id"`
	Images        []demoPicture `parquet:"image,list"`
	Source        string        `parquet:"data_source,optional"`
	Conversations []demoTurn    `parquet:"conversations,list"`
}

type demoPicture struct {
	Bytes []byte  `parquet:"bytes,optional"`
	Path  *string `parquet:"path,optional"`
}

// Equal compares pictures with reflect, because cmp needs seconds for their bytes.
func (p demoPicture) Equal(other demoPicture) bool { return reflect.DeepEqual(p, other) }

type demoTurn struct {
	From  string `parquet:"from" json:"from"`
	Value string `parquet:"value" json:"value"`
}

// demoParquet writes the samples of the demo to files train-00000-of-00003.parquet and so on in a folder.
func demoParquet(t *testing.T, folder string, files int) (rows []demoRow) {
	t.Helper()
	var records []struct {
		ID            string
		Image         any
		Source        string `json:"data_source"`
		Conversations []demoTurn
	}
	decode(t, readFile(t, demo), &records)
	for _, record := range records {
		row := demoRow{ID: record.ID, Source: record.Source, Conversations: record.Conversations}
		names, isList := record.Image.([]any)
		if !isList && record.Image != nil {
			names = []any{record.Image}
		}
		for _, name := range names {
			content := readFile(t, filepath.Join(filepath.Dir(demo), name.(string)))
			row.Images = append(row.Images, demoPicture{Bytes: []byte(content)})
		}
		rows = append(rows, row)
	}
	each := (len(rows) + files - 1) / files
	for number := range files {
		var out bytes.Buffer
		w := parquet.NewGenericWriter[demoRow](&out, parquet.MaxRowsPerRowGroup(20),
			parquet.KeyValueMetadata("huggingface", `{"info": {"features": {}}}`))
		if _, err := w.Write(rows[number*each : min((number+1)*each, len(rows))]); err != nil {
			t.Fatal(err)
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
		writeFile(t, filepath.Join(folder, fmt.Sprintf("train-%05d-of-%05d.parquet", number, files)), out.String())
	}
	return rows
}

func readRows(t *testing.T, path string) []demoRow {
	t.Helper()
	content := readFile(t, path)
	rows, err := parquet.Read[demoRow](strings.NewReader(content), int64(len(content)))
	if err != nil {
		t.Fatal(err)
	}
	return rows
}

// TestParquet curates the demo from Parquet files, and from JSON with a folder of images. The ratings are equal, and
// the Parquet subset has the rows of the same samples. Other commands also read Parquet files.
func TestParquet(t *testing.T) {
	thorough.Only(t)
	t.Parallel()
	manifest := filepath.Join(demoFolder(t), "dataset.json")
	dir, plain := t.TempDir(), t.TempDir()
	rows := demoParquet(t, filepath.Join(dir, "data"), 3)
	want := annotateByScorer(t, plain, 1, "--out", "out", "--no-report", manifest)
	got := annotateByScorer(t, dir, 1, "--out", "out", "data")
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("ratings (-JSON +Parquet):\n%s", diff)
	}
	var selected []struct{ ID string }
	decode(t, readFile(t, filepath.Join(plain, "out", "subset.json")), &selected)
	chosen := []demoRow{}
	for _, row := range rows {
		if len(selected) > len(chosen) && row.ID == selected[len(chosen)].ID {
			chosen = append(chosen, row)
		}
	}
	subset := filepath.Join(dir, "out", "subset.parquet")
	if diff := cmp.Diff(chosen, readRows(t, subset), cmpopts.EquateEmpty()); diff != "" || len(chosen) != len(selected) {
		t.Errorf("%d rows (-selected from JSON +subset):\n%s", len(chosen), diff)
	}
	if page := readFile(t, filepath.Join(dir, "out", reportFile)); !strings.Contains(page, "data:image/jpeg") {
		t.Error("the report has no picture")
	}
	curate := []string{"curate", "--budget", "100%", "--state", "again", "--out", "again/out", "--no-report"}
	mustHarvest(t, dir, append(curate, subset)...)
	again := readRows(t, filepath.Join(dir, "again/out/subset.parquet"))
	if diff := cmp.Diff(readRows(t, subset), again); diff != "" {
		t.Errorf("a selection of the whole subset (-subset +got):\n%s", diff)
	}
	a := mustHarvest(t, dir, "plan", "--state", "state", "data/train-*.parquet")
	if says := "row 1 of train-00000-of-00003.parquet read as LLaVA: id formula-0012"; !strings.Contains(a.stdout, says) {
		t.Errorf("plan does not print %q: %s", says, a.stdout)
	}
	t.Run("study", func(t *testing.T) { checkStudy(t, dir, plain, manifest, "data", got) })
}

// TestParquetOfDatasets plans and curates files that Hugging Face's datasets library wrote.
func TestParquetOfDatasets(t *testing.T) {
	t.Parallel()
	for name, says := range map[string][]string{
		"llava": {"row 1 of llava.parquet read as LLaVA: id a0, source drawn", `human: "[image 1]\nWhat is in picture 0?"`},
		"cauldron": {
			"row 3 of cauldron.parquet read as The Cauldron: id cauldron.parquet#3, source\n  drawn",
			`human: "[image 1]\n[image 2]\nQuestion 2.0?"`, "image 2: image 2 of the record",
		},
		"finevision": {"read as FineVision", "relevance_min"},
		"vsft":       {"read as Hugging Face messages with an image list", `human: "Question 0?[image 1]"`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			writeFile(t, filepath.Join(dir, name+".parquet"), readFile(t, filepath.Join(parquetFixtures, name+".parquet")))
			a := mustHarvest(t, dir, "plan", "--state", "state", name+".parquet")
			for _, text := range says {
				if !strings.Contains(a.stdout, text) {
					t.Errorf("plan does not print %q:\n%s", text, a.stdout)
				}
			}
			c := curateJSON(t, dir, "--budget", "50%", "--max-failed", "20%", "--no-report", "--state", "state", "--out", "out",
				name+".parquet")
			if _, err := os.Stat(filepath.Join(dir, "out/subset.parquet")); err != nil || c.Selected < 2 {
				t.Errorf("%d samples are selected: %v", c.Selected, err)
			}
		})
	}
}

// TestParquetRecipe lists Parquet files in a dataset.yaml. The subset has a file for each entry, and a dataset.yaml.
func TestParquetRecipe(t *testing.T) {
	thorough.Only(t)
	t.Parallel()
	dir := t.TempDir()
	demoParquet(t, filepath.Join(dir, "data"), 4)
	writeFile(t, filepath.Join(dir, "dataset.yaml"), "manifests: [data/train-00000-of-00004.parquet, "+
		"\"data/train-0000{2,3}-of-00004.parquet\"]\ntakes: {data/train-00000-of-00004.parquet: \"first:10\"}\n")
	first := curateJSON(t, dir, "--budget", "30%", "--no-report", "--state", "state", "--out", "out", "dataset.yaml")
	if first.Samples.In != 10+65+64 {
		t.Errorf("%d samples", first.Samples.In)
	}
	again := curateJSON(t, dir, "--budget", "100%", "--no-report", "--state", "state", "--out", "again",
		"out/dataset.yaml")
	if again.Samples.In != int64(first.Selected) {
		t.Errorf("the parts have %d samples, and %d are selected", again.Samples.In, first.Selected)
	}
	whole := readRows(t, filepath.Join(dir, "out/subset.parquet"))
	if diff := cmp.Diff(whole, readRows(t, filepath.Join(dir, "again/subset.parquet"))); diff != "" {
		t.Errorf("rows (-subset +parts together):\n%s", diff)
	}
}

// TestParquetFaults checks that errors of Parquet files have the names that the user typed.
func TestParquetFaults(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	demoParquet(t, filepath.Join(dir, "data"), 20)
	for _, name := range []string{"lz4", "vsft", "llava", "empty"} {
		writeFile(t, filepath.Join(dir, name+".parquet"), readFile(t, filepath.Join(parquetFixtures, name+".parquet")))
	}
	whole := readFile(t, filepath.Join(dir, "data/train-00000-of-00020.parquet"))
	writeFile(t, filepath.Join(dir, "short.parquet"), whole[:len(whole)/2])
	writeFile(t, filepath.Join(dir, "text.jsonl"), textOnly("Why?", "So."))
	for _, tc := range []struct {
		args []string
		says string
	}{
		{[]string{"lz4.parquet"}, "harvest: manifest lz4.parquet: column id is compressed with LZ4_RAW, which Harvest " +
			"does not read; write the file again with zstd: python3 -c"},
		{[]string{"short.parquet"}, "harvest: manifest short.parquet: the Parquet file does not end in PAR1; it may be " +
			"cut short: download or write it again\n"},
		{[]string{"empty.parquet"}, "harvest: empty.parquet: the manifest has no records; write at least one\n"},
		{[]string{"./vsft.parquet", "llava.parquet"}, "harvest: manifests: ./vsft.parquet and llava.parquet have unequal " +
			"columns ("},
		{[]string{"llava.parquet", "text.jsonl"}, "harvest: manifests: llava.parquet is a Parquet file and text.jsonl is a " +
			"file of JSON, but a subset has one form; curate the files of each kind separately\n"},
	} {
		curate := []string{"curate", "--budget", "1", "--state", "state", "--out", "out"}
		a := harvest(t, dir, nil, append(curate, tc.args...)...)
		if a.status == 0 || !strings.HasPrefix(a.stderr, tc.says) {
			t.Errorf("%q: status %d, %q, want %q", tc.args, a.status, a.stderr, tc.says)
		}
	}
}
