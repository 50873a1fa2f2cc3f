package subset_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"image"
	"image/color"
	"image/jpeg"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/harvest-ml/harvest/shared/run"
	"github.com/harvest-ml/harvest/shared/run/runtest"
	"github.com/harvest-ml/harvest/shared/selection"
	"github.com/harvest-ml/harvest/shared/subset"
	"github.com/harvest-ml/harvest/shared/thorough"
)

// photo returns a JPEG of a quality with a kind of picture.
func photo(t *testing.T, kind, quality int) []byte {
	t.Helper()
	img := image.NewGray(image.Rect(0, 0, 96, 64))
	for y := range 64 {
		for x := range 96 {
			img.SetGray(x, y, color.Gray{uint8(128 + (x-48)*(kind%3-1)*2 + (y-32)*(kind%2+1) + 40*((x/12*kind+y/9)%2))})
		}
	}
	var out bytes.Buffer
	if err := jpeg.Encode(&out, img, &jpeg.Options{Quality: quality}); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// pictured returns a fixture with a scored run of samples with one picture each, a0 to a3, and of a copy of a0's
// picture with a0's question (twin). It also has an evaluation set about a0 and a1.
func pictured(t *testing.T) (*runtest.Fixture, *run.Plan) {
	t.Helper()
	f := runtest.New(t)
	var records []string
	for i := range 4 {
		name := fmt.Sprintf("a%d", i)
		f.Upload("images/demo/"+name+".jpg", photo(t, i+1, 95))
		records = append(records, from("s"+name, runtest.Record(name, "Well said.", name+".jpg")))
	}
	f.Upload("images/demo/copy.jpg", photo(t, 1, 60))
	twin := strings.Replace(runtest.Record("a0", "Said.", "copy.jpg"), `"id":"a0"`, `"id":"twin"`, 1)
	records = append(records, twin)
	f.Upload("evaluations/pic.jpg", photo(t, 1, 50))
	f.Upload("evaluations/other.jpg", photo(t, 2, 50))
	f.Upload("evaluations/set.jsonl", []byte(`{"id": "q1", "image": "pic.jpg", "question": "What is said of a0?"}`+"\n"+
		`{"id": "q2", "image": "other.jpg", "question": "How many lines are there?"}`+"\n"))
	f.Upload("datasets/demo/a.json", runtest.Array(records))
	f.Limits.RangeBytes = 400 // several ranges
	plan := f.Begin("datasets/demo/a.json")
	f.Finish(plan)
	return f, plan
}

func nearLines(t *testing.T, f *runtest.Fixture, object string) (lines []string) {
	t.Helper()
	for dec := json.NewDecoder(bytes.NewReader(f.Read(object))); dec.More(); {
		var line subset.NearLine
		if err := dec.Decode(&line); err != nil {
			t.Fatal(err)
		}
		lines = append(lines, fmt.Sprint(line.Kind, " ", line.ID, " ", line.Near, " ", line.Dropped))
	}
	return lines
}

// TestExcludeNear leaves out samples that are in an evaluation set, and names the items.
func TestExcludeNear(t *testing.T) {
	t.Parallel()
	f, plan := pictured(t)
	all := selectNow(t, f, plan, selection.Request{Budget: runtest.Budget(t, "100%")})
	if all.Selected != 5 || all.Evaluations != nil || all.Outputs.Near != "" {
		t.Fatalf("%d are selected without evaluation sets, want 5, and nothing near: %+v", all.Selected, all.Outputs)
	}
	request := selection.Request{Budget: runtest.Budget(t, "100%"), ExcludeNear: []string{"evaluations/set.jsonl"}}
	sel := selectNow(t, f, plan, request)
	want := []string{"both a0 set.jsonl#q1 true", "image a1 set.jsonl#q2 false", "both twin set.jsonl#q1 true"}
	if diff := cmp.Diff(want, nearLines(t, f, sel.Outputs.Near)); diff != "" {
		t.Errorf("near (-want +got):\n%s", diff)
	}
	if e := sel.Evaluations; e.Both != 2 || e.Image != 1 || e.Text != 0 || e.Dropped != 2 || e.ImageSources["sa1"] != 1 ||
		len(e.Sets) != 1 || e.Sets[0].Items != 2 || e.Sets[0].Images != 2 || e.Sets[0].Checksum == "" {
		t.Errorf("found is %+v", e)
	}
	var out []string
	for _, line := range rejected(t, f, sel) {
		out = append(out, line.ID)
		if line.Code != "near_evaluation" || line.NearTo == nil || !strings.Contains(line.Reason, "set.jsonl#q1") {
			t.Errorf("%s is out for %q (%s), near to %v", line.ID, line.Reason, line.Code, line.NearTo)
		}
	}
	if diff := cmp.Diff([]string{"a0", "twin"}, out); diff != "" {
		t.Errorf("out (-want +got):\n%s", diff)
	}
	explained, err := f.Subsets.Explain(t.Context(), plan.Run, sel.ID, []string{"a0"})
	if err != nil || explained[0].NearTo == nil || explained[0].NearTo.Near != "set.jsonl#q1" {
		t.Errorf("explained is %+v: %v", explained, err)
	}
	err = f.Subsets.Repeat(t.Context(), plan.Run, sel.ID, func(o *subset.Outcome) error {
		if len(o.Result.Picks) != 3 {
			t.Errorf("repeated, it picks %d samples, want 3", len(o.Result.Picks))
		}
		return nil
	})
	if err != nil {
		t.Error(err)
	}
	request.ExcludeImages = true
	if sel = selectNow(t, f, plan, request); sel.Selected != 2 || sel.Evaluations.Dropped != 3 {
		t.Errorf("with images excluded %d are selected and %d left out, want 2 and 3", sel.Selected, sel.Evaluations.Dropped)
	}
}

// TestEvaluationReplaced makes another selection after the evaluation set was replaced.
func TestEvaluationReplaced(t *testing.T) {
	t.Parallel()
	f, plan := pictured(t)
	request := selection.Request{Budget: runtest.Budget(t, "100%"), ExcludeNear: []string{"evaluations/"}}
	before := selectNow(t, f, plan, request)
	if before.Evaluations.Image != 3 || before.Evaluations.Dropped != 0 {
		t.Errorf("a folder of images gives %+v, want three images and nothing left out", before.Evaluations)
	}
	f.Upload("evaluations/third.jpg", photo(t, 3, 50))
	if after := selectNow(t, f, plan, request); after.ID == before.ID || after.Evaluations.Image != 4 {
		t.Errorf("with another image the selection is %s and finds %+v; before it was %s",
			after.ID, after.Evaluations, before.ID)
	}
	for name, want := range map[string]string{"evaluations/none.json": "none.json", "datasets/": "datasets/"} {
		request.ExcludeNear = []string{name}
		_, err := f.Subsets.Select(t.Context(), plan.Run, request, run.Allowance{})
		if got := runtest.Refusal(t, err); !strings.Contains(got, want) || !strings.Contains(got, "exclude_near") {
			t.Errorf("%s is refused with %q", name, got)
		}
	}
}

// TestClusterCap selects one of two near duplicates, and names it in the reason of the other.
func TestClusterCap(t *testing.T) {
	t.Parallel()
	f, plan := pictured(t)
	one, err := selection.ParseCap("1")
	if err != nil {
		t.Fatal(err)
	}
	sel := selectNow(t, f, plan, atBudget(t, "100%", selection.Rules{Caps: selection.Caps{Cluster: one}}))
	lines := nearLines(t, f, sel.Outputs.Clusters)
	possible := [][]string{{"cluster twin a0 true"}, {"cluster a0 twin true"}}
	if !slices.ContainsFunc(possible, func(want []string) bool { return slices.Equal(want, lines) }) {
		t.Errorf("clusters are %q, want one of %q", lines, possible)
	}
	out := rejected(t, f, sel)
	if len(out) != 1 || out[0].Code != "cluster_cap" || out[0].NearTo == nil || out[0].NearTo.ImageDistance != nil {
		t.Errorf("out is %+v", out)
	}
}

// TestTemplates reports the largest templates, and limits the samples of each in a selection.
func TestTemplates(t *testing.T) {
	t.Parallel()
	var records []string
	for i := range 6 {
		records = append(records, strings.Replace(runtest.Record(fmt.Sprintf("c%d", i), "Well said."),
			fmt.Sprintf("What is said of c%d?", i), fmt.Sprintf("How many of %d are red?", i), 1))
	}
	records = append(records, runtest.Record("other", "Well said."))
	f, plan := scored(t, records)
	all := selectNow(t, f, plan, selection.Request{Budget: runtest.Budget(t, "100%")})
	want := []selection.TemplateShare{
		{Template: "how many of # are red", Pool: 6.0 / 7, Selection: 6.0 / 7, Selected: 6},
	}
	if diff := cmp.Diff(want, all.Summary.Templates); diff != "" {
		t.Errorf("templates (-want +got):\n%s", diff)
	}
	two, err := selection.ParseCap("2")
	if err != nil {
		t.Fatal(err)
	}
	sel := selectNow(t, f, plan, atBudget(t, "100%", selection.Rules{Caps: selection.Caps{Template: two}}))
	if sel.Selected != 3 || sel.Summary.Templates[0].Selected != 2 {
		t.Errorf("with two of a template %d are selected: %+v", sel.Selected, sel.Summary.Templates)
	}
	for _, line := range rejected(t, f, sel) {
		if line.Code != "template_cap" {
			t.Errorf("%s is out for %s", line.ID, line.Reason)
		}
	}
	if over := (selection.TemplateShare{Pool: .1, Selection: .16, Selected: 16}); !over.Over() {
		t.Error("a share that is larger by more than half is no reason for a warning")
	}
	if over := (selection.TemplateShare{Pool: .1, Selection: .14, Selected: 14}); over.Over() {
		t.Error("a share that is larger by less than half is a reason for a warning")
	}
}

// TestNearPreviewed makes a preview and a sweep with an evaluation set, and compares them with the selection.
func TestNearPreviewed(t *testing.T) {
	t.Parallel()
	f, plan := pictured(t)
	request := selection.Request{Budget: runtest.Budget(t, "100%"), ExcludeNear: []string{"evaluations/set.jsonl"}}
	before := f.Objects("")
	preview, err := f.Subsets.Preview(t.Context(), plan.Run, request, run.Allowance{})
	if err != nil || preview.Selected != 3 || preview.Evaluations == nil || preview.Evaluations.Dropped != 2 {
		t.Errorf("previewed is %+v: %v", preview, err)
	}
	sweep, err := f.Subsets.Sweep(t.Context(), plan.Run, subset.SweepRequest{Request: request}, run.Allowance{})
	if err != nil || sweep.Rows[0].Selected != 3 {
		t.Errorf("swept is %+v: %v", sweep, err)
	}
	if diff := cmp.Diff(before, f.Objects("")); diff != "" {
		t.Errorf("previews and sweeps write (-before +after):\n%s", diff)
	}
	sel := selectNow(t, f, plan, request)
	if diff := cmp.Diff(preview.Evaluations, sel.Evaluations); diff != "" {
		t.Errorf("evaluations (-previewed +made):\n%s", diff)
	}
}

// TestNearKilled kills the process before every write of a selection. The next process completes the same objects.
func TestNearKilled(t *testing.T) {
	t.Parallel()
	one, err := selection.ParseCap("1")
	if err != nil {
		t.Fatal(err)
	}
	request := selection.Request{
		Budget: runtest.Budget(t, "100%"), ExcludeNear: []string{"evaluations/set.jsonl"},
		Rules: selection.Rules{Caps: selection.Caps{Cluster: one}},
	}
	live := func(f *runtest.Fixture, plan *run.Plan) error {
		if _, err := f.Subsets.Select(t.Context(), plan.Run, request, run.Allowance{}); err != nil {
			return err
		}
		return f.Drain()
	}
	calm, plan := pictured(t)
	before := calm.Steps
	if err := live(calm, plan); err != nil {
		t.Fatal(err)
	}
	want := calm.Snapshot()
	kill := func(t *testing.T, life int) (*runtest.Fixture, *run.Plan) {
		f, plan := pictured(t)
		f.Life = life
		if err := live(f, plan); !errors.Is(err, runtest.ErrKilled) {
			t.Fatalf("after %d: error %v, want that of a killed process", life, err)
		}
		f.Restart()
		return f, plan
	}
	// After the first write, near.jsonl is the only object of the selection.
	for life := 1; life < calm.Steps-before; life += thorough.Stride(30) {
		f, plan := kill(t, life)
		if err := live(f, plan); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, f.Snapshot()); diff != "" {
			t.Errorf("killed after %d: objects (-undisturbed +got):\n%s", life, diff)
		}
	}
	// The stored near.jsonl counts, even if an image of the evaluation set was removed in the meantime.
	f, plan := kill(t, 1)
	if err := os.Remove(filepath.Join(f.Folder, "evaluations", "pic.jpg")); err != nil {
		t.Fatal(err)
	}
	if sel := selectNow(t, f, plan, request); sel.Evaluations.Dropped != 2 || sel.Selected != 3 {
		t.Errorf("%d are left out and %d selected, want 2 and 3", sel.Evaluations.Dropped, sel.Selected)
	}
}
