package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/harvest-ml/harvest/shared/dataset/compression"
	"github.com/harvest-ml/harvest/shared/run/runtest"
	"github.com/harvest-ml/harvest/shared/study/annotation"
	"github.com/harvest-ml/harvest/shared/thorough"
)

const demo = "../../testdata/demo/dataset.json"

// demoTars writes the samples of the demo to tars demo-000.tar and so on in a folder, and returns their members.
func demoTars(t *testing.T, folder string, tars int) (members []runtest.Member) {
	t.Helper()
	var records []map[string]any
	decode(t, readFile(t, demo), &records)
	each := (len(records) + tars - 1) / tars
	for number := range tars {
		var own []runtest.Member
		for i, record := range records[number*each : min((number+1)*each, len(records))] {
			own = append(own, demoMembers(t, fmt.Sprintf("%06d", number*each+i), record)...)
		}
		writeFile(t, filepath.Join(folder, fmt.Sprintf("demo-%03d.tar", number)), string(runtest.Tar(t, own...)))
		members = append(members, own...)
	}
	return members
}

// demoMembers returns the members of a sample: its images, and then its record. The record names the images.
func demoMembers(t *testing.T, key string, record map[string]any) (members []runtest.Member) {
	t.Helper()
	add := func(image any) string {
		name := fmt.Sprintf("%s.%d%s", key, len(members), filepath.Ext(image.(string)))
		content := readFile(t, filepath.Join(filepath.Dir(demo), image.(string)))
		members = append(members, runtest.Member{Name: name, Content: content})
		return name
	}
	switch image := record["image"].(type) {
	case string:
		record["image"] = add(image)
	case []any:
		names := []string{}
		for _, one := range image {
			names = append(names, add(one))
		}
		record["image"] = names
	}
	raw, err := json.Marshal(record)
	if err != nil {
		t.Fatal(err)
	}
	return append(members, runtest.Member{Name: key + ".json", Content: string(raw)})
}

// TestTars curates the demo from tars, and from JSON with a folder of images. The ratings are equal, and the tar of the
// subset has the members of the same samples. Other commands also read tars.
func TestTars(t *testing.T) {
	thorough.Only(t)
	t.Parallel()
	manifest := filepath.Join(demoFolder(t), "dataset.json")
	dir, plain := t.TempDir(), t.TempDir()
	members := demoTars(t, filepath.Join(dir, "shards"), 3)
	want := annotateByScorer(t, plain, 1, "--out", "out", "--no-report", manifest)
	got := annotateByScorer(t, dir, 1, "--out", "out", "shards/demo-{000..002}.tar")
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("ratings (-JSON +tars):\n%s", diff)
	}
	var selected []struct{ ID string }
	decode(t, readFile(t, filepath.Join(plain, "out", "subset.json")), &selected)
	subset := runtest.ReadTar(t, []byte(readFile(t, filepath.Join(dir, "out", "subset.tar"))))
	checkMembers(t, members, subset, len(selected))
	var ids []struct{ ID string }
	for _, m := range subset {
		if strings.HasSuffix(m.Name, ".json") {
			ids = append(ids, struct{ ID string }{})
			decode(t, m.Content, &ids[len(ids)-1])
		}
	}
	if diff := cmp.Diff(selected, ids); diff != "" {
		t.Errorf("selected samples (-JSON +tars):\n%s", diff)
	}
	if page := readFile(t, filepath.Join(dir, "out", reportFile)); !strings.Contains(page, "data:image/jpeg") {
		t.Error("the report has no picture")
	}
	t.Run("again", func(t *testing.T) { checkTarAgain(t, dir, subset) })
	t.Run("study", func(t *testing.T) { checkStudy(t, dir, plain, manifest, "shards", got) })
}

// checkMembers checks that a subset has whole samples of an archive, unchanged and in their order.
func checkMembers(t *testing.T, members, subset []runtest.Member, samples int) {
	t.Helper()
	rest, records := members, 0
	for _, m := range subset {
		i := slices.Index(rest, m)
		if i < 0 {
			t.Fatalf("%s is not a member of the tars, or not in their order", m.Name)
		}
		rest = rest[i+1:]
		if strings.HasSuffix(m.Name, ".json") {
			records++
		}
	}
	if records != samples {
		t.Errorf("the subset has %d records, want %d", records, samples)
	}
}

// checkTarAgain curates the subset as a dataset at 100 %, and checks that the result is the same file. It also selects
// again from the tars.
func checkTarAgain(t *testing.T, dir string, subset []runtest.Member) {
	t.Helper()
	curate := []string{"curate", "--budget", "100%", "--state", "again", "--out", "again/out", "--no-report"}
	mustHarvest(t, dir, append(curate, "out/subset.tar")...)
	if readFile(t, filepath.Join(dir, "again/out/subset.tar")) != readFile(t, filepath.Join(dir, "out/subset.tar")) {
		t.Error("a selection of all samples gives another file")
	}
	runs, err := os.ReadDir(filepath.Join(dir, "state/runs"))
	if err != nil || len(runs) != 1 {
		t.Fatalf("runs %v, %v", runs, err)
	}
	mustHarvest(t, dir, "select", "--budget", "50%", "--state", "state", "--out", "selected", runs[0].Name())
	selected := runtest.ReadTar(t, []byte(readFile(t, filepath.Join(dir, "selected/subset.tar"))))
	if diff := cmp.Diff(subset, selected); diff != "" {
		t.Errorf("selected again (-curate +select):\n%s", diff)
	}
	a := mustHarvest(t, dir, "plan", "--state", "state", "shards")
	for _, want := range []string{
		"sample 000000 of demo-000.tar read as LLaVA: id formula-0012", "image 1: 000000.0.png", "a WebDataset tar",
	} {
		if !strings.Contains(a.stdout, want) {
			t.Errorf("plan does not print %q: %s", want, a.stdout)
		}
	}
}

// checkStudy runs evaluate and export on the containers in a folder, with annotations by the scorer.
func checkStudy(t *testing.T, dir, plain, manifest, folder string, annotations []annotation.Annotation) {
	t.Helper()
	some := slices.DeleteFunc(slices.Clone(annotations), func(a annotation.Annotation) bool {
		return !strings.HasSuffix(a.ID, "3")
	})
	writeAnnotations(t, filepath.Join(dir, "a.jsonl"), some)
	e := evaluateJSON(t, dir, "--annotations", "a.jsonl", folder+"/*")
	if e.Samples != len(some) {
		t.Errorf("%d samples are compared, want %d", e.Samples, len(some))
	}
	var contained, ofJSON exportReport
	export := []string{"export", "--json", "--annotations", filepath.Join(dir, "a.jsonl"), "--out", "export"}
	decode(t, mustHarvest(t, dir, append(export, folder)...).stdout, &contained)
	decode(t, mustHarvest(t, plain, append(export, manifest)...).stdout, &ofJSON)
	if diff := cmp.Diff(ofJSON, contained); diff != "" || contained.Images == 0 {
		t.Errorf("%d images are exported (-JSON +containers):\n%s", contained.Images, diff)
	}
	for _, file := range ofJSON.Files {
		path := filepath.Join("export", file.Name)
		if readFile(t, filepath.Join(dir, path)) != readFile(t, filepath.Join(plain, path)) {
			t.Errorf("%s differs", path)
		}
	}
}

// TestTarRecipe lists tars in a dataset.yaml. The subset has a tar for each entry, and a dataset.yaml that lists these
// tars.
func TestTarRecipe(t *testing.T) {
	thorough.Only(t)
	t.Parallel()
	dir := t.TempDir()
	demoTars(t, filepath.Join(dir, "shards"), 4)
	writeFile(t, filepath.Join(dir, "dataset.yaml"), "manifests: [shards/demo-000.tar, \"shards/demo-00{2,3}.tar\"]\n"+
		"takes: {shards/demo-000.tar: \"first:10\"}\n")
	first := curateJSON(t, dir, "--budget", "30%", "--no-report", "--state", "state", "--out", "out", "dataset.yaml")
	if first.Samples.In != 10+65+64 {
		t.Errorf("%d samples", first.Samples.In)
	}
	if diff := cmp.Diff("manifests:\n    - part-1-demo-000.tar\n    - part-2-demo-00-2-3.tar\n",
		readFile(t, filepath.Join(dir, "out", "dataset.yaml"))); diff != "" {
		t.Errorf("dataset.yaml of the subset (-want +got):\n%s", diff)
	}
	again := curateJSON(t, dir, "--budget", "100%", "--no-report", "--state", "state", "--out", "again",
		"out/dataset.yaml")
	if again.Samples.In != int64(first.Selected) {
		t.Errorf("the parts have %d samples, and %d are selected", again.Samples.In, first.Selected)
	}
	if readFile(t, filepath.Join(dir, "out/subset.tar")) != readFile(t, filepath.Join(dir, "again/subset.tar")) {
		t.Error("the parts together give another subset")
	}
}

// TestTarFaults checks that errors of tars have the names that the user typed.
func TestTarFaults(t *testing.T) {
	t.Parallel()
	thorough.Only(t)
	dir := t.TempDir()
	members := demoTars(t, filepath.Join(dir, "shards"), 20)
	whole := readFile(t, filepath.Join(dir, "shards", "demo-000.tar"))
	writeFile(t, filepath.Join(dir, "cat.tar"), whole+whole)
	writeFile(t, filepath.Join(dir, "short.tar"), whole[:len(whole)/2+100])
	slices.SortStableFunc(members, func(a, b runtest.Member) int {
		return strings.Compare(filepath.Ext(a.Name), filepath.Ext(b.Name)) // put the records first
	})
	writeFile(t, filepath.Join(dir, "apart.tar"), string(runtest.Tar(t, members[:300]...)))
	writeFile(t, filepath.Join(dir, "text.jsonl"), textOnly("Why?", "So."))
	for _, tc := range []struct {
		args []string
		says string
	}{
		{[]string{"cat.tar"}, "harvest: manifest cat.tar: another archive follows the archive's end at byte "},
		{[]string{"shards/demo-000.tar", "./text.jsonl"}, "harvest: manifests: shards/demo-000.tar is a WebDataset tar and " +
			"./text.jsonl is a file of JSON, but a subset has one form; curate the files of each kind separately\n"},
	} {
		curate := []string{"curate", "--budget", "1", "--state", "state", "--out", "out"}
		a := harvest(t, dir, nil, append(curate, tc.args...)...)
		if a.status == 0 || !strings.HasPrefix(a.stderr, tc.says) {
			t.Errorf("%q: status %d, %q, want %q", tc.args, a.status, a.stderr, tc.says)
		}
	}
	// If an archive is cut off between two samples, the samples before the cut count, and the error names the cut. The
	// same is true in a compressed tar.
	ends := "the archive ends at byte 1024 without the final blocks of zeros"
	cut := string(runtest.Tar(t, runtest.Member{Name: "a.json", Content: "{}"}))[:1024]
	writeFile(t, filepath.Join(dir, "between.tar"), cut)
	writeFile(t, filepath.Join(dir, "between.tar.gz"), pack(t, compression.Gzip, cut))
	for _, name := range []string{"between.tar", "between.tar.gz"} {
		planned := harvest(t, dir, nil, "plan", "--state", "state", name)
		if !strings.Contains(strings.Join(strings.Fields(planned.stdout), " "), ends) ||
			!strings.Contains(planned.stdout, "problem: member unusable") {
			t.Errorf("plan of %s: %s%s, want %q", name, planned.stdout, planned.stderr, ends)
		}
	}
	short := curateJSON(t, dir, "--budget", "1", "--max-failed", "100%", "--state", "s", "--out", "short", "short.tar")
	if short.Samples.Failed != 1 || short.status != nil {
		t.Errorf("samples of the truncated tar: %+v", short.Samples)
	}
	lines := rejectedLines(t, filepath.Join(dir, "short", rejectedFile))
	failed := lines[len(lines)-1]
	if failed.Code != "member_unusable" || !strings.Contains(failed.Reason, "the archive is cut short in this member") ||
		failed.Place == nil || failed.Place.Key == "" {
		t.Errorf("rejected %+v", failed)
	}
	apart := harvest(t, dir, nil, "plan", "--state", "state", "apart.tar")
	if want := "the members of a sample have to follow each other"; !strings.Contains(apart.stdout+apart.stderr, want) {
		t.Errorf("plan does not print %q: %s", want, apart.stdout)
	}
}
