package run_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/harvest-ml/harvest/shared/events"
	"github.com/harvest-ml/harvest/shared/run"
	"github.com/harvest-ml/harvest/shared/run/runtest"
	"github.com/harvest-ml/harvest/shared/selection"
)

// compareBudgets lets cmp compare budgets, whose fields are not exported.
var compareBudgets = cmpopts.EquateComparable(
	selection.Budget{}, selection.Cap{}, selection.VisualTokens{}, run.Allowance{})

func TestUploaded(t *testing.T) {
	t.Parallel()
	tests := []struct {
		object string
		want   *run.Spec // nil if the object starts nothing
		gone   bool      // its file was removed since
	}{
		{"datasets/demo/a.json", &run.Spec{Dataset: "demo", Manifests: []string{"a.json"}}, false},
		{"datasets/demo/a.jsonl", &run.Spec{Dataset: "demo", Manifests: []string{"a.jsonl"}}, false},
		{"datasets/demo/a.ndjson", &run.Spec{Dataset: "demo", Manifests: []string{"a.ndjson"}}, false},
		{"datasets/demo/parts/a.json", nil, false},
		{"datasets/demo/rubric.yaml", nil, false},
		{"datasets/README.md", nil, false},
		{"images/demo/a.json", nil, false},
		{"datasets/", nil, true},
		{"datasets/demo/a.json", nil, true},
		{"datasets/demo/a.txt", nil, true},
		{"datasets/demo/dataset.yaml", nil, true},
	}
	for _, test := range tests {
		t.Run(test.object, func(t *testing.T) {
			t.Parallel()
			f := runtest.New(t)
			if !test.gone {
				f.Upload(test.object, []byte("{}"))
			}
			upload, spec, ok, err := f.Planner().Uploaded(t.Context(), test.object)
			if err != nil || ok != (test.want != nil) {
				t.Fatalf("starts a run: %v, %v", ok, err)
			}
			if test.want == nil {
				return
			}
			if upload != (run.Upload{Object: test.object, Generation: runtest.Uploaded.UnixNano()}) {
				t.Errorf("upload %+v", upload)
			}
			if diff := cmp.Diff(*test.want, spec, compareBudgets); diff != "" {
				t.Errorf("spec (-want +got):\n%s", diff)
			}
		})
	}
}

const specFile = "datasets/demo/dataset.yaml"

func TestUploadedFile(t *testing.T) {
	t.Parallel()
	budgetOf := func(text string) run.Spec {
		request := selection.Request{Budget: runtest.Budget(t, text)}
		return run.Spec{Dataset: "demo", Manifests: []string{"a.json"}, Request: request}
	}
	tests := []struct {
		name, file string
		want       run.Spec
	}{
		{"all fields", `
manifests: [parts/a.json, parts/b.jsonl]
images: images/shared/
rubric: rubric.yaml
scorer: gpu
reuse: demo-0123456789ab
budget: 30%
capabilities: [humanities, causal reasoning]
threshold: 2
ratings_only: true
seed: 7
`, run.Spec{
			Dataset: "demo", Manifests: []string{"parts/a.json", "parts/b.jsonl"}, Images: "images/shared/",
			Rubric: "rubric.yaml", Scorer: "gpu", Reuse: "demo-0123456789ab",
			Request: selection.Request{
				Budget: runtest.Budget(t, "30%"),
				Rules: selection.Rules{
					Capabilities: []string{"humanities", "causal reasoning"}, Threshold: 2, RatingsOnly: true, Seed: 7,
				},
			},
		}},
		{"percentage", "manifests: [a.json]\nbudget: 30%", budgetOf("30%")},
		{"ratio", "manifests: [a.json]\nbudget: 0.3", budgetOf("0.3")},
		{"count", "manifests: [a.json]\nbudget: 500", budgetOf("500")},
		{"everything", "manifests: [a.json]\nbudget: 1.0", budgetOf("1.0")},
		{"one", "manifests: [a.json]\nbudget: 1", budgetOf("1")},
		{"text", "manifests: [a.json]\nbudget: '0.3'", budgetOf("30%")},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			f := runtest.New(t)
			f.Upload(specFile, []byte(test.file))
			_, got, ok, err := f.Planner().Uploaded(t.Context(), specFile)
			if err != nil || !ok {
				t.Fatalf("starts a run: %v, %v", ok, err)
			}
			if diff := cmp.Diff(test.want, got, compareBudgets); diff != "" {
				t.Errorf("spec (-want +got):\n%s", diff)
			}
		})
	}
}

func TestUploadedFaultyFile(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, file string
		want       []string
	}{
		{"broken", "manifests:\n  - a\n b: [\n", []string{"line"}},
		{"unknown field", "manifests: [a.json]\nbuget: 30%\n", []string{"line 2", "buget"}},
		{
			"duplicate_ids",
			"manifests: [a.json]\nduplicate_ids: keep\n",
			[]string{"line 2", "remove duplicate_ids", "`unique: true`"},
		},
		{"wrong type", "manifests: [a.json]\nthreshold: high\n", []string{"line 2", "high"}},
		{"budget", "manifests: [a.json]\nbudget: 130%\n", []string{"budget", "130%"}},
		{"field twice", "seed: 1\nseed: 2\n", []string{"line 2", "seed"}},
		{"value", "manifests: [a.json, a.json]\nimages: /x\n", []string{"manifests[1]", "images"}},
		{"empty", "", []string{"manifests", "list at least one"}},
		{"no manifests", "budget: 500\nmanifests: []\n", []string{"manifests"}},
		{"too large", "manifests: [a.json]\n#" + strings.Repeat(" ", 1<<20), []string{
			"dataset.yaml has 1048597 bytes, and the limit is 1048576; make it shorter",
		}},
		{"too many budgets", "manifests: [a.json]\nbudget: 99\nwithin: [" + strings.Repeat("9, ", 20) + "]\n",
			[]string{"within: 21 budgets are more than the limit of 20"}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			f := runtest.New(t)
			f.Upload(specFile, []byte(test.file))
			_, spec, ok, err := f.Planner().Uploaded(t.Context(), specFile)
			reason := runtest.Refusal(t, err)
			if !ok || spec.Dataset != "demo" {
				t.Errorf("got dataset %q, %v; want demo, so that the refusal can be kept", spec.Dataset, ok)
			}
			for _, want := range append(test.want, specFile) {
				if !strings.Contains(reason, want) {
					t.Errorf("the reason %q lacks %q", reason, want)
				}
			}
		})
	}
}

func TestRefuse(t *testing.T) {
	t.Parallel()
	f := runtest.New(t)
	plan, err := f.Worker.Refuse(t.Context(), "demo", run.Upload{}, &run.RefusedError{Reason: "no good"})
	if err != nil {
		t.Fatal(err)
	}
	st := f.Status(plan.Run)
	if st.State != run.StateRefused || st.Problem != "no good" || st.Dataset != "demo" {
		t.Errorf("status %+v, want state refused with the problem", st)
	}
	again, err := f.Worker.Refuse(t.Context(), "demo", run.Upload{}, &run.RefusedError{Reason: "no good"})
	if err != nil || again.Run != plan.Run {
		t.Errorf("refused again as %v, %v; want run %s", again, err, plan.Run)
	}
	other, err := f.Worker.Refuse(t.Context(), "demo", run.Upload{}, &run.RefusedError{Reason: "no better"})
	if err != nil || other.Run == plan.Run {
		t.Errorf("another reason makes %v, %v; want another run", other, err)
	}
	for name, call := range map[string]func() error{
		"resume": func() error { return f.Worker.Resume(t.Context(), plan.Run, false) },
		"retry":  func() error { _, err := f.Retry(plan.Run); return err },
		"select": func() error {
			_, err := f.Subsets.Select(t.Context(), plan.Run, selection.Request{}, run.Allowance{})
			return err
		},
		"cancel":  func() error { return f.Worker.Cancel(t.Context(), plan.Run) },
		"approve": func() error { return f.Worker.Approve(t.Context(), plan.Run) },
	} {
		if got := runtest.Refusal(t, call()); got != "no good" {
			t.Errorf("%s: reason %q", name, got)
		}
	}
	// A name that no folder can have: nothing could be looked up, so the message is done with.
	_, err = f.Worker.Refuse(t.Context(), "bad name", run.Upload{}, &run.RefusedError{Reason: "no good"})
	if !events.IsDataError(err) {
		t.Errorf("bad name: error %v, want a permanent error", err)
	}
}

func FuzzParseSpec(f *testing.F) {
	f.Add([]byte("manifests: [a.json]\nbudget: 30%\n"))
	f.Add([]byte("manifests:\n- a\nimages: images/x/\ncapabilities: [a, b]\n" +
		"threshold: -1\nseed: 18446744073709551615\n"))
	f.Add([]byte("{}"))
	f.Add([]byte("a: &a [*a]"))
	f.Fuzz(func(t *testing.T, file []byte) {
		spec, err := run.ParseSpec("demo", file)
		if err != nil {
			return
		}
		if spec.Dataset != "demo" || len(spec.Manifests) == 0 {
			t.Errorf("it took %+v", spec)
		}
		for _, m := range spec.Manifests {
			if name := "datasets/demo/" + m; m == "" || strings.Contains(name+"/", "/../") ||
				strings.Contains(name, "//") {
				t.Errorf("it took manifest %q", m)
			}
		}
	})
}

// TestLongestName runs a dataset with the longest name.
func TestLongestName(t *testing.T) {
	t.Parallel()
	f := runtest.New(t)
	name := run.DatasetsPrefix + strings.Repeat("x", 100) + "/a.json"
	f.Upload(name, runtest.Array(runtest.Plain("a", 3)))
	if counts := f.Finish(f.Begin(name)); counts.Scored != 3 {
		t.Errorf("counts %+v, want all scored", counts)
	}
}

// What dataset.yaml names next to itself is a part of its run, and images start nothing.
func TestUploadedNamed(t *testing.T) {
	t.Parallel()
	f := runtest.New(t)
	for _, file := range []string{
		"a.json", "b-1.jsonl", "c.json", "n.csv", "ann.jsonl", "other.json", "one.PNG", "two.jpeg",
	} {
		f.Upload("datasets/demo/"+file, []byte("{}"))
	}
	f.Upload("datasets/demo/meta.json", []byte(`{"c": {"root": "x", "annotation": "c.json"}}`))
	starts := func(file string) bool {
		t.Helper()
		_, spec, starts, err := f.Planner().Uploaded(t.Context(), "datasets/demo/"+file)
		if err != nil || starts && spec.Dataset != "demo" {
			t.Errorf("%s: spec %+v, error %v", file, spec, err)
		}
		return starts
	}
	if !starts("a.json") || starts("one.PNG") || starts("two.jpeg") {
		t.Error("before dataset.yaml is there: a manifest starts nothing, or an image something")
	}
	f.Upload("datasets/demo/dataset.yaml", []byte("manifests: [a.json, 'b-*.jsonl', meta.json]\nimages: ./\n"+
		"scores_from: n.csv\nteacher: {annotations: ann.jsonl}\n"))
	for file, want := range map[string]bool{
		"a.json": false, "b-1.jsonl": false, "meta.json": false, "c.json": false, "n.csv": false, "ann.jsonl": false,
		"one.PNG": false, "other.json": true, "dataset.yaml": true,
	} {
		if got := starts(file); got != want {
			t.Errorf("next to dataset.yaml %s starts a run: %t", file, got)
		}
	}
	f.Upload("datasets/demo/dataset.yaml", []byte("manifests: 7\n"))
	for _, file := range []string{"a.json", "other.json"} {
		_, _, starts, err := f.Planner().Uploaded(t.Context(), "datasets/demo/"+file)
		if _, refused := errors.AsType[*run.RefusedError](err); starts || !refused {
			t.Errorf("next to a refused dataset.yaml %s starts a run: %t, error %v", file, starts, err)
		}
	}
}

// Images may lie in the dataset's own folder.
func TestImagesOfOwnFolder(t *testing.T) {
	t.Parallel()
	for images, want := range map[string]string{
		"": "images/demo/", "./": "datasets/demo/", "./pictures/": "datasets/demo/pictures/", "images/all/": "images/all/",
	} {
		spec := run.Spec{Dataset: "demo", Manifests: []string{"a.json"}, Images: images}
		if got := spec.ImagesPrefix(); got != want || spec.Validate() != nil {
			t.Errorf("%q is %q, error %v; want %q", images, got, spec.Validate(), want)
		}
	}
	for _, images := range []string{"./..", "./../x/", "./x", ".", ".//", "././"} {
		if err := (run.Spec{Dataset: "demo", Manifests: []string{"a.json"}, Images: images}).Validate(); err == nil {
			t.Errorf("%q is taken", images)
		}
	}
	f := runtest.New(t)
	f.Upload("datasets/demo/pictures/a.png", runtest.PNG(t, 20, 10))
	f.Upload("datasets/demo/parts/a.json", runtest.Array([]string{runtest.Record("a", "Well.", "pictures/a.png")}))
	f.Upload("datasets/demo/dataset.yaml", []byte("manifests: [parts/a.json]\nimages: ./\n"))
	if counts := f.Finish(f.Begin("datasets/demo/dataset.yaml")); counts.Scored != 1 {
		t.Errorf("counts %+v", counts)
	}
}

// TestImagesElsewhere puts images next to their manifest without a dataset.yaml that says so. The reason of a missing
// image names both fixes.
func TestImagesElsewhere(t *testing.T) {
	t.Parallel()
	f := runtest.New(t)
	f.Upload("datasets/demo/charts/a.png", runtest.PNG(t, 20, 10))
	f.Upload("datasets/demo/a.json", runtest.Array([]string{runtest.Record("a", "Well.", "charts/a.png"),
		runtest.Record("b", "Well.", "charts/b.png")}))
	plan := f.Begin("datasets/demo/a.json")
	f.Finish(plan)
	records := f.Records(plan)
	for id, want := range map[string]string{
		"a": `but it is in datasets/demo/; move the images to images/demo/ and retry the run, or write "images: ./" ` +
			"and the list of manifests in datasets/demo/dataset.yaml",
		"b": "images/demo; add it there",
	} {
		if got := records[id].Reason; !strings.Contains(got, want) {
			t.Errorf("sample %s: reason %q, want %q in it", id, got, want)
		}
	}
}
