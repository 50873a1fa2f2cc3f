package run_test

import (
	"context"
	"fmt"
	"iter"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/harvest-ml/harvest/shared/bucket"
	"github.com/harvest-ml/harvest/shared/dataset/forms"
	"github.com/harvest-ml/harvest/shared/run"
	"github.com/harvest-ml/harvest/shared/run/runtest"
)

const (
	// turnsRecord is a record of LLaVA. chatRecord is a record whose columns a dataset_info.json names.
	turnsRecord = `{"conversations": [{"from": "human", "value": "Why?"}, {"from": "gpt", "value": "So."}]}` + "\n"
	chatRecord  = `{"chat": [{"role": "q", "text": "Why?"}, {"role": "a", "text": "So."}]}` + "\n"
	infoRecipe  = `{"talk": {"file_name": "chat.jsonl", "formatting": "sharegpt", "columns": {"messages": "chat"},
	  "tags": {"role_tag": "role", "content_tag": "text", "user_tag": "q", "assistant_tag": "a"}}}`
	metaRecipe = `{"coco": {"root": "coco/", "annotation": "parts/b.jsonl", "repeat_time": 2},
	  "vg": {"root": ".", "annotation": "meta/vg.jsonl"}}`
	mixRecipe = "datasets: [{json_path: parts/a-*.jsonl, sampling_strategy: \"first:1\"}," +
		" {json_path: parts/b.jsonl, sampling_strategy: all}]\n"
)

// uploadParts uploads manifests of three records, and recipes.
func uploadParts(f *runtest.Fixture) {
	for _, name := range []string{
		"parts/a-000.jsonl", "parts/a-001.jsonl", "parts/b.jsonl", "parts/deep/c.jsonl", "meta/vg.jsonl", "odd/a[1].jsonl",
	} {
		f.Upload("datasets/demo/"+name, []byte(strings.Repeat(turnsRecord, 3)))
	}
	f.Upload("datasets/demo/parts/chat.jsonl", []byte(strings.Repeat(chatRecord, 3)))
	f.Upload("datasets/demo/parts/dataset_info.json", []byte(infoRecipe))
	f.Upload("datasets/demo/meta/meta.json", []byte(metaRecipe))
	f.Upload("datasets/demo/mix.yaml", []byte(mixRecipe))
	f.Upload("datasets/demo/rubric.yaml", []byte("name: r\ncapabilities: [a]\nstyles: [b]\n"))
}

// A plannedPart has the fields of a manifest in a plan.
type plannedPart struct {
	name    string
	reading forms.Reading
	take    string
	records int64
}

// talkReading is the reading of infoRecipe's entry.
var talkReading = forms.Reading{
	Form: "LLaMA-Factory sharegpt", Source: "talk", Columns: map[string]string{"messages": "chat"},
	Tags: map[string]string{"role_tag": "role", "content_tag": "text", "user_tag": "q", "assistant_tag": "a"},
}

// resolved has the manifests that a plan must have, by the value of `manifests:` in the dataset.yaml.
var resolved = map[string][]plannedPart{
	`[parts/*.jsonl]` + "\nformat: LLaVA\n": { // no manifests in subfolders
		{"parts/a-000.jsonl", forms.Reading{Form: "LLaVA"}, "all", 3},
		{"parts/a-001.jsonl", forms.Reading{Form: "LLaVA"}, "all", 3},
		{"parts/b.jsonl", forms.Reading{Form: "LLaVA"}, "all", 3},
		{"parts/chat.jsonl", forms.Reading{Form: "LLaVA"}, "all", 3},
	},
	`["parts/{b,a-{000..001}}.jsonl"]` + "\ntakes: {\"parts/{b,a-{000..001}}.jsonl\": first:2}\n" +
		"readings: {\"parts/{b,a-{000..001}}.jsonl\": {source: s}}\n": {
		{"parts/b.jsonl", forms.Reading{Source: "s"}, "first:2", 2},
		{"parts/a-000.jsonl", forms.Reading{Source: "s"}, "first:2", 2},
		{"parts/a-001.jsonl", forms.Reading{Source: "s"}, "first:2", 2},
	},
	`["odd/a[1].jsonl", "p*/deep/?.jsonl"]`: { // the name of an existing object is not read as a pattern
		{"odd/a[1].jsonl", forms.Reading{}, "all", 3}, {"parts/deep/c.jsonl", forms.Reading{}, "all", 3},
	},
	`[parts/dataset_info.json, parts/b.jsonl]`: {
		{"parts/chat.jsonl", talkReading, "all", 3}, {"parts/b.jsonl", forms.Reading{}, "all", 3},
	},
	`[meta/meta.json]`: { // a path is looked up in the meta file's folder, and then in the dataset's folder
		{"parts/b.jsonl", forms.Reading{Root: "coco", Source: "coco"}, "all", 3},
		{"meta/vg.jsonl", forms.Reading{Source: "vg"}, "all", 3},
	},
	`[mix.yaml]`: {
		{"parts/a-000.jsonl", forms.Reading{Source: "a-000"}, "first:1", 1},
		{"parts/a-001.jsonl", forms.Reading{Source: "a-001"}, "first:1", 1},
		{"parts/b.jsonl", forms.Reading{Source: "b"}, "all", 3},
	},
}

// Notes for the dataset's author about its manifests are in the plan and in the status of the run.
func TestNotes(t *testing.T) {
	t.Parallel()
	f := runtest.New(t)
	uploadParts(f)
	f.Upload("datasets/demo/parts/t-00001-of-00003.jsonl", []byte(turnsRecord))
	f.Upload("datasets/demo/dataset.yaml", []byte("manifests: [meta/meta.json, parts/t-*.jsonl]\n"))
	plan := f.Begin("datasets/demo/dataset.yaml")
	want := []string{
		`meta/meta.json: entry "coco": repeat_time makes a trainer repeat the records 2 times; Harvest rates each ` +
			`record once, and a subset has repeat_time 1`,
		"t-00000-of-00003.jsonl and 1 more are missing: the names state 3 files, but 1 are given; the subset is " +
			"made from them",
	}
	if diff := cmp.Diff(want, f.Status(plan.Run).Notes); diff != "" {
		t.Errorf("notes (-want +got):\n%s", diff)
	}
}

func TestResolve(t *testing.T) {
	t.Parallel()
	for manifests, want := range resolved {
		t.Run(manifests, func(t *testing.T) {
			t.Parallel()
			f := runtest.New(t)
			uploadParts(f)
			f.Upload("datasets/demo/dataset.yaml", []byte("manifests: "+manifests))
			plan := f.Begin("datasets/demo/dataset.yaml")
			var got []plannedPart
			for _, m := range plan.Manifests {
				name := strings.TrimPrefix(m.Name, "datasets/demo/")
				got = append(got, plannedPart{name, m.Reading, m.Take.String(), m.Records})
			}
			if diff := cmp.Diff(want, got, cmp.AllowUnexported(plannedPart{}), cmpopts.EquateEmpty()); diff != "" {
				t.Errorf("manifests (-want +got):\n%s", diff)
			}
			f.Finish(plan)
			for id, record := range f.Records(plan) {
				if record.Reason != "" && !strings.Contains(id, "chat.jsonl") {
					t.Errorf("%s failed: %s", id, record.Reason)
				}
			}
			if again := f.Begin("datasets/demo/dataset.yaml"); again.Run != plan.Run {
				t.Errorf("requested again, the run is %s", again.Run)
			}
			f.Upload("datasets/demo/parts/a-000.jsonl", []byte(turnsRecord))
			named := strings.Contains(fmt.Sprint(got), "a-000")
			if again := f.Begin("datasets/demo/dataset.yaml"); (again.Run != plan.Run) != named {
				t.Errorf("with another a-000.jsonl the run is %s, and was %s", again.Run, plan.Run)
			}
		})
	}
}

// A name that refers to no object is refused, with the name and the fix.
func TestResolveRefuses(t *testing.T) {
	t.Parallel()
	f := runtest.New(t)
	uploadParts(f)
	f.Upload("datasets/demo/other/dataset.yaml", []byte("manifests: [a.jsonl]\n"))
	for name, recipe := range map[string]string{
		"far":    `{"x": {"annotation": "/data/x.jsonl"}}`,
		"out":    `{"x": {"annotation": "../../x.jsonl"}}`,
		"gone":   `{"x": {"annotation": "x.jsonl"}}`,
		"none":   `{"x": {"annotation": "parts/x-*.jsonl"}}`,
		"root":   `{"x": {"annotation": "parts/b.jsonl", "root": "/data"}}`,
		"random": `{"x": {"file_name": "parts/b.jsonl", "num_samples": 5}}`,
	} {
		f.Upload("datasets/demo/bad/"+name+".json", []byte(recipe))
	}
	for manifests, want := range map[string]string{
		`[b.jsonl, "parts/x-*.jsonl"]`: "manifests[1]: parts/x-*.jsonl: no object of the input bucket matches " +
			"datasets/demo/parts/x-*.jsonl; upload the files, then request the dataset again",
		`["parts/{a-00*,y*}.jsonl"]`: "manifests[0]: parts/y*.jsonl: no object of the input bucket matches",
		`["parts/{b,y}.jsonl"]`:      "manifests: datasets/demo/parts/y.jsonl is not in the input bucket",
		`["parts/[.jsonl"]`:          "manifests[0]: parts/[.jsonl: it is not a pattern (syntax error in pattern); a [",
		`["{2..1}.jsonl"]`:           "manifests[0]: {2..1}.jsonl: {2..1} is not a range",
		`["{0..20000}.jsonl"]`:       "it matches more than 10000 manifests",
		`[parts/b.jsonl, "parts/?.jsonl"]`: "manifests[1]: parts/b.jsonl: it is already listed by parts/b.jsonl; " +
			"list it once",
		`[other/dataset.yaml]`: "manifests[0]: other/dataset.yaml: it is another dataset.yaml; list the manifests " +
			"themselves",
		"[mix.yaml]\ntakes: {mix.yaml: all}": "manifests[0]: mix.yaml: it is a mix of LLaVA-OneVision, which has " +
			"its own settings for reading and taking records",
		`[bad/far.json]`: `manifests[0]: bad/far.json: entry "x": /data/x.jsonl: it is outside of datasets/demo/; upload ` +
			`it there`,
		`[bad/out.json]`: `manifests[0]: bad/out.json: entry "x": ../../x.jsonl: it is outside of datasets/demo/`,
		`[bad/gone.json]`: `manifests[0]: bad/gone.json: entry "x": datasets/demo/bad/x.jsonl is not in the input ` +
			`bucket; upload it`,
		`[bad/none.json]`:   `manifests[0]: bad/none.json: entry "x": bad/parts/x-*.jsonl: no object of the input bucket`,
		`[bad/root.json]`:   `manifests[0]: bad/root.json: entry "x": root: /data: it is outside of the dataset's images`,
		`[bad/random.json]`: `datasets/demo/bad/random.json: entry "x": num_samples: it takes records at random`,
	} {
		f.Upload("datasets/demo/dataset.yaml", []byte("manifests: "+manifests))
		_, err := f.Arrive("datasets/demo/dataset.yaml")
		if err == nil {
			t.Errorf("%s: starts a run", manifests)
		} else if got := runtest.Refusal(t, err); !strings.Contains(got, want) {
			t.Errorf("%s: refused as %q, want %q", manifests, got, want)
		}
	}
}

// TestResolveBounds checks that no more of a bucket is listed than necessary.
func TestResolveBounds(t *testing.T) {
	t.Parallel()
	f := runtest.New(t)
	uploadParts(f)
	var took []string
	f.Input = listing{Reader: f.Input, of: func(prefix string) { took = append(took, prefix) }}
	f.Restart()
	spec := run.Spec{Dataset: "demo", Manifests: []string{"parts/a-*.jsonl", "parts/b.jsonl"}}
	if _, err := f.Start(spec); err != nil {
		t.Fatal(err)
	}
	for _, prefix := range took {
		if prefix != "datasets/demo/parts/a-" && !strings.HasPrefix(prefix, "images/") {
			t.Errorf("listed %q", prefix)
		}
	}
	f.Input = listing{Reader: f.Input, endless: "datasets/demo/parts/a-"}
	f.Restart()
	_, err := f.Start(spec)
	if err == nil {
		t.Fatal("the run started, although the listing never ends")
	}
	if got := runtest.Refusal(t, err); !strings.Contains(got, "more than 100000 objects of the input bucket begin with "+
		"datasets/demo/parts/a-; put the manifests in a separate folder") {
		t.Errorf("refused as %q", got)
	}
}

// A listing calls of with each prefix that is listed. The list of the prefix endless never ends.
type listing struct {
	bucket.Reader
	of      func(prefix string)
	endless string
}

func (l listing) List(ctx context.Context, prefix, after string) iter.Seq2[bucket.Attrs, error] {
	if l.of != nil {
		l.of(prefix)
	}
	if l.endless == "" || prefix != l.endless {
		return l.Reader.List(ctx, prefix, after)
	}
	return func(yield func(bucket.Attrs, error) bool) {
		for n := 0; yield(bucket.Attrs{Name: fmt.Sprintf("%s%09d", prefix, n)}, nil); n++ {
		}
	}
}
