package run_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/harvest-ml/harvest/shared/dataset"
	"github.com/harvest-ml/harvest/shared/events"
	"github.com/harvest-ml/harvest/shared/run"
	"github.com/harvest-ml/harvest/shared/selection"
)

const otherRubric = `
name: other
capabilities: [wit, brevity]
styles: [prose, verse]
`

func TestRunID(t *testing.T) {
	t.Parallel()
	spec := run.Spec{Dataset: "demo", Manifests: []string{"a.json"}}
	tests := []struct {
		name   string
		change func(w *world, spec *run.Spec)
		same   bool
	}{
		{"same upload", func(*world, *run.Spec) {}, true},
		{"other time of upload", func(w *world, _ *run.Spec) { w.touch("datasets/demo/a.json", uploaded.Add(time.Hour)) }, true},
		{"other budget", func(w *world, s *run.Spec) { s.Budget = budget(w.t, "40%") }, true},
		{"other limit of cost", func(w *world, _ *run.Spec) { w.limits.MaxRunCost, w.limits.CostPerMillion = 1, 1e9 }, true},
		{"images' default, spelled out", func(_ *world, s *run.Spec) { s.Images = "images/demo/" }, true},
		{"duplicate ids' default, spelled out", func(_ *world, s *run.Spec) { s.DuplicateIDs = dataset.SkipDuplicates }, true},
		{"other bytes", func(w *world, _ *run.Spec) { w.upload("datasets/demo/a.json", array(plain("b", 9))) }, false},
		{"other manifest name", func(w *world, s *run.Spec) {
			w.upload("datasets/demo/b.json", array(plain("a", 9)))
			s.Manifests = []string{"b.json"}
		}, false},
		{"one more manifest", func(w *world, s *run.Spec) {
			w.upload("datasets/demo/b.json", array(plain("b", 9)))
			s.Manifests = append(s.Manifests[:1:1], "b.json")
		}, false},
		{"other rubric", func(w *world, s *run.Spec) {
			w.upload("datasets/demo/rubric.yaml", []byte(otherRubric))
			s.Rubric = "rubric.yaml"
		}, false},
		{"other scorer", func(w *world, _ *run.Spec) { w.rater.id = "fake-2" }, false},
		{"other image prefix", func(_ *world, s *run.Spec) { s.Images = "images/elsewhere/" }, false},
		{"duplicate ids kept", func(_ *world, s *run.Spec) { s.DuplicateIDs = dataset.KeepDuplicates }, false},
		{"other limit of records", func(w *world, _ *run.Spec) { w.limits.Records.MaxRecordBytes++ }, false},
		{"other limit of images", func(w *world, _ *run.Spec) { w.limits.Images.MaxPixels++ }, false},
		{"other cut", func(w *world, _ *run.Spec) { w.limits.ShardSamples++ }, false},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			w.upload("datasets/demo/a.json", array(plain("a", 9)))
			first, err := w.store.Start(t.Context(), spec, w.limits)
			if err != nil {
				t.Fatal(err)
			}
			changed := spec
			test.change(w, &changed)
			w.restart()
			second, err := w.store.Start(t.Context(), changed, w.limits)
			if err != nil {
				t.Fatal(err)
			}
			if !strings.HasPrefix(first.Run, "demo-") || len(first.Run) != len("demo-")+12 {
				t.Errorf("run id %s, want demo- and 12 hex digits", first.Run)
			}
			if (first.Run == second.Run) != test.same {
				t.Errorf("runs %s and %s: want the same run: %v", first.Run, second.Run, test.same)
			}
			if plan, err := w.store.NewPlan(t.Context(), spec, limits()); test.same && (err != nil || plan.Run != first.Run) {
				t.Errorf("planning again: %v, %v", plan, err)
			}
			runs, err := w.store.Runs(t.Context())
			if want := map[bool]int{true: 1, false: 2}[test.same]; err != nil || len(runs) != want {
				t.Errorf("runs %v (%v), want %d", runs, err, want)
			}
		})
	}
}

func TestNewPlanWritesNothing(t *testing.T) {
	t.Parallel()
	w := newMixed(t)
	plan, err := w.store.NewPlan(t.Context(), run.Spec{Dataset: "mixed", Manifests: []string{"all.json"}}, w.limits)
	if err != nil {
		t.Fatal(err)
	}
	if got := w.objects(""); len(got) > 0 || len(w.queue) > 0 {
		t.Errorf("it wrote %v and published %d messages", got, len(w.queue))
	}
	if diff := cmp.Diff(plan, w.start(mixedManifest), compareBudgets); diff != "" {
		t.Errorf("plan (-planned +started):\n%s", diff)
	}
}

func TestStartRefused(t *testing.T) {
	t.Parallel()
	one := []string{"a.json"}
	tests := []struct {
		name string
		spec run.Spec
		file string // content of datasets/demo/a.json
		want []string
	}{
		{"no name", run.Spec{Manifests: one}, "", []string{"dataset:", "no dataset name"}},
		{"no manifests", run.Spec{Dataset: "demo"}, "", []string{"manifests:", "list at least one"}},
		{"manifest outside", run.Spec{Dataset: "demo", Manifests: []string{"../x/a.json", "/a.json", "b/./a.json", "."}}, "",
			[]string{"manifests[0]", "manifests[1]", "manifests[2]", "manifests[3]", "datasets/demo/"}},
		{"manifest twice", run.Spec{Dataset: "demo", Manifests: []string{"a.json", "a.json"}}, "", []string{"manifests[1]", "twice"}},
		{"manifest missing", run.Spec{Dataset: "demo", Manifests: []string{"b.json"}}, "", []string{"datasets/demo/b.json", "not in the input bucket"}},
		{"images without slash", run.Spec{Dataset: "demo", Manifests: one, Images: "images/demo"}, "", []string{"images:", "ends with a slash"}},
		{"images outside", run.Spec{Dataset: "demo", Manifests: one, Images: "../images/"}, "", []string{"images:"}},
		{"duplicate ids", run.Spec{Dataset: "demo", Manifests: one, DuplicateIDs: "merge"}, "", []string{"duplicate_ids:", `"merge"`}},
		{"reuse of no id", run.Spec{Dataset: "demo", Manifests: one, Reuse: "../x"}, "", []string{"reuse:"}},
		{"reuse of no run", run.Spec{Dataset: "demo", Manifests: one, Reuse: "demo-0123456789ab"}, "[]", []string{"reuse:", "no such run"}},
		{"rubric missing", run.Spec{Dataset: "demo", Manifests: one, Rubric: "r.yaml"}, "", []string{"rubric:", "datasets/demo/r.yaml"}},
		{"rubric broken", run.Spec{Dataset: "demo", Manifests: one, Rubric: "a.json"}, "name: x\nstyle: []\n", []string{"datasets/demo/a.json", "line 2", "style"}},
		{"scorer", run.Spec{Dataset: "demo", Manifests: one, Scorer: "oracle"}, "", []string{`scorer "oracle"`, "there is no"}},
		{"capability", run.Spec{Dataset: "demo", Manifests: one, Request: selection.Request{Rules: selection.Rules{Capabilities: []string{"wit"}}}}, "", []string{"capabilities: \"wit\" is unknown", `"wit"`}},
		{"threshold", run.Spec{Dataset: "demo", Manifests: one, Request: selection.Request{Rules: selection.Rules{Threshold: 5}}}, "", []string{"threshold: 5"}},
		{"empty manifest", run.Spec{Dataset: "demo", Manifests: one}, "", []string{"datasets/demo/a.json", "empty"}},
		{"no records", run.Spec{Dataset: "demo", Manifests: one}, "[]", []string{"demo", "no records"}},
		{"cut short", run.Spec{Dataset: "demo", Manifests: one}, `[{"id": 1}, {"id`, []string{"datasets/demo/a.json", "line 1", "element 2"}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			w.upload("datasets/demo/a.json", []byte(test.file))
			_, err := w.store.Start(t.Context(), test.spec, w.limits)
			reason := refusal(t, err)
			for _, want := range test.want {
				if !strings.Contains(reason, want) {
					t.Errorf("the reason %q lacks %q", reason, want)
				}
			}
			if got := w.objects(""); len(got) > 0 {
				t.Errorf("it wrote %v", got)
			}
		})
	}
}

func TestUploadedAgain(t *testing.T) {
	t.Parallel()
	calm, plan := undisturbed(t)
	want := calm.snapshot()
	w := newMixed(t)
	w.start(mixedManifest)
	if err := w.deliver(w.take(0)); err != nil {
		t.Fatal(err)
	}
	w.touch(mixedManifest, uploaded.Add(time.Hour))
	w.start(mixedManifest)
	w.finish(plan)
	if diff := cmp.Diff(want, w.snapshot()); diff != "" {
		t.Errorf("objects (-undisturbed +got):\n%s", diff)
	}
}

func TestManifestChanged(t *testing.T) {
	t.Parallel()
	changes := map[string]func(*world){
		"replaced": func(w *world) {
			w.upload(mixedManifest, array(plain("new", 12)))
			w.touch(mixedManifest, uploaded.Add(time.Hour))
		},
		"removed": func(w *world) {
			if err := os.Remove(filepath.Join(w.input, mixedManifest)); err != nil {
				w.t.Fatal(err)
			}
		},
	}
	for name, change := range changes {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newMixed(t)
			plan := w.start(mixedManifest)
			if err := w.deliver(w.take(0)); err != nil {
				t.Fatal(err)
			}
			change(w)
			counts := w.finish(plan)
			read := plan.Ranges[0].Span.Records
			if counts.Scored < 1 || counts.Scored > read || counts.In != 12 {
				t.Errorf("counts %+v: only the %d samples of the first range can be scored", counts, read)
			}
			for r := range plan.Ranges {
				for _, rec := range w.rangeScores(plan, r) {
					if lost := strings.HasPrefix(rec.Reason, run.ManifestChanged+":"); lost != (r > 0) {
						t.Errorf("range %d: sample %s has reason %q", r, rec.ID, rec.Reason)
					}
				}
			}
			if got := w.status(plan.Run).Reasons[run.ManifestChanged]; got != 12-read {
				t.Errorf("%d samples are counted as %q, want %d", got, run.ManifestChanged, 12-read)
			}
		})
	}
}

// TestManifestChangedWithinRange kills a process that has written some of a range's shards, and
// replaces the manifest before the range is cut again.
func TestManifestChangedWithinRange(t *testing.T) {
	t.Parallel()
	records := plain("a", 8)
	twoRecords := 2 * len(records[0])
	tests := []struct {
		name       string
		shardBytes int
		back       bool // the manifest is replaced before, and put back after the kill
		scored     int64
	}{
		{"shards of three", 1 << 20, false, 3},
		{"shards of two by their bytes", twoRecords, false, 2},
		{"shards of three, put back", 1 << 20, true, 8 - 3},
		{"shards of two by their bytes, put back", twoRecords, true, 8 - 3},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			w.limits.RangeBytes = 1 << 20
			w.limits.ShardBytes = test.shardBytes
			const manifest = "datasets/demo/a.jsonl"
			w.upload(manifest, lines(records))
			plan := w.start(manifest)
			later := time.Duration(0)
			replace := func(by []string) {
				w.upload(manifest, lines(by))
				later += time.Hour
				w.touch(manifest, uploaded.Add(later))
			}
			dieAfterOneShard := func() {
				w.life = 1
				if err := w.drain(); !errors.Is(err, errKilled) {
					t.Fatalf("got error %v, want that of a killed process", err)
				}
				w.restart()
			}
			if test.back {
				replace(plain("b", 8))
				dieAfterOneShard()
				replace(records)
			} else {
				dieAfterOneShard()
				replace(plain("b", 8))
			}
			counts := w.finish(plan)
			if diff := cmp.Diff(events.Counts{In: 8, Scored: test.scored, Failed: 8 - test.scored}, counts); diff != "" {
				t.Errorf("counts (-want +got):\n%s", diff)
			}
			var report run.RangeReport
			w.readJSON("runs/"+plan.Run+"/ranges/0000.json", &report)
			if diff := cmp.Diff(map[string]int{run.ManifestChanged: int(8 - test.scored)}, report.Problems); diff != "" {
				t.Errorf("problems (-want +got):\n%s", diff)
			}
		})
	}
}
