package local_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/harvest-ml/harvest/infra/local"
	"github.com/harvest-ml/harvest/shared/bucket"
	"github.com/harvest-ml/harvest/shared/bucket/gs"
	"github.com/harvest-ml/harvest/shared/dataset"
	"github.com/harvest-ml/harvest/shared/dataset/container/hfparquet/table"
	"github.com/harvest-ml/harvest/shared/dataset/container/kinds"
	"github.com/harvest-ml/harvest/shared/dataset/forms"
	"github.com/harvest-ml/harvest/shared/run/runtest"
	"github.com/harvest-ml/harvest/shared/thorough"
)

// TestContainersInCloudStorage uploads the demo as a tar and as a Parquet file to a bucket of Cloud Storage. Planning,
// scoring and selection give the same results as with folders, and the subset has whole samples.
func TestContainersInCloudStorage(t *testing.T) {
	thorough.Only(t)
	archive, rows := demoContainers(t, 24)
	for name, content := range map[string][]byte{"demo.tar": archive, "demo.parquet": rows} {
		t.Run(name, func(t *testing.T) {
			files := map[string][]byte{
				"datasets/demo/parts/" + name: content,
				"datasets/demo/dataset.yaml":  []byte("manifests: [parts/" + name + "]\nbudget: 25%\n"),
			}
			literals := map[string]bucket.Content{}
			for object, content := range files {
				literals[object] = bucket.Literal(content)
			}
			folder, err := bucket.NewView(literals)
			if err != nil {
				t.Fatal(err)
			}
			inFolders := start(t, local.Options{Input: folder})
			selectAll(t, inFolders)

			client := startStorage(t, "input", "work")
			buckets := map[string]bucket.Bucket{}
			for _, name := range []string{"input", "work"} {
				if buckets[name], err = gs.OpenURL(t.Context(), "gs://"+name); err != nil {
					t.Fatal(err)
				}
			}
			for _, object := range slices.Sorted(maps.Keys(files)) {
				w := client.Bucket("input").Object(object).NewWriter(t.Context())
				if _, err := w.Write(files[object]); err != nil {
					t.Fatal(err)
				}
				if err := w.Close(); err != nil {
					t.Fatal(err)
				}
			}
			inCloud := start(t, local.Options{Input: buckets["input"], Work: buckets["work"]})
			subset := selectAll(t, inCloud)
			if diff := cmp.Diff(outcome(t, inFolders.work), outcome(t, inCloud.work)); diff != "" {
				t.Errorf("outcome differs from the outcome with folders (-folders +Cloud Storage):\n%s", diff)
			}
			if got := illustrated(t, name, subset); got != 6 {
				t.Errorf("the subset has %d samples with their images, want 6", got)
			}
		})
	}
}

// selectAll starts the dataset of a system, waits for its selection, and returns the subset.
func selectAll(t *testing.T, s *system) []byte {
	t.Helper()
	if err := s.Upload(t.Context(), "datasets/demo/dataset.yaml"); err != nil {
		t.Fatal(err)
	}
	s.completed(t)
	for attrs, err := range s.work.List(t.Context(), "runs/", "") {
		if err != nil {
			t.Fatal(err)
		}
		if strings.HasPrefix(path.Base(attrs.Name), "subset.") {
			return read(t, s.work, attrs.Name)
		}
	}
	t.Fatal("there is no subset")
	return nil
}

// demoContainers returns the first samples of the demo that have one image, as a tar and as a Parquet file.
func demoContainers(t *testing.T, samples int) (archive, rows []byte) {
	t.Helper()
	content, err := os.ReadFile(demo + "/dataset.json")
	if err != nil {
		t.Fatal(err)
	}
	var records []map[string]any
	if err := json.Unmarshal(content, &records); err != nil {
		t.Fatal(err)
	}
	columns := table.NewColumns(forms.ImagesField)
	var members []runtest.Member
	var lines [][]byte
	var images [][]table.Image
	for i, record := range records {
		name, one := record["image"].(string)
		if !one || len(lines) == samples {
			continue
		}
		image, err := os.ReadFile(demo + "/" + name)
		if err != nil {
			t.Fatal(err)
		}
		key := fmt.Sprintf("%06d", i)
		record["image"] = key + path.Ext(name)
		raw, _ := json.Marshal(record)
		members = append(members, runtest.Member{Name: key + path.Ext(name), Content: string(image)},
			runtest.Member{Name: key + ".json", Content: string(raw)})
		delete(record, "image")
		record[forms.ImagesField] = []string{name}
		raw, _ = json.Marshal(record)
		lines, images = append(lines, raw), append(images, []table.Image{{Bytes: image, Path: name}})
		if err := columns.Add(raw); err != nil {
			t.Fatal(err)
		}
	}
	var out bytes.Buffer
	w, err := columns.NewWriter(&out)
	if err != nil {
		t.Fatal(err)
	}
	for i, line := range lines {
		if err := w.Write(line, images[i]); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return runtest.Tar(t, members...), out.Bytes()
}

// illustrated counts the samples of a container that have an image.
func illustrated(t *testing.T, name string, content []byte) (n int) {
	t.Helper()
	file, err := os.Create(t.TempDir() + "/" + name)
	if err == nil {
		defer file.Close()
		_, err = file.Write(content)
	}
	if err != nil {
		t.Fatal(err)
	}
	limits := dataset.Limits{MaxRecordBytes: 1 << 20}
	err = kinds.EachSample(t.Context(), file, name, limits, forms.Parse, func(s *dataset.Sample) error {
		if s.Problem == nil && len(s.Images) == 1 && s.Images[0].Embedded == 1 {
			n++
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return n
}
