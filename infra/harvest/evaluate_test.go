package main

import (
	"encoding/json"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/harvest-ml/harvest/shared/scores/reason"
	"github.com/harvest-ml/harvest/shared/selection"
	"github.com/harvest-ml/harvest/shared/study/annotation"
	"github.com/harvest-ml/harvest/shared/subset"
	"github.com/harvest-ml/harvest/shared/thorough"
)

// evaluateJSON runs evaluate, and returns the object that --json prints.
func evaluateJSON(t *testing.T, dir string, args ...string) evaluation {
	t.Helper()
	a := mustHarvest(t, dir, append([]string{"evaluate", "--json", "--state", "state"}, args...)...)
	dec := json.NewDecoder(strings.NewReader(a.stdout))
	dec.DisallowUnknownFields()
	var e evaluation
	if err := dec.Decode(&e); err != nil {
		t.Fatalf("%v in %s", err, a.stdout)
	}
	if dec.More() {
		t.Fatalf("more than one JSON object: %s", a.stdout)
	}
	return e
}

// annotateByScorer curates manifests, and returns annotations with the scorer's ratings of every step-th sample.
func annotateByScorer(t *testing.T, dir string, step int, args ...string) []annotation.Annotation {
	t.Helper()
	res := curateJSON(t, dir, append([]string{"--budget", "50%", "--state", "state"}, args...)...)
	files, err := filepath.Glob(filepath.Join(dir, "state/runs", res.Run, "scores/*.parquet"))
	if err != nil {
		t.Fatal(err)
	}
	var data [][]byte
	for _, name := range files {
		file, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		data = append(data, file)
	}
	scored := sampleRun{}
	if scored.pool, err = subset.ReadPool(t.Context(), data, selection.Request{}); err != nil {
		t.Fatal(err)
	}
	var annotations []annotation.Annotation
	for i := 0; i < scored.pool.Pool.Len(); i += step {
		if said, ok := scored.opinion(i); ok {
			id, err := scored.pool.ID(t.Context(), i)
			if err != nil {
				t.Fatal(err)
			}
			annotations = append(annotations, annotation.Annotation{ID: id, Scores: said.Ratings, Styles: said.Styles})
		}
	}
	return annotations
}

func writeAnnotations(t *testing.T, path string, annotations []annotation.Annotation) {
	t.Helper()
	var b strings.Builder
	if err := annotation.Write(&b, annotations); err != nil {
		t.Fatal(err)
	}
	writeFile(t, path, b.String())
}

// textOnly returns a record without an id, so that its id and source come from its place.
func textOnly(question, answer string) string {
	return fmt.Sprintf(`{"conversations":[{"from":"human","value":%q},{"from":"gpt","value":%q}]}`+"\n", question, answer)
}

// annotateOdd writes more.jsonl with samples that cannot be rated, that have no id, or that have the id of another
// sample. It also writes the scorer's annotations of this file and of dataset.json. Three annotations belong to samples
// that cannot be compared.
func annotateOdd(t *testing.T, dir string) []annotation.Annotation {
	t.Helper()
	writeFile(t, filepath.Join(dir, "more.jsonl"), `{"id":"broken","conversations":[]}`+"\n"+
		textOnly("Why is the sky blue? Explain.",
			"First, light is scattered. Therefore blue is seen.")+textOnly("Is it so? Answer yes or no.", "Yes")+
		`{"id":"lost","image":"source0/lost.png","conversations":[{"from":"human","value":"<image>\nWhat?"},`+
		`{"from":"gpt","value":"That"}]}`+"\n"+
		`{"id":"sample-0000","conversations":[{"from":"human","value":"What?"},{"from":"gpt",`+
		`"value":"Another with the id of the first"}]}`+"\n")
	annotations := annotateByScorer(t, dir, 2, "dataset.json", "more.jsonl")
	annotations = annotations[:len(annotations)-1] // the scorer's ratings of the other sample-0000
	for i := range annotations {
		if annotations[i].ID == "sample-0000" {
			annotations[i].ID += "#1"
		}
	}
	last := annotations[len(annotations)-1]
	if last.ID != "more.jsonl#3" {
		t.Fatalf("the last annotation is of %s", last.ID)
	}
	for _, id := range []string{"gone", "lost", "broken"} {
		annotations = append(annotations, annotation.Annotation{ID: id, Scores: last.Scores, Styles: last.Styles})
	}
	writeAnnotations(t, filepath.Join(dir, "annotations.jsonl"), annotations)
	return annotations
}

// TestEvaluate evaluates the scorer against its own ratings. The agreement is complete, because each sample is compared
// with its own annotation.
func TestEvaluate(t *testing.T) {
	t.Parallel()
	thorough.Only(t)
	dir := t.TempDir()
	newDataset(t, dir, 90, 16)
	annotations := annotateOdd(t, dir)
	got := evaluateJSON(t, dir, "--annotations", "annotations.jsonl", "--manifest", "dataset.json", "more.jsonl")
	if got.Samples != len(annotations)-3 || got.Annotations != len(annotations) {
		t.Errorf("%d of %d annotations compared, want %d of %d", got.Samples, got.Annotations, len(annotations)-3,
			len(annotations))
	}
	if diff := cmp.Diff([]string{"gone"}, got.Absent); diff != "" {
		t.Errorf("absent (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(map[reason.Code]int64{"image_not_found": 1, "no_conversation": 1}, got.Failed); diff != "" {
		t.Errorf("failed (-want +got):\n%s", diff)
	}
	if m := got.Mean; m.Exact != 1 || m.WithinOne != 1 || m.QWK != 1 || m.Spearman < 0.5 {
		t.Errorf("mean agreement %+v, want 1", m.Figures)
	}
	if got.Styles.MicroF1 != 1 {
		t.Errorf("styles agree to %v, want 1", got.Styles.MicroF1)
	}
	if len(got.Capabilities) != 14 || got.Sources["source0"].Samples != 23 || got.Sources["more"].Samples != 1 {
		t.Errorf("%d capabilities, sources %v", len(got.Capabilities), got.Sources)
	}
	if len(got.Overlap) != 2 || got.Overlap["0.3"] < 0.5 || got.RandomOverlap["0.1"] > 0.1 {
		t.Errorf("selections share %v, by chance %v", got.Overlap, got.RandomOverlap)
	}

	// The second command scores no sample, and prints equal tables.
	a := mustHarvest(t, dir, "evaluate", "--state", "state", "--annotations", "annotations.jsonl", "dataset.json",
		"more.jsonl")
	for _, text := range []string{
		fmt.Sprintf("%d of %d annotated samples compared with %s", got.Samples, got.Annotations, got.Scorer),
		`1 annotation has no sample in the manifests, such as "gone".`, "1 sample not rated: image not found",
		"│ optical character recognition │", "│ multi-choice ", "│ source2 ", "│ 0.3 ",
	} {
		if !strings.Contains(a.stdout, text) {
			t.Errorf("no %q in %s", text, a.stdout)
		}
	}
	again := evaluateJSON(t, dir, "--annotations", "annotations.jsonl", "dataset.json", "more.jsonl")
	if again.Run != got.Run {
		t.Errorf("evaluated again, the run is %s, want %s", again.Run, got.Run)
	}
}

func TestEvaluateUnderAnotherRubric(t *testing.T) {
	t.Parallel()
	thorough.Only(t)
	dir := t.TempDir()
	newDataset(t, dir, 30, 16)
	writeFile(t, filepath.Join(dir, "rubric.yaml"),
		"name: small\ncapabilities: [logical deduction, language generation]\nstyles: [multi-choice, yes/no]\n")
	annotations := annotateByScorer(t, dir, 1, "--rubric", "rubric.yaml", "dataset.json")
	if n := len(annotations[0].Scores); n != 2 {
		t.Fatalf("with a rubric of two capabilities, a sample has %d ratings", n)
	}
	writeAnnotations(t, filepath.Join(dir, "annotations.jsonl"), annotations)
	got := evaluateJSON(t, dir, "--annotations", "annotations.jsonl", "--rubric", "rubric.yaml", "dataset.json")
	if len(got.Capabilities) != 2 || len(got.Styles.Styles) != 2 || got.Mean.Exact != 1 {
		t.Errorf("capabilities %v, styles %v, exact %v", got.Capabilities, got.Styles.Styles, got.Mean.Exact)
	}
	a := harvest(t, dir, nil, "evaluate", "--annotations", "annotations.jsonl", "dataset.json")
	if a.status != 1 ||
		!strings.Contains(a.stderr, "annotations.jsonl: line 1: scores: the list has 2 numbers, but the rubric has 14 cap") {
		t.Errorf("under the default rubric: status %d, %s", a.status, a.stderr)
	}
}

// TestEvaluateAgainst compares two annotators of the same samples. Their known figures are 0.91, 0.93 and 0.97.
func TestEvaluateAgainst(t *testing.T) {
	t.Parallel()
	data, err := filepath.Abs("../../../shared/data")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(data); err != nil {
		t.Skip("the annotated samples are not next to the repository")
	}
	got := evaluateJSON(t, t.TempDir(), "--annotations", data+"/annotations/dev.jsonl", "--against",
		data+"/annotations/double.jsonl", data+"/pool/dataset.json")
	want := [4]float64{84, 0.902462, 0.927313, 0.970874} // computed with scipy 1.17.1 and scikit-learn 1.9.1
	figures := [4]float64{
		float64(got.Samples),
		float64(got.Mean.Spearman),
		float64(got.Mean.QWK),
		float64(got.Styles.MicroF1),
	}
	if diff := cmp.Diff(want, figures, cmp.Comparer(func(a, b float64) bool { return math.Abs(a-b) < 1e-6 })); diff != "" {
		t.Errorf("samples, Spearman, kappa and F1 of two annotators (-want +got):\n%s", diff)
	}
	if got.Run != "" || got.Failed["not_annotated"] != 317-84 {
		t.Errorf("run %q, failed %v", got.Run, got.Failed)
	}
	if got.Overlap["0.1"] < 2*got.RandomOverlap["0.1"] {
		t.Errorf("selections have a share of %v in common, and random selections %v", got.Overlap, got.RandomOverlap)
	}
}

func TestEvaluateRefuses(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	writeFile(t, filepath.Join(dir, "d.jsonl"),
		`{"id":"a","image":"gone.png","conversations":[{"from":"human","value":"<image>\nWhat?"},{"from":"gpt",`+
			`"value":"That"}]}`+"\n")
	scores := strings.Repeat(",1", 14)[1:]
	writeFile(t, filepath.Join(dir, "a.jsonl"), `{"id":"a","scores":[`+scores+`],"styles":["yes/no"]}`+"\n")
	writeFile(t, filepath.Join(dir, "other.jsonl"), `{"id":"b","scores":[`+scores+`],"styles":["yes/no"]}`+"\n")
	writeFile(t, filepath.Join(dir, "empty.jsonl"), "\n")
	for _, tt := range []struct {
		args   string
		status int
		want   string
	}{
		{"d.jsonl", 2, "--annotations is missing"},
		{"--annotations a.jsonl", 2, "name at least one manifest"},
		{"--annotations none.jsonl d.jsonl", 2, "annotations none.jsonl: there is no such file"},
		{"--annotations a.jsonl --rubric none.yaml d.jsonl", 2, "rubric none.yaml: there is no such file"},
		{"--annotations a.jsonl --against a.jsonl --scorer embedded d.jsonl", 2, "give one of the two"},
		{"--annotations a.jsonl --scorer psychic d.jsonl", 2, `--scorer "psychic"`},
		{"--annotations a.jsonl d.jsonl", 1, "none of the annotated samples (1) could be rated: image not found (1)"},
		{"--annotations other.jsonl d.jsonl", 1, `none of the annotated samples (1) is in the manifests: the first is "b"`},
		{"--annotations a.jsonl --against other.jsonl d.jsonl", 1, "no sample is annotated in both files"},
		{"--annotations empty.jsonl d.jsonl", 1, "empty.jsonl: the file has no annotation"},
		{"--annotations a.jsonl a.jsonl d.jsonl --rubric a.jsonl", 1, "rubric a.jsonl: line 1: there is no key"},
	} {
		a := harvest(t, dir, nil, append([]string{"evaluate", "--state", "state"}, strings.Fields(tt.args)...)...)
		if a.status != tt.status || !strings.Contains(a.stderr, tt.want) {
			t.Errorf("evaluate %s: status %d, %s; want %d, %s", tt.args, a.status, a.stderr, tt.status, tt.want)
		}
	}
}
