package forms_test

import (
	"archive/tar"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/parquet-go/parquet-go"

	"github.com/harvest-ml/harvest/shared/dataset"
	"github.com/harvest-ml/harvest/shared/dataset/container"
	"github.com/harvest-ml/harvest/shared/dataset/container/hfparquet/table"
	"github.com/harvest-ml/harvest/shared/dataset/container/kinds"
	"github.com/harvest-ml/harvest/shared/dataset/forms"
	"github.com/harvest-ml/harvest/shared/memory/memorytest"
	"github.com/harvest-ml/harvest/shared/rubric"
	"github.com/harvest-ml/harvest/shared/scorer"
	"github.com/harvest-ml/harvest/shared/scorer/embedded"
)

// An imageCell is an image as Hugging Face's datasets library stores it.
type imageCell struct {
	Bytes []byte `parquet:"bytes,optional"`
	Path  string `parquet:"path,optional"`
}

// A llavaRow is a row of LLaVA in Parquet. A cauldronRow is a row of The Cauldron in Parquet.
type (
	llavaRow struct {
		Image         []imageCell `parquet:"image,list"`
		Conversations []turnCell  `parquet:"conversations,list"`
	}
	turnCell struct {
		From  string `parquet:"from"`
		Value string `parquet:"value"`
	}
	cauldronRow struct {
		Images []imageCell `parquet:"images,list"`
		Texts  []textCell  `parquet:"texts,list"`
	}
	textCell struct {
		User      string `parquet:"user"`
		Assistant string `parquet:"assistant"`
	}
)

// cells returns the images of a talk.
func (k talk) cells(t *testing.T) (cells []imageCell) {
	t.Helper()
	for _, name := range k.images {
		cells = append(cells, imageCell{drawing(t, name), name})
	}
	return cells
}

// contained returns a talk in each kind of container and in each form of its record.
func (k talk) contained(t *testing.T) map[string][]byte {
	t.Helper()
	llava := llavaRow{Image: k.cells(t)}
	cauldron := cauldronRow{Images: k.cells(t)}
	for _, pair := range k.said {
		llava.Conversations = append(llava.Conversations, turnCell{"human", pair[0]}, turnCell{"gpt", pair[1]})
		cauldron.Texts = append(cauldron.Texts, textCell{pair[0], pair[1]})
	}
	files := map[string][]byte{"LLaVA.parquet": rows(t, llava), "The Cauldron.parquet": rows(t, cauldron)}
	for form, write := range written {
		if form == "TRL prompt and completion" && len(k.said) > 1 { // an answer in the prompt has no place in Parquet
			files[form+".tar"] = k.tar(t, write(k))
			continue
		}
		files["converted "+form+".parquet"] = k.converted(t, form)
		if form != "Qwen-VL" { // it names images in the text, and members are not searched there
			files[form+".tar"] = k.tar(t, write(k))
		}
	}
	return files
}

// converted converts the record of a talk from a form to a Parquet file.
func (k talk) converted(t *testing.T, form string) []byte {
	t.Helper()
	s := parseAs(t, form, written[form](k))
	convert, err := (forms.Reading{}).Converter(forms.Parquet)
	if err != nil {
		t.Fatal(err)
	}
	record, err := convert(s.Raw, s.Place, names(len(s.Images)))
	columns := table.NewColumns(forms.ImagesField)
	if err == nil {
		err = columns.Add(record)
	}
	if err != nil {
		t.Fatalf("%s: %v", form, err)
	}
	var images []table.Image
	for i, data := range drawn(t, s) {
		images = append(images, table.Image{Bytes: data, Path: s.Images[i].Name})
	}
	var out bytes.Buffer
	w, err := columns.NewWriter(&out)
	if err == nil {
		err = errors.Join(w.Write(record, images), w.Close())
	}
	if err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// names returns n names of images.
func names(n int) []string {
	list := []string{}
	for i := range n {
		list = append(list, fmt.Sprintf("images/%d.png", i))
	}
	return list
}

// checkConversions converts a sample of a container to each form. The turns must be equal, and the images must have
// their names.
func checkConversions(t *testing.T, name string, s *dataset.Sample) {
	t.Helper()
	for _, to := range forms.Outputs() {
		convert, err := (forms.Reading{}).Converter(to)
		if err != nil {
			t.Fatal(err)
		}
		record, err := convert(s.Raw, s.Place, names(len(s.Images)))
		if len(s.Images) > 0 && name == "imagefolder.tar" && to == "openai" {
			// The record keeps its field of names, which would be a second field of images next to parts.
			if _, lost := errors.AsType[*forms.LossError](err); !lost {
				t.Errorf("%s to %s: %v, want a loss", name, to, err)
			}
			continue
		}
		if lost, ok := errors.AsType[*forms.LossError](err); ok && to != forms.TRL && lost.Field == "prompt[1].content" {
			continue // an answer in a prompt of TRL
		}
		if err != nil {
			t.Errorf("%s to %s: %v", name, to, err)
			continue
		}
		got := forms.Parse(record, dataset.Place{Manifest: "a.json", Element: 1, Line: 1})
		var shown []string
		for _, image := range got.Images {
			shown = append(shown, image.Name)
		}
		if diff := cmp.Diff(s.Turns, got.Turns); diff != "" || !slices.Equal(shown, names(len(s.Images))) {
			t.Errorf("%s to %s: images %v, turns (-container +converted):\n%s", name, to, shown, diff)
		}
	}
}

func rows[T any](t *testing.T, row T) []byte {
	t.Helper()
	var out bytes.Buffer
	if err := parquet.Write(&out, []T{row}); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// tar returns an archive with the images of a talk and its record as members with the same key.
func (k talk) tar(t *testing.T, record object) []byte {
	t.Helper()
	var out bytes.Buffer
	archive := tar.NewWriter(&out)
	add := func(name string, content []byte) {
		err := archive.WriteHeader(&tar.Header{Name: name, Mode: 0o644, Size: int64(len(content))})
		if err == nil {
			_, err = archive.Write(content)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	for _, name := range k.images {
		add("key."+name, drawing(t, name))
	}
	raw, err := json.Marshal(record)
	if err != nil {
		t.Fatal(err)
	}
	add("key.json", raw)
	if err := archive.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// itemOf returns the only sample of a container, with its images.
func itemOf(t *testing.T, name string, content []byte) (item scorer.Item) {
	t.Helper()
	path := filepath.Join(t.TempDir(), filepath.Base(name))
	if err := os.WriteFile(path, content, 0o644); err != nil {
		t.Fatal(err)
	}
	file, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	kind, contained, err := kinds.OfFile(file)
	if err != nil || !contained {
		t.Fatalf("%s: no container: %v", name, err)
	}
	limits := dataset.Limits{MaxRecordBytes: 1 << 20}
	err = kinds.EachSample(t.Context(), file, name, limits, forms.Parse, func(s *dataset.Sample) error {
		item.Sample = s
		return nil
	})
	if err != nil || item.Sample == nil || item.Sample.Problem != nil {
		t.Fatalf("%s: %v, %+v", name, err, item.Sample)
	}
	values := kind.Values(container.FileSource(file))
	defer values.Close()
	for _, image := range item.Sample.Images {
		data, fault, err := values.Read(t.Context(), item.Sample.Record(), image.Embedded-1)
		if err != nil || fault != nil {
			t.Fatalf("%s: %v, %v", name, err, fault)
		}
		item.Images = append(item.Images, data)
	}
	return item
}

// Equal samples have equal prompts and ratings in text and in containers, for any form of the record in the container.
func TestEqualSamplesInContainers(t *testing.T) {
	t.Parallel()
	rubric := rubric.Default()
	rater, err := embedded.New(rubric, memorytest.Budget(t))
	if err != nil {
		t.Fatal(err)
	}
	for name, k := range talks {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			text := parseAs(t, "LLaVA", written["LLaVA"](k))
			items, files := []scorer.Item{{Sample: text, Images: drawn(t, text)}}, []string{"text"}
			for name, content := range k.contained(t) {
				items, files = append(items, itemOf(t, name, content)), append(files, name)
			}
			results, err := rater.Rate(t.Context(), items)
			if err != nil {
				t.Fatal(err)
			}
			for i, item := range items {
				if i > 0 {
					checkConversions(t, files[i], item.Sample)
				}
				for what, pair := range map[string][2]any{
					"turns":   {text.Turns, item.Sample.Turns},
					"images":  {items[0].Images, item.Images},
					"prompts": {rubric.PromptsFor(text.Texts()), rubric.PromptsFor(item.Sample.Texts())},
					"ratings": {results[0], results[i]},
				} {
					if diff := cmp.Diff(pair[0], pair[1]); diff != "" {
						t.Errorf("%s: %s (-text +container):\n%s", files[i], what, fmt.Sprint(diff))
					}
				}
			}
		})
	}
}
