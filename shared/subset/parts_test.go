package subset_test

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/harvest-ml/harvest/shared/dataset"
	"github.com/harvest-ml/harvest/shared/events"
	"github.com/harvest-ml/harvest/shared/run"
	"github.com/harvest-ml/harvest/shared/run/runtest"
	"github.com/harvest-ml/harvest/shared/selection"
	"github.com/harvest-ml/harvest/shared/subset"
)

func TestSubset(t *testing.T) {
	t.Parallel()
	// Bytes that would change if the JSON were written again.
	odd := func(i int) string {
		return fmt.Sprintf(`{"conversations" :[{"from":"human","value":"\u0041 <b>&nbsp;?"}, `+
			`{"value":"é %d","from":"gpt"}],"x":1.50 , "x":1e2, "y":"%s", "id":"odd%d"}`, i, "\u2028", i)
	}
	var records []string
	for i := range 14 {
		records = append(records, odd(i))
	}
	spanning := strings.ReplaceAll(odd(99), " , ", " ,\r\n\t ")
	tests := []struct {
		name      string
		manifests map[string][]byte // in the order of their names
		records   []string
		format    dataset.Format
	}{
		{"array", map[string][]byte{
			"a.json": runtest.Array(append(records[:9:9], spanning)),
		}, append(records[:9:9], spanning), dataset.Array},
		{"lines", map[string][]byte{
			"a.jsonl": []byte("\n" + strings.Join(records, "\r\n\n")),
		}, records, dataset.Lines},
		{"lines twice", map[string][]byte{
			"a.jsonl": runtest.Lines(records[:5]),
			"b.jsonl": runtest.Lines(records[5:]),
		}, records, dataset.Lines},
		{"array and lines", map[string][]byte{
			"a.json":  runtest.Array(append(records[:3:3], spanning)),
			"b.jsonl": runtest.Lines(records[3:6]),
			"c.json":  runtest.Array(records[6:]),
		}, slices.Insert(slices.Clone(records), 3, spanning), dataset.Array},
	}
	for _, test := range tests {
		for _, share := range []string{"1", "40%", "100%"} {
			t.Run(test.name+" "+share, func(t *testing.T) {
				t.Parallel()
				f := runtest.New(t)
				spec := run.Spec{Dataset: "demo", Request: selection.Request{Budget: runtest.Budget(t, share)}}
				for name, content := range test.manifests {
					f.Upload("datasets/demo/parts/"+name, content)
					spec.Manifests = append(spec.Manifests, "parts/"+name)
				}
				slices.Sort(spec.Manifests)
				plan, err := f.Start(spec)
				if err != nil {
					t.Fatal(err)
				}
				f.Finish(plan)
				sel := selectNow(t, f, plan, plan.Selection)
				checkOutputs(t, f, plan, sel, test.records, test.format)
			})
		}
	}
}

// checkOutputs compares a selection's picks, subset and rejected samples with each other and with the dataset's
// records.
func checkOutputs(
	t *testing.T, f *runtest.Fixture, plan *run.Plan, sel *subset.Selection, records []string, format dataset.Format,
) {
	t.Helper()
	picked := map[int64]bool{}
	perRange := make([]int, len(plan.Ranges))
	for i, p := range picks(t, f, sel) {
		picked[p.Index] = true
		perRange[p.Range]++
		if p.Order != i || p.Index != plan.Ranges[p.Range].FirstIndex+int64(p.Position) {
			t.Errorf("pick %d: %+v", i, p)
		}
	}
	if len(picked) != sel.Selected || sel.Selected == 0 {
		t.Errorf("%d picks of %d selected samples", len(picked), sel.Selected)
	}
	if diff := cmp.Diff(perRange, sel.PerRange); diff != "" {
		t.Errorf("per range (-picks +selection):\n%s", diff)
	}
	var want []string
	for i, raw := range records {
		if picked[int64(i)] {
			want = append(want, raw)
		}
	}
	content := string(runtest.Lines(want))
	if format == dataset.Array {
		content = "[\n" + strings.Join(want, ",\n") + "\n]\n"
	}
	if diff := cmp.Diff(content, string(f.Read(sel.Outputs.Subset))); diff != "" {
		t.Errorf("subset (-want +got):\n%s", diff)
	}
	if !strings.HasSuffix(sel.Outputs.Subset, "/subset."+string(format)) {
		t.Errorf("the subset is %s, want one of format %s", sel.Outputs.Subset, format)
	}
	lines := rejected(t, f, sel)
	if len(lines)+sel.Selected != len(records) {
		t.Errorf("%d selected and %d rejected of %d", sel.Selected, len(lines), len(records))
	}
	if !slices.IsSortedFunc(lines, func(a, b subset.Rejected) int { return int(a.Index - b.Index) }) {
		t.Error("rejected samples are not in the order of the dataset")
	}
}

// TestDamagedShard truncates, damages or replaces a shard. Writing a part returns an error that names the shard, and no
// part is written.
func TestDamagedShard(t *testing.T) {
	t.Parallel()
	valid, plan := scored(t, append(runtest.Plain("a", 5), "{}"))
	name := "runs/" + plan.Run + "/shards/0000/0000001.zst"
	whole := valid.Read(name)
	flipped := slices.Clone(whole)
	flipped[len(flipped)-1] ^= 1
	var other bytes.Buffer
	if err := dataset.WriteShard(&other, []dataset.Sample{{Raw: []byte("{}")}}); err != nil {
		t.Fatal(err)
	}
	for damage, content := range map[string][]byte{
		"cut short": whole[:len(whole)-1], "empty": nil, "another bit": flipped,
		"another shard": other.Bytes(),
	} {
		t.Run(damage, func(t *testing.T) {
			t.Parallel()
			f, plan := scored(t, append(runtest.Plain("a", 5), "{}"))
			f.Replace(name, content)
			f.Restart()
			sel, err := f.Subsets.Select(t.Context(), plan.Run, atBudget(t, "2", selection.Rules{}), run.Allowance{})
			if err != nil {
				t.Fatal(err)
			}
			f.Take(0)
			err = f.Subsets.WritePart(t.Context(), events.PartTask{Run: plan.Run, Selection: sel.ID})
			if err == nil || !strings.Contains(err.Error(), "reading "+name) {
				t.Errorf("writing a part: error %v, want one that names %s", err, name)
			}
			if parts := f.Objects("tmp/" + plan.Run + "/" + sel.ID + "/parts/"); len(parts) > 0 {
				t.Errorf("parts %v are written", parts)
			}
		})
	}
}

// TestPartsParseNothing replaces the records of a scored run by bytes that no parser accepts. They are written
// unchanged.
func TestPartsParseNothing(t *testing.T) {
	t.Parallel()
	f, plan := scored(t, runtest.Plain("a", 3))
	var shard bytes.Buffer
	samples := []dataset.Sample{{Raw: []byte("no JSON")}, {Raw: []byte("[")}, {Raw: []byte("}")}}
	for i := range samples {
		samples[i].Place.Element = int64(i)
	}
	if err := dataset.WriteShard(&shard, samples); err != nil {
		t.Fatal(err)
	}
	f.Replace("runs/"+plan.Run+"/shards/0000/0000000.zst", shard.Bytes())
	f.Restart()
	sel := selectNow(t, f, plan, atBudget(t, "100%", selection.Rules{}))
	if got := string(f.Read(sel.Outputs.Subset)); got != "[\nno JSON,\n[,\n}\n]\n" {
		t.Errorf("subset %q", got)
	}
}
