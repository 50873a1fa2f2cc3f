package ingest_test

import (
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/harvest-ml/harvest/functions/ingest"
	"github.com/harvest-ml/harvest/shared/events"
	"github.com/harvest-ml/harvest/shared/run"
	"github.com/harvest-ml/harvest/shared/run/runtest"
)

func newIngest(t *testing.T) (*runtest.Fixture, http.Handler) {
	t.Helper()
	w := runtest.New(t)
	h, err := ingest.New(ingest.Config{Planner: w.Planner(), Worker: w.Worker, Subsets: w.Subsets, Log: w.Log})
	if err != nil {
		t.Fatal(err)
	}
	return w, h
}

// manifest returns a manifest of n valid records without images, one a line.
func manifest(n int) string { return string(runtest.Lines(runtest.Plain("r", n))) }

// notification returns the message that Cloud Storage publishes about an object.
func notification(event, object string) events.Message {
	return events.Message{
		Attributes: map[string]string{
			"eventType": event, "objectId": object, "bucketId": "input",
			"payloadFormat": "JSON_API_V1", "objectGeneration": "1769000000000000",
		},
		Data: fmt.Appendf(nil, `{"kind": "storage#object", "name": %q}`, object),
	}
}

// runs returns the ids of the runs of a fixture.
func runs(t *testing.T, w *runtest.Fixture) []string {
	t.Helper()
	ids, err := w.Runs.Runs(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return ids
}

// plan returns the plan of the only run, which must be of the dataset sky.
func plan(t *testing.T, w *runtest.Fixture) *run.Plan {
	t.Helper()
	ids := runs(t, w)
	if len(ids) != 1 || !strings.HasPrefix(ids[0], "sky-") {
		t.Fatalf("runs %v, want one of dataset sky", ids)
	}
	plan, err := w.Runs.Plan(t.Context(), ids[0])
	if err != nil {
		t.Fatal(err)
	}
	return plan
}

// kinds counts messages by their task.
func kinds(messages []events.Message) map[string]int {
	counts := map[string]int{}
	for _, m := range messages {
		counts[m.Attributes[events.AttrTask]]++
	}
	return counts
}

// arrive delivers the notification of an upload, and the tasks of planning that follow. All must be acknowledged.
func arrive(t *testing.T, w *runtest.Fixture, h http.Handler, object string) {
	t.Helper()
	messages := []events.Message{notification("OBJECT_FINALIZE", object)}
	for len(messages) > 0 {
		for _, m := range messages {
			if status := runtest.Push(t, h, "/", m); status != http.StatusNoContent {
				t.Fatalf("answered %d, want 204", status)
			}
		}
		messages = w.Tasks.TakeOf(events.TaskPlan)
	}
}

func TestArrivalStartsRun(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		uploads map[string]string
		arrives string
		samples int64
		budget  string
	}{
		"manifest": {
			uploads: map[string]string{"datasets/sky/all.jsonl": manifest(5)},
			arrives: "datasets/sky/all.jsonl", samples: 5,
		},
		"array": {
			uploads: map[string]string{"datasets/sky/all.json": string(runtest.Array(runtest.Plain("r", 3)))},
			arrives: "datasets/sky/all.json", samples: 3,
		},
		"dataset.yaml": {
			uploads: map[string]string{
				"datasets/sky/parts/a.jsonl": manifest(2),
				"datasets/sky/parts/b.jsonl": manifest(3),
				"datasets/sky/dataset.yaml":  "manifests: [parts/a.jsonl, parts/b.jsonl]\nbudget: 40%\n",
			},
			arrives: "datasets/sky/dataset.yaml", samples: 5, budget: "0.4",
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w, h := newIngest(t)
			for object, content := range tt.uploads {
				w.Upload(object, []byte(content))
			}
			arrive(t, w, h, tt.arrives)
			plan := plan(t, w)
			if plan.Samples != tt.samples || plan.Selection.Budget.String() != tt.budget {
				t.Errorf("planned %d samples and budget %q, want %d and %q",
					plan.Samples, plan.Selection.Budget, tt.samples, tt.budget)
			}
			want := map[string]int{events.TaskRange: len(plan.Ranges)}
			if diff := cmp.Diff(want, kinds(w.Tasks.Take())); diff != "" {
				t.Errorf("tasks (-want +got):\n%s", diff)
			}
			// A second delivery of the event starts no second run, and publishes no tasks so soon after the first.
			arrive(t, w, h, tt.arrives)
			if again := w.Tasks.Take(); again != nil {
				t.Errorf("the second delivery published the tasks %v", again)
			}
			if again := runs(t, w); len(again) != 1 {
				t.Errorf("after the second delivery the runs are %v", again)
			}
			if logged := w.Errors(); logged != nil {
				t.Errorf("logged errors: %v", logged)
			}
		})
	}
}

func TestArrivalStartsNothing(t *testing.T) {
	t.Parallel()
	tests := map[string]struct{ event, object string }{
		"part":               {"OBJECT_FINALIZE", "datasets/sky/parts/a.jsonl"},
		"image":              {"OBJECT_FINALIZE", "images/sky/0001.png"},
		"rubric":             {"OBJECT_FINALIZE", "datasets/sky/rubric.yaml"},
		"read me":            {"OBJECT_FINALIZE", "datasets/sky/README.md"},
		"license":            {"OBJECT_FINALIZE", "datasets/sky/LICENSE"},
		"dotfile":            {"OBJECT_FINALIZE", "datasets/sky/.gitattributes"},
		"info":               {"OBJECT_FINALIZE", "datasets/sky/dataset_info.json"},
		"no file":            {"OBJECT_FINALIZE", "datasets/sky"},
		"deleted":            {"OBJECT_DELETE", "datasets/sky/all.jsonl"},
		"archived":           {"OBJECT_ARCHIVE", "datasets/sky/all.jsonl"},
		"metadata":           {"OBJECT_METADATA_UPDATE", "datasets/sky/all.jsonl"},
		"yaml deleted since": {"OBJECT_FINALIZE", "datasets/gone/dataset.yaml"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w, h := newIngest(t)
			w.Upload("datasets/sky/all.jsonl", []byte(manifest(2)))
			w.Upload("datasets/sky/parts/a.jsonl", []byte(manifest(2)))
			if status := runtest.Push(t, h, "/", notification(tt.event, tt.object)); status != http.StatusNoContent {
				t.Errorf("answered %d, want 204", status)
			}
			if ids, tasks := runs(t, w), w.Tasks.Take(); len(ids) > 0 || len(tasks) > 0 {
				t.Errorf("made runs %v and tasks %v", ids, tasks)
			}
			if logged := w.Errors(); logged != nil {
				t.Errorf("logged errors: %v", logged)
			}
		})
	}
}

func TestRefusedDatasetIsARun(t *testing.T) {
	t.Parallel()
	tests := map[string]struct{ object, content, problem string }{
		"unknown field": {"datasets/sky/dataset.yaml", "manifests: [all.jsonl]\nbudgit: 30%\n", "budgit"},
		"manifest missing": {
			"datasets/sky/dataset.yaml", "manifests: [absent.jsonl]\n",
			"datasets/sky/absent.jsonl is not in the input bucket",
		},
		"manifest outside": {
			"datasets/sky/dataset.yaml", "manifests: [link.jsonl]\n", "link.jsonl: a link leads out of the folder",
		},
		"rubric is a folder": {
			"datasets/sky/dataset.yaml", "manifests: [all.jsonl]\nrubric: .\n", "rubric",
		},
		"packed manifest":   {"datasets/sky/all.jsonl.gz", "\x1f\x8b\x08\x00\x00", "gzip"},
		"tables":            {"datasets/sky/all.parquet", "PAR1PAR1", "Parquet"},
		"another name":      {"datasets/sky/all.csv", "id,image\n", "all.csv: its name is not the name of a manifest"},
		"unknown scorer":    {"datasets/sky/dataset.yaml", "manifests: [all.jsonl]\nscorer: crystal-ball\n", "crystal-ball"},
		"no records":        {"datasets/sky/empty.json", "[]", "no records"},
		"no manifest":       {"datasets/sky/prose.json", "Once upon a time", "datasets/sky/prose.json"},
		"unknown threshold": {"datasets/sky/dataset.yaml", "manifests: [all.jsonl]\nthreshold: 9\n", "threshold"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w, h := newIngest(t)
			w.Upload("datasets/sky/all.jsonl", []byte(manifest(2)))
			if err := os.Symlink(os.DevNull, filepath.Join(w.Folder, "datasets", "sky", "link.jsonl")); err != nil {
				t.Fatal(err)
			}
			w.Upload(tt.object, []byte(tt.content))
			for range 2 { // the redelivery starts no second run
				arrive(t, w, h, tt.object)
			}
			ids := runs(t, w)
			if len(ids) != 1 {
				t.Fatalf("runs %v, want one", ids)
			}
			status := w.Status(ids[0])
			if status.State != run.StateRefused || status.Dataset != "sky" ||
				!strings.Contains(status.Problem, tt.problem) {
				t.Errorf("the run of %s is %s with problem %q, want one refused for %q",
					status.Dataset, status.State, status.Problem, tt.problem)
			}
			if tasks := w.Tasks.Take(); len(tasks) > 0 {
				t.Errorf("tasks %v of a refused dataset", tasks)
			}
			if n := len(w.Errors()); n < 1 || n > 2 { // the redelivery does not plan again
				t.Errorf("logged errors %v, want one or two", w.Errors())
			}
		})
	}
}

// TestFilesAfterSpec delivers the notification of a dataset.yaml, and then those of the files that it names, of which
// one is in a subfolder. The last file starts the run; the log says why the first file does not.
func TestFilesAfterSpec(t *testing.T) {
	t.Parallel()
	w, h := newIngest(t)
	w.Upload("datasets/sky/dataset.yaml", []byte("manifests: [a.jsonl, parts/b.jsonl]\nbudget: 40%\n"))
	arrive(t, w, h, "datasets/sky/dataset.yaml")
	w.Upload("datasets/sky/a.jsonl", []byte(manifest(2)))
	arrive(t, w, h, "datasets/sky/a.jsonl")
	if log := w.Logged("waits for other files"); len(log) != 1 ||
		!strings.Contains(log[0], "missing=datasets/sky/parts/b.jsonl") {
		t.Errorf("the log does not name the missing file: %q", log)
	}
	if ids := runs(t, w); len(ids) != 1 {
		t.Fatalf("runs %v, want only the refused run", ids)
	}
	w.Upload("datasets/sky/parts/b.jsonl", []byte(manifest(3)))
	for range 2 { // the redelivery starts no other run
		arrive(t, w, h, "datasets/sky/parts/b.jsonl")
	}
	var samples []int64
	for _, id := range runs(t, w) {
		plan, err := w.Runs.Plan(t.Context(), id)
		if err != nil {
			t.Fatal(err)
		}
		samples = append(samples, plan.Samples)
	}
	slices.Sort(samples)
	if diff := cmp.Diff([]int64{0, 5}, samples); diff != "" {
		t.Errorf("samples of the runs (-want +got):\n%s", diff)
	}
	if log := w.Logged("run accepted, because the last file arrived"); len(log) != 1 {
		t.Errorf("the log does not say once why the run starts: %q", log)
	}
}

// TestCorrectedFile uploads an empty manifest, for which the run of its dataset.yaml is refused. The log says why
// another file starts nothing. The corrected manifest starts the run.
func TestCorrectedFile(t *testing.T) {
	t.Parallel()
	w, h := newIngest(t)
	for object, content := range map[string]string{
		"a.jsonl": manifest(2), "parts/b.jsonl": "", "dataset.yaml": "manifests: [a.jsonl, parts/b.jsonl]\nbudget: 40%\n",
	} {
		w.Upload("datasets/sky/"+object, []byte(content))
	}
	arrive(t, w, h, "datasets/sky/dataset.yaml")
	arrive(t, w, h, "datasets/sky/a.jsonl")
	if log := w.Logged("fix the reason, then upload the corrected file or the dataset.yaml again"); len(log) != 1 ||
		!strings.Contains(log[0], "object=datasets/sky/a.jsonl") || !strings.Contains(log[0], "datasets/sky/parts/b.jsonl") {
		t.Errorf("the log does not name the invalid file: %q", log)
	}
	w.Upload("datasets/sky/parts/b.jsonl", []byte(manifest(3)))
	w.Touch("datasets/sky/parts/b.jsonl", runtest.Uploaded.Add(time.Hour))
	for range 2 { // the redelivery starts no other run
		arrive(t, w, h, "datasets/sky/parts/b.jsonl")
	}
	if log := w.Logged("run accepted, because a file was replaced"); len(log) != 1 || len(runs(t, w)) != 2 {
		t.Errorf("the log does not say once why the run starts: %q; runs %v", log, runs(t, w))
	}
}

// TestStartIsLoggedOnce delivers the tasks of planning several times. The log says once that the run started, waits for
// approval, or is refused.
func TestStartIsLoggedOnce(t *testing.T) {
	t.Parallel()
	for content, want := range map[string]string{manifest(2): "run started", "": "dataset refused"} {
		w, h := newIngest(t)
		w.Upload("datasets/sky/a.jsonl", []byte(content))
		w.Upload("datasets/sky/b.jsonl", []byte(manifest(2)))
		w.Upload("datasets/sky/dataset.yaml", []byte("manifests: [a.jsonl, b.jsonl]\n"))
		runtest.Push(t, h, "/", notification("OBJECT_FINALIZE", "datasets/sky/dataset.yaml"))
		for messages := w.Tasks.TakeOf(events.TaskPlan); len(messages) > 0; messages = w.Tasks.TakeOf(events.TaskPlan) {
			for range 3 {
				for _, m := range messages {
					runtest.Push(t, h, "/", m)
				}
			}
		}
		if log := w.Logged(want); len(log) != 1 {
			t.Errorf("logged %q", log)
		}
	}
}

// TestRefusedAtOnceIsLoggedOnce ends the planning of a run before the notification that starts it is handled. The log
// says once that the dataset is refused, and again if the dataset.yaml is uploaded again.
func TestRefusedAtOnceIsLoggedOnce(t *testing.T) {
	t.Parallel()
	w, h := newIngest(t)
	w.Upload("datasets/sky/a.jsonl", nil)
	w.Upload("datasets/sky/dataset.yaml", []byte("manifests: [a.jsonl]\n"))
	w.AnswerError = func(name string) error {
		if strings.Contains(name, "/planning/sent/") {
			for _, m := range w.Tasks.TakeOf(events.TaskPlan) {
				runtest.Push(t, h, "/", m)
			}
		}
		return nil
	}
	for n := 1; n <= 2; n++ {
		w.Touch("datasets/sky/dataset.yaml", runtest.Uploaded.Add(time.Duration(n)*time.Hour))
		arrive(t, w, h, "datasets/sky/dataset.yaml")
		if log := w.Logged("dataset refused"); len(log) != n || !strings.Contains(log[0], "run=sky-") {
			t.Errorf("after upload %d: %q", n, log)
		}
	}
	if log := w.Logged("run accepted"); len(log) != 1 || len(runs(t, w)) != 1 {
		t.Errorf("accepted: %q; runs %v", log, runs(t, w))
	}
}

// TestReplacedDuringPlanning replaces a manifest during planning. The refusal of the first run starts another run,
// unless all work belongs to one run.
func TestReplacedDuringPlanning(t *testing.T) {
	t.Parallel()
	for _, one := range []bool{false, true} {
		w := runtest.New(t)
		h, err := ingest.New(ingest.Config{
			Planner: w.Planner(), Worker: w.Worker, Subsets: w.Subsets, Log: w.Log, OneRun: one,
		})
		if err != nil {
			t.Fatal(err)
		}
		w.Upload("datasets/sky/a.jsonl", []byte(manifest(2)))
		w.Upload("datasets/sky/dataset.yaml", []byte("manifests: [a.jsonl]\n"))
		runtest.Push(t, h, "/", notification("OBJECT_FINALIZE", "datasets/sky/dataset.yaml"))
		w.Upload("datasets/sky/a.jsonl", []byte(manifest(3)))
		w.Touch("datasets/sky/a.jsonl", runtest.Uploaded.Add(time.Hour))
		arrive(t, w, h, "datasets/sky/a.jsonl") // and the tasks of planning
		accepted := w.Logged("run accepted, because a file was replaced")
		if n := len(runs(t, w)); one != (n == 1) || one != (len(accepted) == 0) {
			t.Errorf("one run %v: %d runs, log %q", one, n, accepted)
		}
	}
}

// TestFileBeforeSpecIsHandled delivers a file whose dataset.yaml exists, and was not handled yet. For example, serve
// does not handle a dataset.yaml with a teacher before its annotations are valid. The log asks for another upload of
// the dataset.yaml only after it was handled.
func TestFileBeforeSpecIsHandled(t *testing.T) {
	t.Parallel()
	w, h := newIngest(t)
	w.Upload("datasets/sky/dataset.yaml", []byte("manifests: [a.jsonl]\n"))
	w.Upload("datasets/sky/a.jsonl", []byte(manifest(2)))
	const again, itself = "upload the dataset.yaml again", "starts the run itself"
	arrive(t, w, h, "datasets/sky/a.jsonl")
	if said, asked := w.Logged(itself), w.Logged(again); len(said) != 1 || len(asked) != 0 {
		t.Errorf("before the dataset.yaml is handled: %q, %q", said, asked)
	}
	arrive(t, w, h, "datasets/sky/dataset.yaml")
	w.Touch("datasets/sky/a.jsonl", runtest.Uploaded.Add(time.Hour))
	arrive(t, w, h, "datasets/sky/a.jsonl")
	if said, asked := w.Logged(itself), w.Logged(again); len(said) != 1 || len(asked) != 1 {
		t.Errorf("after the dataset.yaml was handled: %q, %q", said, asked)
	}
}

// TestFileOfInvalidSpec uploads a file in a subfolder of a dataset whose dataset.yaml is not valid. The log has the
// reason.
func TestFileOfInvalidSpec(t *testing.T) {
	t.Parallel()
	for _, object := range []string{"datasets/sky/parts/a.jsonl", "datasets/sky/more/a.jsonl", "datasets/sky/a.jsonl"} {
		w, h := newIngest(t)
		w.Upload("datasets/sky/dataset.yaml", []byte("manifests: [more/a.jsonl]\nbudget: 200%\n"))
		arrive(t, w, h, "datasets/sky/dataset.yaml")
		w.Upload(object, []byte(manifest(2)))
		arrive(t, w, h, object)
		if log := w.Logged("object=" + object); len(log) != 1 || !strings.Contains(log[0], "200%") ||
			!strings.Contains(log[0], "upload a corrected dataset.yaml") {
			t.Errorf("logged %q", log)
		}
	}
}

// TestFileInSubfolder uploads a file in a subfolder. The log warns only if the dataset.yaml does not name the file.
func TestFileInSubfolder(t *testing.T) {
	t.Parallel()
	for spec, named := range map[string]bool{
		"manifests: [a/b/c.jsonl]\n":         true,
		"manifests: ['a/{b,d}/c.jsonl']\n":   true,
		"manifests: ['a/b/*.jsonl']\n":       true,
		"manifests: ['*.jsonl', mix.json]\n": true, // mix.json is a recipe
		"manifests: ['*.jsonl']\n":           false,
		"":                                   false,
	} {
		w, h := newIngest(t)
		w.Upload("datasets/sky/a.jsonl", []byte(manifest(2)))
		w.Upload("datasets/sky/mix.json", []byte(`{"c": {"root": ".", "annotation": "a/b/c.jsonl", "repeat_time": 1}}`))
		w.Upload("datasets/sky/a/b/c.jsonl", []byte(manifest(2)))
		if spec != "" {
			w.Upload("datasets/sky/dataset.yaml", []byte(spec))
		}
		arrive(t, w, h, "datasets/sky/a/b/c.jsonl")
		warned, said := w.Logged("lies in a subfolder"), w.Logged("the dataset.yaml of its dataset names it")
		if named != (len(said) == 1) || named != (len(warned) == 0) || len(runs(t, w)) > 0 {
			t.Errorf("%s: warned %q, logged %q, runs %v", spec, warned, said, runs(t, w))
		}
	}
}

func TestRangeIsCut(t *testing.T) {
	t.Parallel()
	w, h := newIngest(t)
	w.Upload("datasets/sky/all.jsonl", []byte(manifest(5)))
	arrive(t, w, h, "datasets/sky/all.jsonl")
	ranges := w.Tasks.Take()
	for _, m := range ranges {
		if status := runtest.Push(t, h, "/", m); status != http.StatusNoContent {
			t.Fatalf("answered %d, want 204", status)
		}
	}
	progress := w.Status(runs(t, w)[0]).Progress
	if progress.RangesCut != len(ranges) || progress.SamplesRead != 5 {
		t.Errorf("progress %+v, want %d ranges cut and 5 samples read", progress, len(ranges))
	}
	tasks := w.Tasks.Take()
	if diff := cmp.Diff(map[string]int{events.TaskShard: progress.Shards}, kinds(tasks)); diff != "" {
		t.Errorf("tasks (-want +got):\n%s", diff)
	}
	for _, m := range tasks {
		if scorer := m.Attributes[events.AttrScorer]; scorer != runtest.Kind {
			t.Errorf("a shard's message is for scorer %q, want %s", scorer, runtest.Kind)
		}
	}
}

func TestTransientErrorIsRedelivered(t *testing.T) {
	t.Parallel()
	w, h := newIngest(t)
	w.Upload("datasets/sky/all.jsonl", []byte(manifest(2)))
	w.Tasks.Fail = errors.New("Pub/Sub is unreachable")
	upload := notification("OBJECT_FINALIZE", "datasets/sky/all.jsonl")
	if status := runtest.Push(t, h, "/", upload); status != http.StatusServiceUnavailable {
		t.Fatalf("answered %d, want 503", status)
	}
	w.Tasks.Fail = nil
	if status := runtest.Push(t, h, "/", upload); status != http.StatusNoContent {
		t.Errorf("answered %d, want 204", status)
	}
	if tasks := w.Tasks.Take(); len(tasks) == 0 {
		t.Error("no tasks after the topic was reachable again")
	}
}

func TestWrongMessagesAreAcknowledged(t *testing.T) {
	t.Parallel()
	w, h := newIngest(t)
	w.Upload("datasets/sky/all.jsonl", []byte(manifest(2)))
	arrive(t, w, h, "datasets/sky/all.jsonl")
	id := runs(t, w)[0]
	w.Tasks.Take()
	w.Upload("datasets/s k y/all.jsonl", []byte(manifest(2)))
	garbage := events.RangeTask{Run: id}.Message()
	garbage.Data = []byte("{")
	for i, m := range []events.Message{
		{},
		{Attributes: map[string]string{"color": "blue"}},
		events.ShardTask{Run: id}.Message("embedded", false),
		events.RangeTask{Run: "sky-000000000000"}.Message(),
		events.RangeTask{Run: "../" + id}.Message(),
		events.RangeTask{Run: id, Range: 99}.Message(),
		events.RangeTask{Run: id, Range: -1}.Message(),
		garbage,
		notification("OBJECT_FINALIZE", "datasets/s k y/all.jsonl"), // neither a dataset nor a run can have this name
	} {
		before := len(w.Errors())
		if status := runtest.Push(t, h, "/", m); status != http.StatusNoContent {
			t.Errorf("message %d: answered %d, want 204", i, status)
		}
		if len(w.Errors()) == before {
			t.Errorf("message %d: logged no error", i)
		}
	}
	if tasks := w.Tasks.Take(); len(tasks) > 0 {
		t.Errorf("wrong messages made tasks %v", tasks)
	}
}
