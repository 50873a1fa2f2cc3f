package subset_test

import (
	"context"
	"fmt"
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

// newCloud returns a fixture whose input bucket does not look like a folder of this machine.
func newCloud(t *testing.T) *runtest.Fixture {
	t.Helper()
	f := runtest.New(t)
	f.Input = struct{ bucket.Reader }{f.Input}
	f.Restart()
	return f
}

// uploadSteps does all steps of the search for uploads, and returns the number of steps.
func uploadSteps(t *testing.T, f *runtest.Fixture) (steps int) {
	t.Helper()
	f.Reconcile()
	for tasks := f.Tasks.TakeOf(events.TaskReconcile); len(tasks) > 0; tasks = f.Tasks.TakeOf(events.TaskReconcile) {
		for _, m := range tasks {
			steps++
			err := f.Reconciler.Reconcile(t.Context(), runtest.Decode[events.ReconcileTask](t, m),
				func(_ context.Context, _ run.Entry, err error) { t.Error(err) })
			if err != nil {
				t.Fatal(err)
			}
		}
	}
	return steps
}

// datasets returns the dataset of each run.
func datasets(t *testing.T, f *runtest.Fixture) (names []string) {
	t.Helper()
	runs, err := f.Runs.Runs(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, id := range runs {
		names = append(names, id[:strings.LastIndex(id, "-")])
	}
	return names
}

// TestLostUploads loses the notifications of all uploads. The schedule finds each upload once.
func TestLostUploads(t *testing.T) {
	t.Parallel()
	f := newCloud(t)
	f.Upload("datasets/manifest/a.json", runtest.Array(runtest.Plain("a", 3)))
	f.Upload("datasets/parted/parts/a.json", runtest.Array(runtest.Plain("b", 3)))
	f.Upload("datasets/parted/parts/b.json", runtest.Array(runtest.Plain("c", 3)))
	f.Upload("datasets/parted/parts0", nil) // it is refused
	f.Upload("datasets/parted/dataset.yaml", []byte("manifests: [parts/a.json, parts/b.json]\nbudget: 50%\n"))
	f.Upload("datasets/refused/dataset.yaml", []byte("budgit: 50%\n"))
	f.Upload("datasets/unpacked/README.md", []byte("# About\n"))
	f.Upload("images/manifest/a.json", []byte("{}"))
	uploadSteps(t, f)
	want := []string{"manifest", "parted", "parted", "refused"}
	if diff := cmp.Diff(want, datasets(t, f)); diff != "" {
		t.Errorf("runs (-want +got):\n%s", diff)
	}
	if err := f.Drain(); err != nil {
		t.Fatal(err)
	}
	f.Reconcile()
	before := f.Objects("")
	uploadSteps(t, f)
	if diff := cmp.Diff(before, f.Objects("")); diff != "" || len(f.Queue) > 0 {
		t.Errorf("looked for again: %d messages, objects (-before +after):\n%s", len(f.Queue), diff)
	}

	f.Touch("datasets/parted/dataset.yaml", runtest.Uploaded.Add(time.Hour)) // the same dataset is requested again
	f.Upload("datasets/manifest/a.json", runtest.Array(runtest.Plain("new", 4)))
	f.Touch("datasets/manifest/a.json", runtest.Uploaded.Add(time.Hour))
	uploadSteps(t, f)
	if diff := cmp.Diff(append([]string{"manifest"}, want...), datasets(t, f)); diff != "" {
		t.Errorf("runs after other uploads (-want +got):\n%s", diff)
	}
	isCheck := func(name string) bool { return strings.Contains(name, "/checks/") }
	if !slices.ContainsFunc(f.Objects("runs/parted-"), isCheck) {
		t.Error("the images of a dataset that was uploaded again are not compared")
	}
}

// TestRemovedRun removes the folders of runs. Their datasets are not started again without a request.
func TestRemovedRun(t *testing.T) {
	t.Parallel()
	f := newCloud(t)
	f.Upload("datasets/a/a.json", runtest.Array(runtest.Plain("a", 3)))
	f.Upload("datasets/b/dataset.yaml", []byte("budgit: 50%\n"))
	for _, object := range []string{"datasets/a/a.json", "datasets/b/dataset.yaml"} {
		if _, err := f.Subsets.AcceptUpload(t.Context(), f.Planner(), f.Worker, object); err != nil {
			t.Fatal(err)
		}
	}
	if err := f.Drain(); err != nil {
		t.Fatal(err)
	}
	kept := bucket.NewMemory()
	for _, name := range f.Objects("index/") {
		if _, err := bucket.CreateBytes(t.Context(), kept, name, f.Read(name)); err != nil {
			t.Fatal(err)
		}
	}
	f.Work = kept
	restart(f)
	uploadSteps(t, f)
	if found := datasets(t, f); len(found) > 0 || len(f.Queue) > 0 {
		t.Errorf("runs of %v, and %d messages", found, len(f.Queue))
	}
}

// TestKilledAcceptingUpload kills the process before each write and publication of an acceptance, and loses all
// messages.
func TestKilledAcceptingUpload(t *testing.T) {
	t.Parallel()
	accept := func(life int) (*runtest.Fixture, error) {
		f := newCloud(t)
		f.Upload("datasets/a/parts/a.json", runtest.Array(runtest.Plain("a", 3)))
		f.Upload("datasets/a/dataset.yaml", []byte("manifests: [parts/a.json]\nbudget: 50%\n"))
		f.Life = life
		_, err := f.Subsets.AcceptUpload(t.Context(), f.Planner(), f.Worker, "datasets/a/dataset.yaml")
		return f, err
	}
	calm, err := accept(-1)
	if err != nil {
		t.Fatal(err)
	}
	for life := range calm.Steps {
		f, err := accept(life)
		if err == nil {
			t.Fatalf("after %d steps: the process was not killed", life)
		}
		restart(f)
		f.Pass(time.Hour)
		uploadSteps(t, f)
		if err := f.Drain(); err != nil {
			t.Fatal(err)
		}
		runs, err := f.Runs.Runs(t.Context())
		if err != nil || len(runs) != 1 {
			t.Fatalf("after %d steps: runs %v (%v)", life, runs, err)
		}
		if st := f.Status(runs[0]); st.State != run.StateScored || len(st.Selections) != 1 {
			t.Errorf("after %d steps: the run is %s with selections %v", life, st.State, st.Selections)
		}
	}
}

// TestMisplacedUploads uploads objects that cannot start a run. Each upload is refused, and the error names the right
// place.
func TestMisplacedUploads(t *testing.T) {
	t.Parallel()
	f := runtest.New(t)
	for object, want := range map[string][2]string{
		"datasets/my set/a.json":  {"my-set", `"my set" is not a dataset name`},
		"datasets/Ünï/a.json":     {"n-", "rename the folder, for example to n-"},
		"datasets/A&B/data.jsonl": {"A-B", "rename the folder, for example to A-B"},
		"datasets/+/a.json":       {"dataset", "rename the folder"},
		"datasets/loose.json":     {"loose.json", "such as datasets/loose/loose.json"},
		"datasets/a/sub/x.json":   {},
		"datasets/README.md":      {},
	} {
		f.Upload(object, []byte("[]"))
		arrival, err := f.Subsets.AcceptUpload(t.Context(), f.Planner(), f.Worker, object)
		if err != nil {
			t.Fatalf("%s: %v", object, err)
		}
		if want[0] == "" {
			if arrival.Run != "" {
				t.Errorf("%s starts %s", object, arrival.Run)
			}
			continue
		}
		if !strings.Contains(arrival.Refused, want[1]) || !strings.Contains(arrival.Refused, object) ||
			run.DatasetOf(arrival.Run) != want[0] {
			t.Errorf("%s: %+v", object, arrival)
		}
	}
	if !run.IsBelow("datasets/a/sub/x.json") || run.IsBelow("datasets/a/parts/x.json") ||
		run.IsBelow("datasets/a/x.json") {
		t.Error("IsBelow does not find objects in subfolders of a dataset")
	}
}

// TestUploadNextToRefusedSpec starts no run for a manifest next to a dataset.yaml that is refused, or that names a file
// that does not exist. It says why. After the dataset.yaml is corrected, only the dataset.yaml starts a run.
func TestUploadNextToRefusedSpec(t *testing.T) {
	t.Parallel()
	const at = "datasets/demo/dataset.yaml: "
	for _, tt := range []struct{ spec, reason string }{
		{"images: ./\n", "manifests: the list is empty; list at least one manifest, or a pattern such as *.json"},
		{"manifests: [trian.json]\n", `"trian.json" is not in datasets/demo/; did you mean "train.json"?; upload this ` +
			"file, or correct its name in dataset.yaml"},
		{"manifests: [Train.json]\n", `"Train.json" is not in datasets/demo/; did you mean "train.json"?; upload this ` +
			"file, or correct its name in dataset.yaml"},
		{"manifests: [parts/0.json, parts/1.json]\n", `"parts/1.json" is not in datasets/demo/; upload this file, or ` +
			"correct its name in dataset.yaml"},
		{"manifests: ['parts/{0,1}.json']\n", `"parts/1.json" is not in datasets/demo/; upload this file, or correct its ` +
			"name in dataset.yaml"},
		{"manifests: [parts/0.json]\nscores_from: trains.json\n", `"trains.json" is not in datasets/demo/; did you mean ` +
			`"train.json"?; upload this file, or correct its name in dataset.yaml`},
	} {
		f := runtest.New(t)
		f.Upload("datasets/demo/dataset.yaml", []byte(tt.spec))
		f.Upload("datasets/demo/parts/0.json", []byte("[]"))
		f.Upload("datasets/demo/train.json", []byte("[]"))
		accept := func(object string) subset.Arrival {
			arrival, err := f.Subsets.AcceptUpload(t.Context(), f.Planner(), f.Worker, object)
			if err != nil {
				t.Fatalf("%s: %s: %v", tt.spec, object, err)
			}
			return arrival
		}
		if got, want := accept("datasets/demo/train.json"), (subset.Arrival{Waits: at + tt.reason}); got != want {
			t.Errorf("%s: %+v; want %+v", tt.spec, got, want)
		}
		f.Upload("datasets/demo/dataset.yaml", []byte("manifests: [train.json]\n"))
		if got := accept("datasets/demo/dataset.yaml"); got.Run == "" || got.Refused != "" {
			t.Errorf("%s: after the correction: %+v", tt.spec, got)
		}
		if got, want := accept("datasets/demo/train.json"), (subset.Arrival{Named: true}); got != want {
			t.Errorf("%s: after the correction: %+v; want %+v", tt.spec, got, want)
		}
	}
}

// TestUploadNextToUsableSpec starts the run of a manifest next to a dataset.yaml that names other files, all of which
// exist or are not files of the dataset's folder.
func TestUploadNextToUsableSpec(t *testing.T) {
	t.Parallel()
	const byNumbers = "manifests: [train.json]\nbudget: 2\nstrategy: top\nby: good\n"
	for name, spec := range map[string]string{
		"a stored file of numbers": byNumbers + "scores_from: sha256:" + strings.Repeat("0", 64) + "\n",
		"a rubric":                 "manifests: [train.json]\nrubric: rubric.yaml\n",
	} {
		f := runtest.New(t)
		f.Upload("datasets/demo/dataset.yaml", []byte(spec))
		f.Upload("datasets/demo/rubric.yaml", []byte(smallRubric))
		f.Upload("datasets/demo/train.json", runtest.Array(runtest.Plain("a", 3)))
		f.Upload("datasets/demo/other.json", runtest.Array(runtest.Plain("b", 3)))
		if got := arrived(t, f, "datasets/demo/other.json"); got.Run == "" || got.Refused != "" || got.Waits != "" {
			t.Errorf("%s: %+v, want a run", name, got)
		}
	}
}

// TestRefusedAgain uploads a dataset again that is refused for the same reason. The second refusal is not hidden: if
// the dataset was refused before it was planned, lists have another run, with its own time. A redelivery adds no run.
func TestRefusedAgain(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		spec string
		runs int // after the second upload
	}{
		"before it is planned": {"manifests: [a.json]\nbudgit: 2\n", 2},
		"while it is planned":  {"manifests: [a.json]\n", 1}, // equal content has one run
	} {
		f := newCloud(t)
		f.Upload(demoFolder+"a.json", nil)
		f.Upload(demoSpec, []byte(tt.spec))
		arrived(t, f, demoSpec)
		drain(t, f)
		first := datasets(t, f)
		f.Pass(time.Hour)
		f.Touch(demoSpec, runtest.Uploaded.Add(time.Hour))
		for range 2 { // the redelivery
			if got := arrived(t, f, demoSpec); got.Run == "" || got.Refused == "" {
				t.Errorf("%s: the second upload: %+v, want a refusal", name, got)
			}
			drain(t, f)
		}
		listed, _, err := f.Runs.List(t.Context(), "", 10)
		if err != nil || len(first) != 1 || len(listed) != tt.runs || len(datasets(t, f)) != tt.runs {
			t.Fatalf("%s: runs of %v, then %v (%v)", name, first, listed, err)
		}
	}
}

// TestUploadsInSteps searches for many uploads. Each step checks a limited number of objects, and accepts a few.
func TestUploadsInSteps(t *testing.T) {
	t.Parallel()
	const n = 130
	f := newCloud(t)
	var want []string
	for i := range n {
		name := fmt.Sprintf("d%03d", i)
		want = append(want, name)
		f.Upload("datasets/"+name+"/dataset.yaml", fmt.Appendf(nil, "budgit: %d\n", i)) // a refused upload takes little time
		for part := range 3 {
			f.Upload(fmt.Sprintf("datasets/%s/parts/%d.json", name, part), nil)
		}
	}
	if steps := uploadSteps(t, f); steps != n/10+1 {
		t.Errorf("accepted in %d steps, want %d", steps, n/10+1)
	}
	if diff := cmp.Diff(want, datasets(t, f)); diff != "" {
		t.Errorf("runs (-want +got):\n%s", diff)
	}
	if steps := uploadSteps(t, f); steps != 2*n/100+1 { // each dataset has a folder, too
		t.Errorf("looked at again in %d steps, want %d", steps, 2*n/100+1)
	}
}

// TestLinkedUpload uploads a manifest that is a link out of the folder, which is refused.
func TestLinkedUpload(t *testing.T) {
	t.Parallel()
	f := runtest.New(t)
	f.Upload("datasets/sky/README.md", nil)
	if err := os.Symlink(os.DevNull, filepath.Join(f.Folder, "datasets", "sky", "link.json")); err != nil {
		t.Fatal(err)
	}
	arrival, err := f.Subsets.AcceptUpload(t.Context(), f.Planner(), f.Worker, "datasets/sky/link.json")
	if err != nil || !strings.Contains(arrival.Refused, "datasets/sky/link.json") ||
		!strings.Contains(arrival.Refused, "leads out of the folder") {
		t.Errorf("arrival %+v, error %v; want it refused", arrival, err)
	}
	if st := f.Status(arrival.Run); st.State != run.StateRefused || st.Dataset != "sky" {
		t.Errorf("the run of %s is %s", st.Dataset, st.State)
	}
}
