package run_test

import (
	"errors"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/harvest-ml/harvest/shared/events"
	"github.com/harvest-ml/harvest/shared/run"
	"github.com/harvest-ml/harvest/shared/run/runtest"
	"github.com/harvest-ml/harvest/shared/scores/reason"
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
		change func(f *runtest.Fixture, spec *run.Spec)
		same   bool
	}{
		{"same upload", func(*runtest.Fixture, *run.Spec) {}, true},
		{"other time of upload", func(f *runtest.Fixture, _ *run.Spec) {
			f.Touch("datasets/demo/a.json", runtest.Uploaded.Add(time.Hour))
		}, true},
		{"other budget", func(f *runtest.Fixture, s *run.Spec) { s.Budget = runtest.Budget(t, "40%") }, true},
		{"other limit of cost", func(f *runtest.Fixture, _ *run.Spec) {
			f.Limits.MaxRunCost, f.Limits.CostPerMillion = 1, run.Prices{runtest.Kind: 1e9}
		}, true},
		{"images' default, spelled out", func(_ *runtest.Fixture, s *run.Spec) { s.Images = "images/demo/" }, true},
		{"other bytes", func(f *runtest.Fixture, _ *run.Spec) {
			f.Upload("datasets/demo/a.json", runtest.Array(runtest.Plain("b", 9)))
		}, false},
		{"other manifest name", func(f *runtest.Fixture, s *run.Spec) {
			f.Upload("datasets/demo/b.json", runtest.Array(runtest.Plain("a", 9)))
			s.Manifests = []string{"b.json"}
		}, false},
		{"one more manifest", func(f *runtest.Fixture, s *run.Spec) {
			f.Upload("datasets/demo/b.json", runtest.Array(runtest.Plain("b", 9)))
			s.Manifests = append(s.Manifests[:1:1], "b.json")
		}, false},
		{"other rubric", func(f *runtest.Fixture, s *run.Spec) {
			f.Upload("datasets/demo/rubric.yaml", []byte(otherRubric))
			s.Rubric = "rubric.yaml"
		}, false},
		{"other scorer", func(f *runtest.Fixture, _ *run.Spec) { f.Scorer.Name = "fake-2" }, false},
		{"other image prefix", func(_ *runtest.Fixture, s *run.Spec) { s.Images = "images/elsewhere/" }, false},
		{"other limit of records", func(f *runtest.Fixture, _ *run.Spec) { f.Limits.Records.MaxRecordBytes++ }, false},
		{"other limit of images", func(f *runtest.Fixture, _ *run.Spec) { f.Limits.Images.MaxPixels++ }, false},
		{"other limit of decoding", func(f *runtest.Fixture, _ *run.Spec) { f.Limits.Images.MaxDecodedBytes++ }, false},
		{"other limit of a sample", func(f *runtest.Fixture, _ *run.Spec) { f.Limits.Images.MaxImages++ }, false},
		{"other limit of its bytes", func(f *runtest.Fixture, _ *run.Spec) { f.Limits.Images.MaxSampleBytes++ }, false},
		{"other cut", func(f *runtest.Fixture, _ *run.Spec) { f.Limits.ShardSamples++ }, false},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			checkRunID(t, spec, test.change, test.same)
		})
	}
}

// checkRunID starts a run of a spec, and again after a change, and checks whether both are the same run.
func checkRunID(t *testing.T, spec run.Spec, change func(*runtest.Fixture, *run.Spec), same bool) {
	t.Helper()
	f := runtest.New(t)
	f.Upload("datasets/demo/a.json", runtest.Array(runtest.Plain("a", 9)))
	first, err := f.Start(spec)
	if err != nil {
		t.Fatal(err)
	}
	changed := spec
	change(f, &changed)
	f.Restart()
	second, err := f.Start(changed)
	if err != nil {
		t.Fatal(err)
	}
	if !strings.HasPrefix(first.Run, "demo-") || len(first.Run) != len("demo-")+12 {
		t.Errorf("run id %s, want demo- and 12 hex digits", first.Run)
	}
	if (first.Run == second.Run) != same {
		t.Errorf("runs %s and %s: want the same run: %v", first.Run, second.Run, same)
	}
	f.Limits = runtest.Limits()
	if plan, err := f.Planner().Plan(t.Context(), spec); same && (err != nil || plan.Run != first.Run) {
		t.Errorf("planning again: %v, %v", plan, err)
	}
	runs, err := f.Runs.Runs(t.Context())
	if want := map[bool]int{true: 1, false: 2}[same]; err != nil || len(runs) != want {
		t.Errorf("runs %v (%v), want %d", runs, err, want)
	}
}

func TestNewPlanWritesNothing(t *testing.T) {
	t.Parallel()
	f := newMixed(t)
	plan, err := f.Planner().Plan(t.Context(), run.Spec{Dataset: "mixed", Manifests: []string{"all.json"}})
	if err != nil {
		t.Fatal(err)
	}
	if got := f.Objects(""); len(got) > 0 || len(f.Queue) > 0 {
		t.Errorf("it wrote %v and published %d messages", got, len(f.Queue))
	}
	if diff := cmp.Diff(plan, f.Begin(mixedManifest), compareBudgets); diff != "" {
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
		{"no name", run.Spec{Manifests: one}, "", []string{"dataset:", "is not a dataset name"}},
		{"no manifests", run.Spec{Dataset: "demo"}, "", []string{"manifests:", "list at least one"}},
		{"manifest outside", run.Spec{Dataset: "demo", Manifests: []string{"../x/a.json", "/a.json", "b/./a.json", "."}}, "",
			[]string{"manifests[0]", "manifests[1]", "manifests[2]", "manifests[3]", "datasets/demo/"}},
		{"manifest twice", run.Spec{Dataset: "demo", Manifests: []string{"a.json", "a.json"}}, "",
			[]string{"manifests[1]", "twice"}},
		{"manifest missing", run.Spec{Dataset: "demo", Manifests: []string{"b.json"}}, "",
			[]string{"datasets/demo/b.json", "not in the input bucket"}},
		{"images without slash", run.Spec{Dataset: "demo", Manifests: one, Images: "images/demo"}, "",
			[]string{"images:", "must end with a slash", "./pictures/"}},
		{"images outside", run.Spec{Dataset: "demo", Manifests: one, Images: "../images/"}, "", []string{"images:"}},
		{"reuse of no id", run.Spec{Dataset: "demo", Manifests: one, Reuse: "../x"}, "", []string{"reuse:"}},
		{"reuse of no run", run.Spec{Dataset: "demo", Manifests: one, Reuse: "demo-0123456789ab"}, "[]",
			[]string{"reuse:", "no such run"}},
		{"rubric missing", run.Spec{Dataset: "demo", Manifests: one, Rubric: "r.yaml"}, "",
			[]string{"rubric:", "datasets/demo/r.yaml"}},
		{"rubric broken", run.Spec{Dataset: "demo", Manifests: one, Rubric: "a.json"}, "name: x\nstyle: []\n",
			[]string{"datasets/demo/a.json", "line 2", "style"}},
		{"rubric too large", run.Spec{Dataset: "demo", Manifests: one, Rubric: "a.json"}, strings.Repeat("#", 1<<20+1),
			[]string{"datasets/demo/a.json has 1048577 bytes, and the limit is 1048576; make it shorter"}},
		{"scorer", run.Spec{Dataset: "demo", Manifests: one, Scorer: "oracle"}, "",
			[]string{`scorer "oracle"`, "there is no"}},
		{"capability", run.Spec{
			Dataset: "demo", Manifests: one,
			Request: selection.Request{Rules: selection.Rules{Capabilities: []string{"wit"}}},
		}, "", []string{"capabilities: \"wit\" is unknown", `"wit"`}},
		{"threshold", run.Spec{
			Dataset: "demo", Manifests: one, Request: selection.Request{Rules: selection.Rules{Threshold: 5}},
		}, "", []string{"threshold: 5"}},
		{"empty manifest", run.Spec{Dataset: "demo", Manifests: one}, "", []string{"datasets/demo/a.json", "empty"}},
		{"no records", run.Spec{Dataset: "demo", Manifests: one}, "[]", []string{"demo", "no records"}},
		{"cut short", run.Spec{Dataset: "demo", Manifests: one}, `[{"id": 1}, {"id`,
			[]string{"datasets/demo/a.json", "line 1", "element 2"}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			f := runtest.New(t)
			f.Upload("datasets/demo/a.json", []byte(test.file))
			_, err := f.Start(test.spec)
			reason := runtest.Refusal(t, err)
			for _, want := range test.want {
				if !strings.Contains(reason, want) {
					t.Errorf("the reason %q lacks %q", reason, want)
				}
			}
			checkOnlyAccepted(t, f)
		})
	}
}

// checkOnlyAccepted checks that at most the acceptance of a run, and its refusal, were written. Faults inside manifests
// are found after the acceptance.
func checkOnlyAccepted(t *testing.T, f *runtest.Fixture) {
	t.Helper()
	for _, name := range f.Objects("") {
		if !strings.HasPrefix(name, "index/") && !strings.Contains(name, "/asked/") &&
			!strings.Contains(name, "/planning/") &&
			!slices.Contains([]string{"accepted", "plan.json", "refused.sent"}, path.Base(name)) {
			t.Errorf("it wrote %s", name)
		}
	}
	if len(f.Queue) > 0 {
		t.Errorf("it published %v", f.Queue)
	}
}

func TestUploadedAgain(t *testing.T) {
	t.Parallel()
	calm, plan := undisturbed(t)
	want := calm.Snapshot()
	f := newMixed(t)
	f.Begin(mixedManifest)
	if err := f.Deliver(f.Take(0)); err != nil {
		t.Fatal(err)
	}
	f.Touch(mixedManifest, runtest.Uploaded.Add(time.Hour))
	f.Begin(mixedManifest)
	f.Finish(plan)
	if diff := cmp.Diff(want, f.Snapshot()); diff != "" {
		t.Errorf("objects (-undisturbed +got):\n%s", diff)
	}
}

func TestManifestChanged(t *testing.T) {
	t.Parallel()
	changes := map[string]func(*testing.T, *runtest.Fixture){
		"replaced": func(_ *testing.T, f *runtest.Fixture) {
			f.Upload(mixedManifest, runtest.Array(runtest.Plain("new", 12)))
			f.Touch(mixedManifest, runtest.Uploaded.Add(time.Hour))
		},
		"removed": func(t *testing.T, f *runtest.Fixture) {
			if err := os.Remove(filepath.Join(f.Folder, mixedManifest)); err != nil {
				t.Fatal(err)
			}
		},
	}
	for name, change := range changes {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newMixed(t)
			plan := f.Begin(mixedManifest)
			if err := f.Deliver(f.Take(0)); err != nil {
				t.Fatal(err)
			}
			change(t, f)
			counts := f.Finish(plan)
			read := plan.Ranges[0].Span.Records
			if counts.Scored < 1 || counts.Scored > read || counts.In != 12 {
				t.Errorf("counts %+v: only the %d samples of the first range can be scored", counts, read)
			}
			for r := range plan.Ranges {
				for _, rec := range f.RangeScores(plan, r) {
					if lost := rec.Code == run.ManifestChanged; lost != (r > 0) {
						t.Errorf("range %d: sample %s has reason %q", r, rec.ID, rec.Reason)
					}
				}
			}
			if got := f.Status(plan.Run).Reasons[run.ManifestChanged]; got != 12-read {
				t.Errorf("%d samples are counted as %q, want %d", got, run.ManifestChanged, 12-read)
			}
		})
	}
}

// TestManifestChangedWithinRange kills a process that has written some of a range's shards, and
// replaces the manifest before the range is cut again.
func TestManifestChangedWithinRange(t *testing.T) {
	t.Parallel()
	records := runtest.Plain("a", 8)
	twoRecords := 2 * len(records[0])
	tests := []struct {
		name       string
		shardBytes int
		back       bool // the manifest is replaced before the kill, and restored after it
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
			f := runtest.New(t)
			f.OneMachine = true
			f.Limits.RangeBytes = 1 << 20
			f.Limits.ShardBytes = test.shardBytes
			const manifest = "datasets/demo/a.jsonl"
			f.Upload(manifest, runtest.Lines(records))
			plan := f.Begin(manifest)
			later := time.Duration(0)
			replace := func(by []string) {
				f.Upload(manifest, runtest.Lines(by))
				later += time.Hour
				f.Touch(manifest, runtest.Uploaded.Add(later))
			}
			dieAfterOneShard := func() {
				f.Life = 2 // the lease, and the shard
				if err := f.Drain(); !errors.Is(err, runtest.ErrKilled) {
					t.Fatalf("got error %v, want the error of a killed process", err)
				}
				f.Restart()
			}
			if test.back {
				replace(runtest.Plain("b", 8))
				dieAfterOneShard()
				replace(records)
			} else {
				dieAfterOneShard()
				replace(runtest.Plain("b", 8))
			}
			counts := f.Finish(plan)
			if diff := cmp.Diff(events.Counts{In: 8, Scored: test.scored, Failed: 8 - test.scored}, counts); diff != "" {
				t.Errorf("counts (-want +got):\n%s", diff)
			}
			var report run.RangeReport
			f.ReadJSON("runs/"+plan.Run+"/ranges/0000.json", &report)
			if diff := cmp.Diff(map[reason.Code]int{run.ManifestChanged: int(8 - test.scored)}, report.Problems); diff != "" {
				t.Errorf("problems (-want +got):\n%s", diff)
			}
		})
	}
}

// TestBudgetOfBrokenRecords names the records that cannot be used if a dataset's budget does not fit the dataset.
func TestBudgetOfBrokenRecords(t *testing.T) {
	t.Parallel()
	f := runtest.New(t)
	good := runtest.Plain("a", 1)[0]
	for name, tt := range map[string]struct{ records, want, lacks string }{
		"all": {"{{{", "the only record cannot be used, such as all.jsonl: element 1 (line 1): not a JSON object",
			"budget"},
		"some": {good + "\n{{{", "1 of 2 records cannot be used, such as some.jsonl: element 2 (line 2): not a JSON " +
			"object: the line ends within the record, after byte 3", "first 2"},
		"none": {good, "budget: 30% (0.3) of 1 samples is less than one sample; the least is 1", "cannot be used"},
		"many": {strings.Repeat(good+"\n", 250) + "{{{", "budget: 900 samples are more than the run has; the most is 251",
			"cannot be used"},
		"long": {"{{{\n" + strings.Repeat(good+"\n", 250), "1 of the first 200 records cannot be used, such as long.jsonl: " +
			"element 1 (line 1): not a JSON object", "none of"},
	} {
		budget := "0.3"
		if len(tt.records) > 9000 {
			budget = "900"
		}
		f.Upload("datasets/"+name+"/"+name+".jsonl", []byte(tt.records))
		f.Upload("datasets/"+name+"/dataset.yaml", []byte("manifests: ["+name+".jsonl]\nbudget: "+budget+"\n"))
		_, err := f.Arrive("datasets/" + name + "/dataset.yaml")
		reason := runtest.Refusal(t, err)
		if !strings.Contains(reason, tt.want) || strings.Contains(reason, tt.lacks) {
			t.Errorf("%s: refused by %q, want %q without %q", name, reason, tt.want, tt.lacks)
		}
		if name != "all" && !strings.Contains(reason, "budget: ") {
			t.Errorf("%s: refused by %q, which does not name the budget", name, reason)
		}
	}
}
