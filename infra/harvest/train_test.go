package main

import (
	"encoding/json"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/harvest-ml/harvest/shared/scorer/embedded/training"
	"github.com/harvest-ml/harvest/shared/thorough"
)

// writeHarbour writes a dataset, a rubric that the embedded weights do not know, and annotations of all samples. The
// rating of seafaring depends on the question, and the rating of patience depends on the length of the answer.
func writeHarbour(t *testing.T, dir string) {
	t.Helper()
	var manifest, annotations strings.Builder
	for i := range 90 {
		ships, lines := i%3, 1+i/3%5
		question := "Tell of the " + strings.Fields("house tree garden table lamp")[i%5] + strings.Repeat(" and the schooner",
			ships)
		answer := strings.Repeat("It is "+strings.Fields("red big old small green")[i/7%5]+". ", lines)
		fmt.Fprintf(&manifest,
			`{"id":"s%d","source":"part %d","conversations":[{"from":"human","value":%q},{"from":"gpt","value":%q}]}`+"\n", i,
			i%4, question, answer)
		fmt.Fprintf(&annotations, `{"id":"s%d","scores":[%d,%d],"styles":["plain speech"]}`+"\n", i, 2*ships, lines-1)
	}
	writeFile(t, filepath.Join(dir, "d.jsonl"), manifest.String())
	writeFile(t, filepath.Join(dir, "a.jsonl"), annotations.String())
	writeFile(t, filepath.Join(dir, "rubric.yaml"),
		"name: harbour\ncapabilities: [seafaring, patience]\nstyles: [plain speech]\n")
}

// checkReport checks the report of train about own/first.zst, and returns these weights.
func checkReport(t *testing.T, dir, report string) string {
	t.Helper()
	var said, kept trainReport
	if err := json.Unmarshal([]byte(report), &said); err != nil {
		t.Fatalf("%v in %s", err, report)
	}
	if err := json.Unmarshal([]byte(readFile(t, filepath.Join(dir, "own/first.json"))), &kept); err != nil {
		t.Fatal(err)
	}
	if said.Seconds <= 0 {
		t.Error("the report has no duration")
	}
	said.Seconds = 0
	if diff := cmp.Diff(said, kept, cmp.AllowUnexported(trainReport{}), cmpopts.EquateNaNs()); diff != "" {
		t.Errorf("the report (-printed +written next to the weights):\n%s", diff)
	}
	want := "harvest train --annotations a.jsonl --manifest d.jsonl --rubric rubric.yaml --out first.zst"
	if said.Command != want {
		t.Errorf("command %q, want %q", said.Command, want)
	}
	weights := readFile(t, filepath.Join(dir, "own/first.zst"))
	if said.Samples != 90 || said.Sources != 4 || said.Weights != training.NewFile("first.zst", []byte(weights)) ||
		said.Annotations.Name != "a.jsonl" || len(said.Manifests) != 1 || said.UnseenSources.Mean.Spearman < 0.8 {
		t.Errorf("printed %s", report)
	}
	return weights
}

// TestTrain trains weights for the user's own rubric, checks their agreement, and selects a subset with these weights.
func TestTrain(t *testing.T) {
	t.Parallel()
	thorough.Only(t)
	dir := t.TempDir()
	writeHarbour(t, dir)
	train := []string{"train", "--annotations", "a.jsonl", "--manifest", "d.jsonl", "--rubric", "rubric.yaml", "--out"}
	first := mustHarvest(t, dir, append(train, "own/first.zst", "--json")...)
	weights := checkReport(t, dir, first.stdout)

	second := mustHarvest(t, dir, append(train, "second.zst")...)
	if readFile(t, filepath.Join(dir, "second.zst")) != weights {
		t.Error("the same annotations gave other weights")
	}
	for _, want := range []string{
		"seafaring", "patience", "plain speech", "unseen sources", "--scorer embedded:second.zst",
	} {
		if !strings.Contains(second.stdout, want) {
			t.Errorf("the table does not say %q:\n%s", want, second.stdout)
		}
	}
	if !strings.Contains(second.stderr, "learn   180 predictions in") {
		t.Errorf("no progress: %s", second.stderr)
	}

	e := evaluateJSON(t, dir, "--annotations", "a.jsonl", "--rubric", "rubric.yaml", "--scorer", "embedded:second.zst",
		"d.jsonl")
	if e.Mean.Spearman < 0.9 || e.Samples != 90 {
		t.Errorf("%d samples rated, mean Spearman %.2f", e.Samples, e.Mean.Spearman)
	}
	// The path of weights is relative to the current folder. The id of the run depends on the content of the weights.
	a := curateJSON(t, dir, "--budget", "20%", "--state", "state", "--rubric", "rubric.yaml", "--scorer",
		"embedded:second.zst", "--capabilities", "seafaring", "d.jsonl")
	b := curateJSON(t, dir, "--budget", "20%", "--state", "state", "--rubric", "rubric.yaml", "--scorer",
		"embedded:own/first.zst", "--capabilities", "seafaring", "d.jsonl")
	if a.Run != b.Run {
		t.Errorf("equal weights made runs %s and %s", a.Run, b.Run)
	}
	r := harvest(t, dir, nil, "curate", "--budget", "20%", "--state", "state", "--rubric", "rubric.yaml", "d.jsonl")
	if r.status == 0 || !strings.Contains(r.stderr, "harvest train") {
		t.Errorf("weights for another rubric: status %d, %s", r.status, r.stderr)
	}
}

func TestTrainRefuses(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	writeHarbour(t, dir)
	annotation := func(id string) string { return fmt.Sprintf(`{"id":%q,"scores":[1,2],"styles":[]}`+"\n", id) }
	writeFile(t, filepath.Join(dir, "few.jsonl"), annotation("s1")+annotation("s2"))
	writeFile(t, filepath.Join(dir, "absent.jsonl"), annotation("s1")+annotation("gone"))
	writeFile(t, filepath.Join(dir, "faulty.jsonl"), annotation("s1")+`{"id":"s2","scores":[1,9],"styles":[]}`)
	writeFile(t, filepath.Join(dir, "imageless.jsonl"),
		`{"id":"s1","image":"no.png","conversations":[{"from":"human","value":"<image>\nWhat?"},{"from":"gpt",`+
			`"value":"That."}]}`+"\n")
	writeFile(t, filepath.Join(dir, "broken.jsonl"),
		`{"id":"s1","image":"broken.png","conversations":[{"from":"human","value":"<image>\nWhat?"},{"from":"gpt",`+
			`"value":"That."}]}`+"\n")
	writeFile(t, filepath.Join(dir, "broken.png"), "no image")
	writeFile(t, filepath.Join(dir, "one.jsonl"), annotation("s1"))
	for _, tt := range []struct {
		args   string
		status int
		want   string
	}{
		{"--annotations a.jsonl d.jsonl", 2, "--out is missing"},
		{"--out w.json --annotations a.jsonl d.jsonl", 2, "give the weights another extension, such as .zst"},
		{"--out w.zst d.jsonl", 2, "--annotations is missing"},
		{
			"--out w.zst --annotations few.jsonl d.jsonl", 1,
			"2 annotated samples are too few to learn from: annotate at least 60",
		},
		{
			"--out w.zst --annotations absent.jsonl d.jsonl", 1,
			`1 of 2 annotations have no sample in the manifests: "gone"; name all manifests`,
		},
		{
			"--out w.zst --annotations faulty.jsonl d.jsonl", 1,
			"faulty.jsonl: line 2: scores[1] (patience): found 9; write a whole number from 0 to 5",
		},
		{"--out w.zst --annotations one.jsonl imageless.jsonl", 1,
			"annotated sample s1 (imageless.jsonl: element 1 (line 1)): " +
				"image not found: no.png: fix the sample, or remove its annotation"},
		{
			"--out w.zst --annotations one.jsonl broken.jsonl", 1,
			"annotated sample s1 (broken.jsonl: element 1 (line 1)): image format unknown: ",
		},
	} {
		r := harvest(t, dir, nil, append([]string{"train", "--rubric", "rubric.yaml"}, strings.Fields(tt.args)...)...)
		if r.status != tt.status || !strings.Contains(r.stderr, tt.want) {
			t.Errorf("%s: status %d, want %d and %q:\n%s", tt.args, r.status, tt.status, tt.want, r.stderr)
		}
	}
}

// TestTrainKeepsInputs checks that train does not write weights, or their origin, over a file that it reads or did not
// write.
func TestTrainKeepsInputs(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	writeHarbour(t, dir)
	for name, of := range map[string]string{"copy.json": "d.jsonl", "notes.json": "rubric.yaml"} {
		writeFile(t, filepath.Join(dir, name), readFile(t, filepath.Join(dir, of)))
	}
	for _, tt := range []struct{ out, manifest, keeps string }{
		{"a.jsonl", "d.jsonl", "a.jsonl"}, {"copy.zst", "copy.json", "copy.json"}, {"notes.zst", "d.jsonl", "notes.json"},
	} {
		before := readFile(t, filepath.Join(dir, tt.keeps))
		r := harvest(t, dir, nil, "train", "--annotations", "a.jsonl", "--rubric", "rubric.yaml", "--out", tt.out,
			tt.manifest)
		if r.status != 2 || !strings.HasPrefix(r.stderr, "harvest: --out "+tt.out+": ") ||
			!strings.Contains(r.stderr, "would be replaced") || readFile(t, filepath.Join(dir, tt.keeps)) != before {
			t.Errorf("--out %s: status %d, %q; want 2 and %s as it was", tt.out, r.status, r.stderr, tt.keeps)
		}
	}
}

// TestTrainAdds adds annotations under the default rubric to the training data of the embedded weights. The annotations
// rate a source differently than the embedded weights. The new weights rate this source like the annotations.
func TestTrainAdds(t *testing.T) {
	thorough.Only(t)
	t.Parallel()
	dir := t.TempDir()
	var manifest, annotations strings.Builder
	for i := range 40 {
		ship := []string{"a schooner", "a garden"}[i%2]
		fmt.Fprintf(&manifest, `{"id":"s%d","source":"log","conversations":[`+
			`{"from":"human","value":"Say what %s is, sailor %d."},`+
			`{"from":"gpt","value":"It is %s, and I have seen it."}]}`+"\n", i, ship, i, ship)
		scores := strings.Repeat("0,", 10) + fmt.Sprint([]int{5, 0}[i%2]) + ",0,0,0" // humanities
		fmt.Fprintf(&annotations, `{"id":"s%d","scores":[%s],"styles":["short description"]}`+"\n", i, scores)
	}
	writeFile(t, filepath.Join(dir, "d.jsonl"), manifest.String())
	writeFile(t, filepath.Join(dir, "a.jsonl"), annotations.String())
	said := mustHarvest(t, dir, "train", "--add", "a.jsonl", "--out", "own.zst", "d.jsonl").stdout
	for _, want := range []string{
		"40 samples of your own", "humanities", "before", "--scorer embedded:own.zst",
		"Weights trained on your 40 samples and 1,836 of the embedded weights: own.zst",
	} {
		if !strings.Contains(said, want) {
			t.Errorf("the table does not say %q:\n%s", want, said)
		}
	}
	var origin training.Origin
	if err := json.Unmarshal([]byte(readFile(t, filepath.Join(dir, "own.json"))), &origin); err != nil {
		t.Fatal(err)
	}
	if a := origin.Added; a == nil || a.Own != 40 || a.LeftOut.Mean.Spearman < 0.9 || origin.Samples != 40+1836 ||
		origin.Command != "harvest train --add a.jsonl --manifest d.jsonl --out own.zst" {
		t.Errorf("origin %+v", origin)
	}
	e := evaluateJSON(t, dir, "--annotations", "a.jsonl", "--scorer", "embedded:own.zst", "d.jsonl")
	if e.Capabilities["humanities"].Spearman < 0.9 {
		t.Errorf("with the new weights, humanities has a Spearman of %.2f", e.Capabilities["humanities"].Spearman)
	}
	for _, tt := range []struct {
		args []string
		want string
	}{
		{[]string{"--annotations", "a.jsonl", "--out", "w.zst"}, "--add and --annotations exclude each other"},
		{[]string{"--base", "b.zst", "--out", "w.zst"}, "--base: it cannot be used with --add"},
		{nil, "--out is missing"},
	} {
		r := harvest(t, dir, nil, slices.Concat([]string{"train", "--add", "a.jsonl", "d.jsonl"}, tt.args)...)
		if r.status != 2 || !strings.Contains(r.stderr, tt.want) {
			t.Errorf("%v: status %d, %q; want 2 and %q", tt.args, r.status, r.stderr, tt.want)
		}
	}
	writeFile(t, filepath.Join(dir, "same.jsonl"), strings.ReplaceAll(annotations.String(), "0,5,0", "0,0,0"))
	r := harvest(t, dir, nil, "train", "--add", "same.jsonl", "--out", "w.zst", "d.jsonl")
	if r.status != 1 || !strings.Contains(r.stderr, "nothing can be learned from the annotations") {
		t.Errorf("equal annotations for all samples: status %d, %q", r.status, r.stderr)
	}
}
