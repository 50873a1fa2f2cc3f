package subset_test

import (
	"bytes"
	"context"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/harvest-ml/harvest/shared/bucket"
	"github.com/harvest-ml/harvest/shared/events"
	"github.com/harvest-ml/harvest/shared/run"
	"github.com/harvest-ml/harvest/shared/run/runtest"
	"github.com/harvest-ml/harvest/shared/subset"
)

// A version is the content of a file of the dataset demo, uploaded at an hour, which is its generation.
type version struct {
	file, content string
	hour          int
}

// put uploads a version, and handles its notification.
func (v version) put(t *testing.T, f *runtest.Fixture) subset.Arrival {
	t.Helper()
	f.Upload(demoFolder+v.file, []byte(v.content))
	f.Touch(demoFolder+v.file, runtest.Uploaded.Add(time.Duration(v.hour)*time.Hour))
	return arrived(t, f, demoFolder+v.file)
}

// records returns a valid manifest.
func records(prefix string) string { return string(runtest.Array(runtest.Plain(prefix, 3))) }

// A correction is a case of TestCorrectedFile.
type correction struct {
	spec      string
	before    []version // they arrive before dataset.yaml, or after it if late is true
	late      bool
	corrected version
}

// corrections returns the cases of TestCorrectedFile.
func corrections() map[string]correction {
	whole := records("a")
	return map[string]correction{
		"empty": {
			"manifests: [a.json]\n", []version{{"a.json", "", 0}}, false, version{"a.json", whole, 1},
		},
		"cut off": {
			"manifests: [a.json]\n", []version{{"a.json", whole[:len(whole)-9], 0}}, false, version{"a.json", whole, 1},
		},
		"one of two is empty": {
			"manifests: [a.json, b.json]\n", []version{{"a.json", whole, 0}, {"b.json", "", 0}}, false,
			version{"b.json", records("b"), 1},
		},
		"all are without records": {
			"manifests: [a.json, b.json]\n", []version{{"a.json", "[]", 0}, {"b.json", "[]", 0}}, false,
			version{"b.json", records("b"), 1},
		},
		"the last file arrives empty": {
			"manifests: [a.json, b.json]\n", []version{{"a.json", whole, 0}, {"b.json", "", 0}}, true,
			version{"b.json", records("b"), 1},
		},
		"in a subfolder": {
			"manifests: [parts/a.json]\n", []version{{"parts/a.json", "", 0}}, true, version{"parts/a.json", whole, 1},
		},
		"of a pattern": {
			"manifests: ['*.json']\n", []version{{"a.json", "", 0}}, false, version{"a.json", whole, 1},
		},
		"a rubric": {
			"manifests: [a.json]\nrubric: rubric.yaml\n", []version{{"a.json", whole, 0}, {"rubric.yaml", "title: birds\n", 0}},
			false, version{"rubric.yaml", smallRubric, 1},
		},
		"with the same time": {
			"manifests: [a.json]\n", []version{{"a.json", whole[:len(whole)-9], 0}}, false, version{"a.json", whole, 0},
		},
		"a recipe": {
			"manifests: [mix.yaml]\n", []version{{"parts/a.json", whole, 0}, {"mix.yaml", "datasets:\n  - json_path: 3:\n", 0}},
			false, version{"mix.yaml", "datasets:\n  - json_path: parts/a.json\n", 1},
		},
	}
}

// TestCorrectedFile corrects a file after the run of the dataset.yaml that names it was refused. The corrected file
// starts one run, also if its notification is delivered twice.
func TestCorrectedFile(t *testing.T) {
	t.Parallel()
	for name, tt := range corrections() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newCloud(t)
			spec := version{"dataset.yaml", tt.spec + "budget: 2\n", 0}
			if tt.late {
				spec.put(t, f)
			}
			for _, v := range tt.before {
				v.put(t, f)
			}
			if !tt.late {
				drain(t, f)
				spec.put(t, f)
			}
			drain(t, f)
			refused := runOf(t, f, demoSpec)
			if st := f.Status(refused); st.State != run.StateRefused {
				t.Fatalf("before the correction the run is %s", st.State)
			}
			before := datasets(t, f)
			for _, v := range tt.before { // redelivered, or late
				if got := arrived(t, f, demoFolder+v.file); got.Run != "" {
					t.Errorf("the redelivery of %s: %+v", v.file, got)
				}
			}
			got := tt.corrected.put(t, f)
			if got.Run == "" || got.Spec != demoSpec || got.Earlier != refused || got.Refused != "" {
				t.Fatalf("the corrected file: %+v", got)
			}
			for range 2 { // during planning, and after the end of the run
				if again := arrived(t, f, demoFolder+tt.corrected.file); again.Run != "" {
					t.Errorf("the redelivery of the corrected file: %+v", again)
				}
				drain(t, f)
			}
			if st := f.Status(got.Run); st.State != run.StateScored || len(st.Selections) != 1 {
				t.Errorf("the run is %s with selections %v", st.State, st.Selections)
			}
			if after := datasets(t, f); len(after) != len(before)+1 || runOf(t, f, demoSpec) != got.Run {
				t.Errorf("runs of %v, then of %v; the last is %s, want %s", before, after, runOf(t, f, demoSpec), got.Run)
			}
		})
	}
}

// An idleArrival is a case of TestNamedFileStartsNothing.
type idleArrival struct {
	prepare func(*testing.T, *runtest.Fixture)
	arrives version
	want    subset.Arrival
	reason  string // a part of Waits
}

// idleArrivals returns cases without a refused run. refusedIdleArrivals returns cases with one.
func idleArrivals() map[string]idleArrival {
	whole, later := records("a"), version{"a.json", records("new"), 1}
	spec := version{"dataset.yaml", "manifests: [a.json]\nbudget: 2\n", 0}
	named := subset.Arrival{Named: true}
	return map[string]idleArrival{
		"not handled yet": {func(t *testing.T, f *runtest.Fixture) {
			f.Upload(demoSpec, []byte(spec.content))
		}, later, subset.Arrival{Named: true, Coming: true}, ""},
		"planning": {func(t *testing.T, f *runtest.Fixture) {
			version{"a.json", whole, 0}.put(t, f)
			drain(t, f)
			spec.put(t, f)
		}, later, named, ""},
		"scored": {func(t *testing.T, f *runtest.Fixture) {
			f.Upload(demoFolder+"a.json", []byte(whole))
			spec.put(t, f)
			drain(t, f)
		}, later, named, ""},
		"failed": {func(t *testing.T, f *runtest.Fixture) {
			f.Upload(demoFolder+"a.json", []byte(`[{"id": 1}, {"id": 2}]`))
			version{"dataset.yaml", "manifests: [a.json]\n", 0}.put(t, f)
			drain(t, f)
		}, later, named, ""},
		"cancelled": {func(t *testing.T, f *runtest.Fixture) {
			f.Upload(demoFolder+"a.json", []byte(whole))
			f.Begin(demoSpecOf(f, spec))
			if err := f.Worker.Cancel(t.Context(), runOf(t, f, demoSpec)); err != nil {
				t.Fatal(err)
			}
		}, later, named, ""},
	}
}

func refusedIdleArrivals() map[string]idleArrival {
	whole, later := records("a"), version{"a.json", records("new"), 1}
	spec := version{"dataset.yaml", "manifests: [a.json]\nbudget: 2\n", 0}
	named := subset.Arrival{Named: true}
	return map[string]idleArrival{
		"refused for another file": {func(t *testing.T, f *runtest.Fixture) {
			f.Upload(demoFolder+"a.json", []byte(whole))
			f.Upload(demoFolder+"b.json", []byte("oh"))
			version{"dataset.yaml", "manifests: [a.json, b.json]\n", 0}.put(t, f)
			drain(t, f)
		}, later, named, "datasets/demo/b.json"},
		"refused for dataset.yaml itself": {func(t *testing.T, f *runtest.Fixture) {
			f.Upload(demoFolder+"a.json", []byte(whole))
			version{"dataset.yaml", "manifests: [a.json]\nscorer: crystal-ball\n", 0}.put(t, f)
		}, later, named, "crystal-ball"},
		"a dataset.yaml that is not valid, and a file in a subfolder": {func(t *testing.T, f *runtest.Fixture) {
			version{"dataset.yaml", "manifests: [parts/a.json]\nbudget: 200%\n", 0}.put(t, f)
		}, version{"parts/a.json", whole, 1}, subset.Arrival{}, "200%"},
		"a dataset.yaml that is not valid, and a rubric": {func(t *testing.T, f *runtest.Fixture) {
			version{"dataset.yaml", "manifests: [parts/a.json]\nbudgit: 20%\nrubric: birds.yaml\n", 0}.put(t, f)
		}, version{"birds.yaml", smallRubric, 1}, subset.Arrival{}, "budgit"},
		"a dataset.yaml that is not valid, and a page": {func(t *testing.T, f *runtest.Fixture) {
			version{"dataset.yaml", "manifests: [parts/a.json]\nbudget: 200%\n", 0}.put(t, f)
		}, version{"README.md", "birds", 1}, subset.Arrival{}, ""},
		"refused, and the content is the same": {func(t *testing.T, f *runtest.Fixture) {
			f.Upload(demoFolder+"a.json", nil)
			spec.put(t, f)
			drain(t, f)
		}, version{"a.json", "", 1}, named, "datasets/demo/a.json"},
		"refused, and a pattern": {func(t *testing.T, f *runtest.Fixture) {
			f.Upload(demoFolder+"b.json", []byte("[]"))
			f.Upload(demoFolder+"c.json", []byte("[]"))
			version{"dataset.yaml", "manifests: ['*.json']\n", 0}.put(t, f)
			drain(t, f)
		}, later, named, "no records"},
		"refused, and not named": {func(t *testing.T, f *runtest.Fixture) {
			f.Upload(demoFolder+"a.json", nil)
			spec.put(t, f)
			drain(t, f)
		}, version{"parts/b.json", whole, 1}, subset.Arrival{}, ""},
	}
}

// TestNamedFileStartsNothing delivers a file that a dataset.yaml names in each state in which its arrival starts no
// run.
func TestNamedFileStartsNothing(t *testing.T) {
	t.Parallel()
	cases := idleArrivals()
	maps.Copy(cases, refusedIdleArrivals())
	for name, tt := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newCloud(t)
			tt.prepare(t, f)
			before := datasets(t, f)
			got := tt.arrives.put(t, f)
			if tt.reason != "" && !strings.Contains(got.Waits, tt.reason) {
				t.Errorf("%+v, want a reason with %q", got, tt.reason)
			}
			if tt.reason != "" {
				got.Waits = ""
			}
			if got != tt.want {
				t.Errorf("%+v, want %+v", got, tt.want)
			}
			if after := datasets(t, f); !slices.Equal(before, after) {
				t.Errorf("runs of %v, then of %v", before, after)
			}
		})
	}
}

// demoSpecOf uploads a dataset.yaml, and returns its object.
func demoSpecOf(f *runtest.Fixture, spec version) string {
	f.Upload(demoSpec, []byte(spec.content))
	return demoSpec
}

// TestCorrectedTwice corrects a file several times. Each version has its own run until one is valid.
func TestCorrectedTwice(t *testing.T) {
	t.Parallel()
	f := newCloud(t)
	f.Upload(demoFolder+"a.json", nil)
	version{"dataset.yaml", "manifests: [a.json]\nbudget: 2\n", 0}.put(t, f)
	drain(t, f)
	ids := []string{runOf(t, f, demoSpec)}
	whole := records("a")
	for i, content := range []string{whole[:20], whole[:40], "[]", whole} {
		got := version{"a.json", content, i + 1}.put(t, f)
		if got.Earlier != ids[len(ids)-1] || slices.Contains(ids, got.Run) {
			t.Fatalf("version %d: %+v after the runs %v", i, got, ids)
		}
		ids = append(ids, got.Run)
		drain(t, f)
		if last := runOf(t, f, demoSpec); last != got.Run {
			t.Errorf("version %d: the last run is %s, want %s", i, last, got.Run)
		}
	}
	if st := f.Status(ids[len(ids)-1]); st.State != run.StateScored || len(datasets(t, f)) != len(ids) {
		t.Errorf("the last run is %s; runs of %v", st.State, datasets(t, f))
	}
}

// TestCorrectedLink replaces one of two manifests, a link out of the input folder, by a file. Until then the run is
// refused, and the other manifest makes no request for the manifests.
func TestCorrectedLink(t *testing.T) {
	t.Parallel()
	f := newCloud(t)
	version{"a.json", records("a"), 0}.put(t, f)
	drain(t, f)
	link := filepath.Join(f.Folder, demoFolder, "b.json")
	if err := os.Symlink(os.DevNull, link); err != nil {
		t.Fatal(err)
	}
	spec := version{"dataset.yaml", "manifests: [a.json, b.json]\nbudget: 2\n", 0}.put(t, f)
	if !strings.Contains(spec.Refused, "leads out of the folder") {
		t.Fatalf("with a link: %+v", spec)
	}
	counted := &countedStats{Reader: f.Input}
	f.Input = counted
	if got := (version{"a.json", records("new"), 1}).put(t, f); got.Waits != spec.Refused || counted.stats > 3 {
		t.Errorf("the other manifest: %+v after %d requests", got, counted.stats)
	}
	if err := os.Remove(link); err != nil {
		t.Fatal(err)
	}
	if got := (version{"b.json", records("b"), 1}).put(t, f); got.Earlier != spec.Run || got.Refused != "" {
		t.Errorf("without the link: %+v", got)
	}
}

// An onOpen is an input bucket that calls do after an object was read for the first time.
type onOpen struct {
	bucket.Reader
	object string
	do     func()
}

func (b *onOpen) Open(ctx context.Context, name string, generation, offset, length int64) (io.ReadCloser, error) {
	r, err := b.Reader.Open(ctx, name, generation, offset, length)
	if err != nil || name != b.object || b.do == nil {
		return r, err
	}
	defer r.Close()
	content, err := io.ReadAll(r)
	do := b.do
	b.do = nil
	do()
	return io.NopCloser(bytes.NewReader(content)), err
}

// TestCorrectedMeanwhile corrects a rubric, and handles its notification, while the dataset.yaml that names it is
// handled, after the invalid rubric was read.
func TestCorrectedMeanwhile(t *testing.T) {
	t.Parallel()
	f := newCloud(t)
	f.Upload(demoFolder+"a.json", []byte(records("a")))
	f.Upload(demoFolder+"rubric.yaml", []byte("title: birds\n"))
	f.Upload(demoSpec, []byte("manifests: [a.json]\nrubric: rubric.yaml\nbudget: 2\n"))
	f.Input = &onOpen{f.Input, demoFolder + "rubric.yaml", func() {
		if got := (version{"rubric.yaml", smallRubric, 1}).put(t, f); got != (subset.Arrival{Named: true, Coming: true}) {
			t.Errorf("the rubric: %+v", got)
		}
	}}
	got := arrived(t, f, demoSpec)
	if got.Run == "" || got.Refused != "" || runOf(t, f, demoSpec) != got.Run {
		t.Errorf("dataset.yaml: %+v", got)
	}
	drain(t, f)
	if st := f.Status(got.Run); st.State != run.StateScored {
		t.Errorf("the run is %s", st.State)
	}
}

// TestReplacedDuringPlanning replaces a manifest, and handles its notification, while the run of its dataset.yaml is
// planned. The run is refused, and another run begins with the new version.
func TestReplacedDuringPlanning(t *testing.T) {
	t.Parallel()
	for name, first := range map[string]string{"empty": "", "valid": records("old")} {
		f := newCloud(t)
		f.Upload(demoFolder+"a.json", []byte(first))
		version{"dataset.yaml", "manifests: [a.json]\nbudget: 2\n", 0}.put(t, f)
		task := runtest.Decode[events.PlanTask](t, f.Tasks.TakeOf(events.TaskPlan)[0])
		if got := (version{"a.json", records("a"), 1}).put(t, f); got != (subset.Arrival{Named: true}) {
			t.Errorf("%s: during planning: %+v", name, got)
		}
		refused, _, err := f.Subsets.PlanRun(t.Context(), f.Planner(), f.Worker, task, "1")
		if err != nil || refused == nil || refused.Problem == "" {
			t.Fatalf("%s: plan %+v, %v; want a refusal", name, refused, err)
		}
		var started []string
		for range 2 { // the redelivery of the task
			got, err := f.Subsets.AcceptReplaced(t.Context(), f.Planner(), f.Worker, refused)
			if err != nil {
				t.Fatal(err)
			}
			started = append(started, got.Run)
		}
		if started[0] == "" || started[0] == refused.Run || started[1] != "" {
			t.Errorf("%s: the runs %q after %s, want one other", name, started, refused.Run)
		}
		drain(t, f)
		if st := f.Status(runOf(t, f, demoSpec)); st.State != run.StateScored || len(datasets(t, f)) != 2 {
			t.Errorf("%s: the last run is %s; runs of %v", name, st.State, datasets(t, f))
		}
	}
}

// TestReplacedWithTheSameTime replaces a manifest by a version with the same time, and with another size, before it is
// known that the run is refused.
func TestReplacedWithTheSameTime(t *testing.T) {
	t.Parallel()
	f := newCloud(t)
	f.Upload(demoFolder+"a.json", nil)
	version{"dataset.yaml", "manifests: [a.json]\nbudget: 2\n", 0}.put(t, f)
	task := runtest.Decode[events.PlanTask](t, f.Tasks.TakeOf(events.TaskPlan)[0])
	refused, _, err := f.Subsets.PlanRun(t.Context(), f.Planner(), f.Worker, task, "1")
	if err != nil || refused == nil || refused.Problem == "" {
		t.Fatalf("plan %+v, %v; want a refusal", refused, err)
	}
	f.Upload(demoFolder+"a.json", []byte(records("a")))
	got, err := f.Subsets.AcceptReplaced(t.Context(), f.Planner(), f.Worker, refused)
	if err != nil || got.Earlier != refused.Run || got.Run == "" || got.Run == refused.Run {
		t.Errorf("%+v, %v; want another run than %s", got, err, refused.Run)
	}
}

// TestKilledCorrecting kills the process before each step of handling a corrected file, whose notification is then
// redelivered, or lost and found by reconcile.
func TestKilledCorrecting(t *testing.T) {
	t.Parallel()
	start := func(life int) (*runtest.Fixture, error) {
		f := newCloud(t)
		f.Upload(demoFolder+"a.json", nil)
		version{"dataset.yaml", "manifests: [a.json]\nbudget: 2\n", 0}.put(t, f)
		drain(t, f)
		f.Upload(demoFolder+"a.json", []byte(records("a")))
		f.Touch(demoFolder+"a.json", runtest.Uploaded.Add(time.Hour))
		f.Steps, f.Life = 0, life
		_, err := f.Subsets.AcceptUpload(t.Context(), f.Planner(), f.Worker, demoFolder+"a.json")
		return f, err
	}
	calm, err := start(-1)
	if err != nil {
		t.Fatal(err)
	}
	for life := range calm.Steps {
		for _, lost := range []bool{false, true} {
			f, err := start(life)
			if err == nil {
				t.Fatalf("after %d steps: the process was not killed", life)
			}
			restart(f)
			f.Pass(time.Hour)
			if !lost {
				arrived(t, f, demoFolder+"a.json")
			}
			uploadSteps(t, f)
			drain(t, f)
			st := f.Status(runOf(t, f, demoSpec))
			if diff := cmp.Diff([]string{"demo", "demo"}, datasets(t, f)); diff != "" || st.State != run.StateScored {
				t.Errorf("after %d steps (lost %v): the run is %s; runs (-want +got):\n%s", life, lost, st.State, diff)
			}
		}
	}
}
