package subset_test

import (
	"context"
	"fmt"
	"path"
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

const (
	demoFolder = "datasets/demo/"
	demoSpec   = demoFolder + "dataset.yaml"
)

// arrived handles the notification of an upload.
func arrived(t *testing.T, f *runtest.Fixture, object string) subset.Arrival {
	t.Helper()
	arrival, err := f.Subsets.AcceptUpload(t.Context(), f.Planner(), f.Worker, object)
	if err != nil {
		t.Fatalf("%s: %v", object, err)
	}
	return arrival
}

// runOf returns the run that is recorded for the current upload of an object.
func runOf(t *testing.T, f *runtest.Fixture, object string) string {
	t.Helper()
	attrs, err := f.Input.Stat(t.Context(), object)
	if err != nil {
		t.Fatal(err)
	}
	id, err := run.NewIndex(f.Work).RunOf(t.Context(), run.Upload{Object: object, Generation: attrs.Generation})
	if err != nil {
		t.Fatal(err)
	}
	return id
}

// demoFile returns the content of a file of the dataset demo.
func demoFile(file string) []byte {
	switch {
	case strings.HasSuffix(file, ".yaml"):
		return []byte(smallRubric)
	case strings.Contains(file, "numbers"):
		return []byte(`{"id": "a01", "good": 1}` + "\n" + `{"id": "a02", "good": 2}`)
	}
	return runtest.Array(runtest.Plain(strings.TrimSuffix(path.Base(file), ".json"), 3))
}

// smallRubric is a valid rubric.
const smallRubric = "name: birds\ncapabilities: [bird song]\nstyles: [tweet]\n"

// TestSpecBeforeItsFiles uploads a dataset.yaml before the files that it names. Their order does not matter: the last
// file starts one run. Earlier files add no refused run. Neither redeliveries nor other versions of the files start
// another run.
func TestSpecBeforeItsFiles(t *testing.T) {
	t.Parallel()
	const byNumbers = "manifests: [a.json]\nstrategy: top\nby: good\nwhere: [good>=1]\n"
	for _, tt := range []struct {
		spec  string
		files []string
	}{
		{"manifests: [train.json]\n", []string{"train.json"}},
		{"manifests: [a.json, b.json]\n", []string{"a.json", "b.json"}},
		{"manifests: [a.json, b.json]\n", []string{"b.json", "a.json"}},
		{"manifests: [parts/a.json, more/deep/b.json]\n", []string{"more/deep/b.json", "parts/a.json"}},
		{"manifests: ['parts/{0..2}.json']\n", []string{"parts/2.json", "parts/0.json", "parts/1.json"}},
		{byNumbers + "scores_from: parts/numbers.jsonl\n", []string{"a.json", "parts/numbers.jsonl"}},
		{byNumbers + "scores_from: numbers.jsonl\n", []string{"a.json", "numbers.jsonl"}},
		{"manifests: [a.json]\nrubric: rubric.yaml\n", []string{"a.json", "rubric.yaml"}},
		{"manifests: [a.json]\nrubric: rubric.yaml\n", []string{"rubric.yaml", "a.json"}},
	} {
		t.Run(tt.spec+strings.Join(tt.files, " "), func(t *testing.T) {
			t.Parallel()
			f := newCloud(t)
			f.Upload(demoSpec, []byte(tt.spec+"budget: 2\n"))
			if got := arrived(t, f, demoSpec); !strings.Contains(got.Refused, "when the last one arrives") {
				t.Fatalf("before its files: %+v", got)
			}
			started := arriveAll(t, f, tt.files)
			last := tt.files[len(tt.files)-1]
			if err := f.Drain(); err != nil {
				t.Fatal(err)
			}
			if st := f.Status(started); st.State != run.StateScored || len(st.Selections) != 1 {
				t.Errorf("the run is %s with selections %v", st.State, st.Selections)
			}
			f.Upload(demoFolder+last, append(demoFile(last), '\n'))
			f.Touch(demoFolder+last, runtest.Uploaded.Add(time.Hour))
			if got := arrived(t, f, demoFolder+last); got.Run != "" {
				t.Errorf("another version of %s: %+v", last, got)
			}
			uploadSteps(t, f)
			before := f.Objects("")
			uploadSteps(t, f)
			if diff := cmp.Diff(before, f.Objects("")); diff != "" {
				t.Errorf("reconcile (-before +after):\n%s", diff)
			}
			if names := datasets(t, f); len(names) != 2 || len(f.EventIDs(events.RunRefused)) != 1 {
				t.Errorf("runs of %v, events %v; want one refused run and one other", names, f.EventIDs(events.RunRefused))
			}
			if got := runOf(t, f, demoSpec); got != started {
				t.Errorf("the upload of dataset.yaml has the run %s, want %s", got, started)
			}
		})
	}
}

// arriveAll uploads files for which dataset.yaml waits, and handles the notification of each file twice. It returns the
// run that the last file starts.
func arriveAll(t *testing.T, f *runtest.Fixture, files []string) (started string) {
	t.Helper()
	last := len(files) - 1
	for i, file := range files {
		f.Upload(demoFolder+file, demoFile(file))
		for redelivery := range 2 {
			got := arrived(t, f, demoFolder+file)
			switch {
			case i < last && (!got.Named || !slices.Contains(files, strings.TrimPrefix(got.Missing, demoFolder))):
				t.Errorf("%s: %+v, want a missing file", file, got)
			case i == last && redelivery == 0:
				if started = got.Run; started == "" || got.Spec != demoSpec || got.Refused != "" {
					t.Fatalf("the last file, %s: %+v", file, got)
				}
			case i < last: // a redelivery, or the start of `harvest serve`
				if spec := arrived(t, f, demoSpec); spec.Run != "" || spec.Missing == "" {
					t.Errorf("dataset.yaml after %s: %+v, want a missing file", file, spec)
				}
			case i == last && (got.Run != "" || got.Missing != ""):
				t.Errorf("the redelivery of %s: %+v", file, got)
			}
		}
	}
	return started
}

// TestAllMissingFiles uploads a dataset.yaml before some of its manifests. The refusal names the missing ones.
func TestAllMissingFiles(t *testing.T) {
	t.Parallel()
	const (
		one    = " is not in the input bucket"
		some   = " are not in the input bucket"
		itself = "; upload all files that dataset.yaml names; the run starts when the last one arrives"
	)
	for spec, want := range map[string]string{
		"manifests: [a.json, b.json]\n":         "b.json" + one + itself,
		"manifests: [c.json, a.json, b.json]\n": "c.json and datasets/demo/b.json" + some + itself,
		"manifests: ['{1..9}.json', a.json]\n": "1.json, datasets/demo/2.json, datasets/demo/3.json, " +
			"datasets/demo/4.json, datasets/demo/5.json and 4 more" + some + itself,
		"manifests: [c.json, 'a*.json', b.json]\n": "c.json and datasets/demo/b.json" + some +
			"; upload them, then request the dataset again",
		"manifests: [c.json, a.json]\nrubric: r.yaml\n": "r.yaml and datasets/demo/c.json" + some + itself,
		"manifests: [a.json]\nrubric: r.yaml\n":         "r.yaml" + one + itself,
		"manifests: [c.json]\nstrategy: top\nby: good\nscores_from: n.csv\n": "c.json and datasets/demo/n.csv" + some +
			itself,
	} {
		f := runtest.New(t)
		f.Upload(demoFolder+"a.json", demoFile("a.json"))
		f.Upload(demoSpec, []byte(spec))
		if got := arrived(t, f, demoSpec); !strings.HasSuffix(got.Refused, "datasets/demo/"+want) ||
			strings.Count(got.Refused, demoFolder) != strings.Count(want, demoFolder)+1 {
			t.Errorf("%s: %+v, want %q", spec, got, want)
		}
	}
}

// TestSpecNotStartedAgain uploads files that a refused dataset.yaml names. They do not start it, because nobody knows
// whether all files are there, or because it is refused for another reason.
func TestSpecNotStartedAgain(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		spec, there, arrives string
		waits                bool // whether dataset.yaml waits for another file
	}{
		"pattern without a match": {"manifests: ['*.json']\n", "", "a.json", false},
		"pattern below":           {"manifests: ['parts/*.json']\n", "", "parts/a.json", false},
		"pattern and a name":      {"manifests: [a.json, 'parts/*.json']\n", "parts/0.json", "a.json", false},
		"another reason":          {"manifests: [a.json]\nscorer: crystal-ball\n", "", "a.json", false},
		"another file":            {"manifests: [a.json]\n", "", "parts/b.json", true},
		"invalid":                 {"manifests: [a.json]\nbudgit: 1\n", "", "a.json", false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := runtest.New(t)
			f.Upload(demoSpec, []byte(tt.spec))
			if tt.there != "" {
				f.Upload(demoFolder+tt.there, demoFile(tt.there))
			}
			if got := arrived(t, f, demoSpec); got.Refused == "" || strings.Contains(got.Refused, "last one") != tt.waits {
				t.Fatalf("dataset.yaml: %+v", got)
			}
			f.Upload(demoFolder+tt.arrives, demoFile(tt.arrives))
			if got := arrived(t, f, demoFolder+tt.arrives); got.Run != "" || got.Missing != "" {
				t.Errorf("%s: %+v", tt.arrives, got)
			}
			if names := datasets(t, f); len(names) != 1 {
				t.Errorf("runs of %v, want only the refused run", names)
			}
		})
	}
}

// An onMissing is a bucket that calls do after the first request for a certain object, if the object does not exist.
type onMissing struct {
	bucket.Bucket
	object string // base of the object's name
	do     func()
}

func (b *onMissing) Stat(ctx context.Context, name string) (bucket.Attrs, error) {
	attrs, err := b.Bucket.Stat(ctx, name)
	if err != nil && b.do != nil && path.Base(name) == b.object {
		do := b.do
		b.do = nil
		do()
	}
	return attrs, err
}

// TestFileArrivesMeanwhile uploads a manifest, and handles its notification, while the dataset.yaml that names it is
// handled, after the manifest was found missing.
func TestFileArrivesMeanwhile(t *testing.T) {
	t.Parallel()
	f := runtest.New(t)
	f.Upload(demoSpec, []byte("manifests: [a.jsonl]\nbudget: 2\n"))
	input := &onMissing{Bucket: f.Input.(bucket.Bucket), object: "a.jsonl"}
	input.do = func() {
		f.Upload(demoFolder+"a.jsonl", demoFile("a.jsonl"))
		if got, want := arrived(t, f, demoFolder+"a.jsonl"), (subset.Arrival{Named: true, Coming: true}); got != want {
			t.Errorf("the manifest: %+v, want %+v", got, want)
		}
	}
	f.Input = input
	if got := arrived(t, f, demoSpec); got.Run == "" || got.Refused != "" {
		t.Errorf("dataset.yaml: %+v", got)
	}
	f.Upload(demoFolder+"a.jsonl", runtest.Array(runtest.Plain("new", 4)))
	if got := arrived(t, f, demoFolder+"a.jsonl"); got.Run != "" {
		t.Errorf("another version of the manifest starts %s", got.Run)
	}
}

// TestKilledStartingSpecAgain kills the process before each step of handling a dataset.yaml, and then its last file.
// The notifications are redelivered, or lost and found by reconcile.
func TestKilledStartingSpecAgain(t *testing.T) {
	t.Parallel()
	start := func(object string, life int) (*runtest.Fixture, error) {
		f := newCloud(t)
		f.Upload(demoSpec, []byte("manifests: [a.json]\nbudget: 2\n"))
		accept := func(object string) error {
			_, err := f.Subsets.AcceptUpload(t.Context(), f.Planner(), f.Worker, object)
			return err
		}
		if object == demoSpec {
			f.Life = life
			return f, accept(demoSpec)
		}
		if err := accept(demoSpec); err != nil {
			t.Fatal(err)
		}
		f.Upload(demoFolder+"a.json", demoFile("a.json"))
		f.Steps, f.Life = 0, life
		return f, accept(object)
	}
	for _, object := range []string{demoSpec, demoFolder + "a.json"} {
		calm, err := start(object, -1)
		if err != nil {
			t.Fatal(err)
		}
		for life := range calm.Steps {
			for _, lost := range []bool{false, true} {
				f, err := start(object, life)
				if err == nil {
					t.Fatalf("%s: after %d steps: the process was not killed", object, life)
				}
				restart(f)
				f.Pass(time.Hour)
				f.Upload(demoFolder+"a.json", demoFile("a.json"))
				if !lost {
					for range 2 {
						arrived(t, f, object)
						arrived(t, f, demoFolder+"a.json")
					}
				}
				uploadSteps(t, f)
				if err := f.Drain(); err != nil {
					t.Fatal(err)
				}
				id := runOf(t, f, demoSpec)
				if st := f.Status(id); st.State != run.StateScored || len(st.Selections) != 1 || len(datasets(t, f)) > 2 {
					t.Errorf("%s: after %d steps (lost %v): the run is %s with selections %v; runs of %v", object, life, lost,
						st.State, st.Selections, datasets(t, f))
				}
			}
		}
	}
}

// A countedStats is an input bucket that counts its requests for attributes.
type countedStats struct {
	bucket.Reader
	stats int
}

func (b *countedStats) Stat(ctx context.Context, name string) (bucket.Attrs, error) {
	b.stats++
	return b.Reader.Stat(ctx, name)
}

// TestRequestsOfManyFiles uploads many manifests after the dataset.yaml that names them, in the worst orders. The
// number of requests is proportional to the number of manifests.
func TestRequestsOfManyFiles(t *testing.T) {
	t.Parallel()
	const n = 400
	orders := map[string]func(i int) int{
		"in order":           func(i int) int { return i },
		"reverse":            func(i int) int { return n - 1 - i },
		"the first one last": func(i int) int { return (i + 1) % n },
		"the last one last, and all others twice": func(i int) int {
			if i == 2*(n-1) {
				return n - 1
			}
			return i % (n - 1)
		},
	}
	for name, order := range orders {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := runtest.New(t)
			f.Upload(demoSpec, fmt.Appendf(nil, "manifests: ['parts/{1..%d}.jsonl']\n", n))
			if got := arrived(t, f, demoSpec); got.Refused == "" {
				t.Fatalf("dataset.yaml: %+v", got)
			}
			counted := &countedStats{Reader: f.Input}
			f.Input = counted
			files := n
			if strings.Contains(name, "twice") {
				files = 2*n - 1
			}
			for i := range files - 1 {
				object := fmt.Sprintf("datasets/demo/parts/%d.jsonl", order(i)+1)
				f.Upload(object, runtest.Lines(runtest.Plain("a", 1)))
				if got := arrived(t, f, object); got.Missing == "" {
					t.Fatalf("file %d: %+v", i, got)
				}
			}
			if most := n + 11*files; counted.stats > most {
				t.Errorf("%d requests for %d files, want at most %d", counted.stats, files, most)
			}
			object := fmt.Sprintf("datasets/demo/parts/%d.jsonl", order(files-1)+1)
			f.Upload(object, runtest.Lines(runtest.Plain("a", 1)))
			if got := arrived(t, f, object); got.Run == "" || got.Refused != "" {
				t.Errorf("the last file: %+v", got)
			}
			if left := len(f.Objects("index/uploads/")); left > n/8+4 {
				t.Errorf("%d objects record the upload", left)
			}
		})
	}
}
