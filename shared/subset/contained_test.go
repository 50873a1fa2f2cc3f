package subset_test

import (
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/harvest-ml/harvest/shared/bucket"
	"github.com/harvest-ml/harvest/shared/dataset"
	"github.com/harvest-ml/harvest/shared/events"
	"github.com/harvest-ml/harvest/shared/memory"
	"github.com/harvest-ml/harvest/shared/run"
	"github.com/harvest-ml/harvest/shared/run/runtest"
	"github.com/harvest-ml/harvest/shared/scores"
	"github.com/harvest-ml/harvest/shared/selection"
	"github.com/harvest-ml/harvest/shared/subset"
	"github.com/harvest-ml/harvest/shared/thorough"
)

const tarManifest = "datasets/demo/a.tar"

// A twoForms has samples in two forms: a tar, and lines of JSON with image files.
type twoForms struct {
	members []runtest.Member
	lines   []string
	images  map[string]string
}

// inTwoForms returns n samples. Every fifth sample has no image, and some have two. One sample has no record, and one
// has an image that cannot be decoded.
func inTwoForms(t *testing.T, n int) twoForms {
	t.Helper()
	forms := twoForms{images: map[string]string{}}
	for i := range n {
		key := fmt.Sprintf("s/%04d", i)
		var names []string
		for k := range map[int]int{0: 0, 1: 2, 2: 1, 3: 1, 4: 1}[i%5] {
			name := fmt.Sprintf("%s.%d.png", key, k)
			content := string(runtest.PNG(t, 8+i, 8+k))
			if i == 7 {
				content = "no picture"
			}
			names = append(names, name)
			forms.images[name] = content
			forms.members = append(forms.members, runtest.Member{Name: name, Content: content})
		}
		record := runtest.Record(fmt.Sprintf("id%02d", i), "Fine.", names...)
		if i == 15 {
			record = `{"id": "id15"}`
		}
		forms.lines = append(forms.lines, record)
		forms.members = append(forms.members, runtest.Member{Name: key + ".json", Content: record})
	}
	return forms
}

// tar returns a fixture with the samples scored from a tar.
func (forms twoForms) tar(t *testing.T, f *runtest.Fixture) *run.Plan {
	t.Helper()
	f.Limits.RangeBytes = 800 // ranges of one or two samples
	f.Upload(tarManifest, runtest.Tar(t, forms.members...))
	return f.Begin(tarManifest)
}

// of returns the members of some samples, in the order of the tar.
func (forms twoForms) of(ids map[string]bool) []runtest.Member {
	kept := []runtest.Member{}
	for _, m := range forms.members {
		if ids["id"+strings.SplitN(m.Name, ".", 2)[0][4:]] {
			kept = append(kept, m)
		}
	}
	return kept
}

// A comparable has the data of a sample that are equal in both forms.
func comparable(records map[string]scores.Record) map[string]string {
	common := map[string]string{}
	for id, r := range records {
		reason := r.Reason
		if r.Code == "image_undecodable" || r.Code == "image_format_unknown" {
			reason = "by its image"
		}
		common[id] = fmt.Sprint(r.Status, r.Code, reason, r.Twin, r.Images, r.Tokens, r.Source, len(r.Seen))
	}
	return common
}

// TestContained scores the same samples from a tar and from JSON, and selects from them. The subset of the tar has the
// unchanged members of the selected samples.
func TestContained(t *testing.T) {
	t.Parallel()
	const n = 80
	forms := inTwoForms(t, n)
	text := runtest.New(t)
	for name, content := range forms.images {
		text.Upload("images/demo/"+name, []byte(content))
	}
	text.Upload("datasets/demo/a.jsonl", runtest.Lines(forms.lines))
	ofText := text.Begin("datasets/demo/a.jsonl")
	text.Finish(ofText)

	f := runtest.New(t)
	plan := forms.tar(t, f)
	if len(plan.Ranges) <= 32 {
		t.Fatalf("%d ranges, want more than one block of parts", len(plan.Ranges))
	}
	counts := f.Finish(plan)
	if diff := cmp.Diff(events.Counts{In: n, Scored: n - 2, Failed: 2}, counts); diff != "" {
		t.Errorf("counts (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(comparable(text.Records(ofText)), comparable(f.Records(plan))); diff != "" {
		t.Errorf("scores (-JSON +tar):\n%s", diff)
	}
	for _, budget := range []string{"30%", "1", "97%"}[:thorough.Size(1, 3)] {
		sel := selectNow(t, f, plan, atBudget(t, budget, selection.Rules{}))
		picked := map[string]bool{}
		for _, p := range picks(t, f, sel) {
			picked[p.ID] = true
		}
		if !strings.HasSuffix(sel.Outputs.Subset, "/subset.tar") {
			t.Errorf("the subset is %s", sel.Outputs.Subset)
		}
		if diff := cmp.Diff(forms.of(picked), runtest.ReadTar(t, f.Read(sel.Outputs.Subset))); diff != "" {
			t.Errorf("budget %s: members (-want +got):\n%s", budget, diff)
		}
		rejected := string(f.Read(sel.Outputs.Rejected))
		if lines := strings.Count(rejected, "\n"); lines != n-len(picked) ||
			!strings.Contains(rejected, `"key":"s/0015"`) {
			t.Errorf("budget %s: %d samples of %d are rejected:\n%s", budget, lines, n-len(picked), rejected)
		}
	}
}

// TestContainedInLittleMemory scores a tar with memory for two samples. The results are the same as with more memory.
func TestContainedInLittleMemory(t *testing.T) {
	t.Parallel()
	forms := inTwoForms(t, 30)
	var want map[string]string
	for _, little := range []bool{false, true} {
		f := runtest.New(t)
		f.Limits.ShardSamples = 60
		if little {
			var err error
			f.Memory, err = memory.New(memory.Limit{Bytes: 6000 + memory.Reserve}, memory.Need{Hold: 1000, Step: 1010})
			if err != nil {
				t.Fatal(err)
			}
			f.Restart()
		}
		f.Limits.RangeBytes = 1 << 20
		f.Upload(tarManifest, runtest.Tar(t, forms.members...))
		plan := f.Begin(tarManifest)
		f.Finish(plan)
		got := comparable(f.Records(plan))
		if want == nil {
			want = got
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("scores in little memory (-in much +got):\n%s", diff)
		}
	}
}

// TestContainedCompressed reads a tar in gzip. It is unpacked once, and again if the unpacked tar is removed.
func TestContainedCompressed(t *testing.T) {
	t.Parallel()
	forms := inTwoForms(t, 20)
	f := runtest.New(t)
	plan := forms.tar(t, f)
	f.Finish(plan)
	whole := runtest.Tar(t, forms.members...)
	var packed bytes.Buffer
	out := gzip.NewWriter(&packed)
	if _, err := out.Write(whole); err != nil || out.Close() != nil {
		t.Fatal(err)
	}
	g := runtest.New(t)
	g.Limits = f.Limits
	g.Upload(tarManifest+".gz", packed.Bytes())
	compressed := g.Begin(tarManifest + ".gz")
	g.Remove("tmp/")
	g.Restart()
	g.Finish(compressed)
	if diff := cmp.Diff(comparable(f.Records(plan)), comparable(g.Records(compressed))); diff != "" {
		t.Errorf("scores (-plain +compressed):\n%s", diff)
	}
	g.Remove("tmp/")
	g.Restart()
	sel := selectNow(t, g, compressed, atBudget(t, "18", selection.Rules{}))
	plain := selectNow(t, f, plan, atBudget(t, "18", selection.Rules{}))
	if !bytes.Equal(g.Read(sel.Outputs.Subset), f.Read(plain.Outputs.Subset)) {
		t.Error("the subsets of the plain and of the compressed tar differ")
	}
}

// TestContainedKilled kills the process that writes a selection between any two steps. The next process completes the
// outputs, which are the same as without a kill.
func TestContainedKilled(t *testing.T) {
	t.Parallel()
	forms := inTwoForms(t, 20)
	begin := func() (*runtest.Fixture, *run.Plan) {
		f := runtest.New(t)
		f.OneMachine = true
		f.Restart()
		plan := forms.tar(t, f)
		f.Finish(plan)
		f.Steps = 0
		return f, plan
	}
	request := atBudget(t, "12", selection.Rules{})
	calm, plan := begin()
	selectNow(t, calm, plan, request)
	want := calm.Snapshot()
	for life := 0; life < calm.Steps; life += 3 * thorough.Stride(6) {
		t.Run(fmt.Sprintf("after %d", life), func(t *testing.T) {
			t.Parallel()
			f, plan := begin()
			f.Life = life
			_, err := f.Subsets.Select(t.Context(), plan.Run, request, run.Allowance{})
			if err := errors.Join(err, f.Drain()); !errors.Is(err, runtest.ErrKilled) {
				t.Fatalf("got error %v, want that of a killed process", err)
			}
			f.Queue = nil
			f.Restart()
			f.Pass(time.Hour)
			selectNow(t, f, plan, request)
			if diff := cmp.Diff(want, f.Snapshot()); diff != "" {
				t.Errorf("objects (-undisturbed +got):\n%s", diff)
			}
		})
	}
}

// TestContainedReplaced replaces a tar after it is scored. A selection cannot be copied from it, and the error names
// the object to restore. After another upload of the same content, the selection is made.
func TestContainedReplaced(t *testing.T) {
	t.Parallel()
	forms := inTwoForms(t, 20)
	f := runtest.New(t)
	plan := forms.tar(t, f)
	f.Finish(plan)
	whole := runtest.Tar(t, forms.members...)
	f.Upload(tarManifest, whole[1024:])
	f.Touch(tarManifest, runtest.Uploaded.Add(time.Minute))
	sel, err := f.Subsets.Select(t.Context(), plan.Run, atBudget(t, "5", selection.Rules{}), run.Allowance{})
	if err != nil {
		t.Fatal(err)
	}
	err = f.Drain()
	want := fmt.Sprintf("manifest %s (generation %d), the source of the subset: manifest %s was replaced",
		tarManifest, plan.Manifests[0].Generation, tarManifest)
	if _, lost := errors.AsType[*bucket.LostError](err); !lost || !strings.Contains(err.Error(), want) {
		t.Errorf("got error %v, want %q", err, want)
	}
	f.Upload(tarManifest, whole)
	f.Touch(tarManifest, runtest.Uploaded.Add(time.Hour))
	f.Restart()
	f.Pass(time.Hour)
	f.Reconcile()
	f.Finish(plan)
	if state := f.SelectionState(plan.Run, sel.ID); state != subset.StateCompleted {
		t.Errorf("the selection is %s after the tar is restored", state)
	}
}

// TestContainedLost removes a tar before its samples are scored. Each sample fails for this reason.
func TestContainedLost(t *testing.T) {
	t.Parallel()
	forms := inTwoForms(t, 20)
	for _, cut := range []bool{false, true} {
		f := runtest.New(t)
		plan := forms.tar(t, f)
		isRange := func(d runtest.Delivery) bool { return d.Attributes[events.AttrTask] == events.TaskRange }
		for i := slices.IndexFunc(f.Queue, isRange); cut && i >= 0; i = slices.IndexFunc(f.Queue, isRange) {
			if err := f.Deliver(f.Take(i)); err != nil {
				t.Fatal(err)
			}
		}
		f.Upload(tarManifest, []byte("gone"))
		f.Touch(tarManifest, runtest.Uploaded.Add(time.Minute))
		f.Finish(plan)
		changed := 0
		for _, r := range f.Records(plan) {
			if r.Code == run.ManifestChanged {
				changed++
			}
		}
		if withImages := 16; !cut && changed != 20 || cut && changed != withImages {
			t.Errorf("cut before: %v: %d samples fail because the tar changed", cut, changed)
		}
	}
}

// TestKindsTogether refuses manifests whose records cannot be in one subset.
func TestKindsTogether(t *testing.T) {
	t.Parallel()
	forms := inTwoForms(t, 3)
	f := runtest.New(t)
	f.Upload("datasets/demo/parts/a.tar", runtest.Tar(t, forms.members...))
	f.Upload("datasets/demo/parts/b.tar", runtest.Tar(t, forms.members...))
	f.Upload("datasets/demo/parts/c.jsonl", runtest.Lines(forms.lines))
	plan, err := f.Start(run.Spec{Dataset: "demo", Manifests: []string{"parts/a.tar", "parts/b.tar"}})
	if err != nil || plan.Samples != 6 {
		t.Errorf("two tars: %v, %v", plan, err)
	}
	_, err = f.Start(run.Spec{Dataset: "demo", Manifests: []string{"parts/c.jsonl", "parts/b.tar"}})
	want := "manifests: datasets/demo/parts/c.jsonl is a file of JSON and datasets/demo/parts/b.tar is a WebDataset " +
		"tar, but a subset has one form; curate the files of each kind separately"
	if got := runtest.Refusal(t, err); got != want {
		t.Errorf("refused with %q, want %q", got, want)
	}
}

// TestContainedInSteps plans a tar in steps of a few samples. The ranges are the same as in one step.
func TestContainedInSteps(t *testing.T) {
	t.Parallel()
	forms := inTwoForms(t, 30)
	for _, take := range []string{"all", "first:7", "end:20%"} {
		var want []run.Range
		for _, step := range []int64{1 << 20, 3000} {
			f := runtest.New(t)
			f.Limits.RangeBytes, f.Limits.PlanBytes = 1500, step
			f.Upload("datasets/demo/parts/a.tar", runtest.Tar(t, forms.members...))
			spec := run.Spec{Dataset: "demo", Manifests: []string{"parts/a.tar"}, Takes: map[string]dataset.Take{}}
			taken := spec.Takes["parts/a.tar"]
			if err := taken.UnmarshalText([]byte(take)); err != nil {
				t.Fatal(err)
			}
			spec.Takes["parts/a.tar"] = taken
			plan, err := f.Start(spec)
			if err != nil {
				t.Fatal(err)
			}
			f.Finish(plan)
			if want == nil {
				want = plan.Ranges
			}
			if diff := cmp.Diff(want, plan.Ranges); diff != "" {
				t.Errorf("%s: ranges (-in one step +in steps of %d bytes):\n%s", take, step, diff)
			}
			if n := map[string]int64{"all": 30, "first:7": 7, "end:20%": 6}[take]; plan.Samples != n {
				t.Errorf("%s: %d samples, want %d", take, plan.Samples, n)
			}
			ids := f.Records(plan)
			if _, last := ids["id29"]; last != (take != "first:7") {
				t.Errorf("%s: the last sample is there: %v", take, last)
			}
		}
	}
}
