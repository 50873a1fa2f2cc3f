package subset_test

import (
	"bytes"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/harvest-ml/harvest/shared/scorer"
	"github.com/harvest-ml/harvest/shared/scores"
	"github.com/harvest-ml/harvest/shared/selection"
	"github.com/harvest-ml/harvest/shared/subset"
)

// TestReadPool selects from a run's score files, and compares the picks with a selection of the run.
func TestReadPool(t *testing.T) {
	t.Parallel()
	f, plan := varied(t)
	spec := atBudget(t, "40%", selection.Rules{Unique: true, Caps: imageCap(t, "1")})
	spec.Exclude = []string{"a02"}
	want := picks(t, f, selectNow(t, f, plan, spec))
	var files [][]byte
	for _, name := range f.Objects("runs/" + plan.Run + "/scores/") {
		if strings.Count(name, "/") == 3 {
			files = append(files, f.Read(name))
		}
	}
	if len(files) < 2 {
		t.Fatalf("%d files of scores, want several", len(files))
	}
	pool, err := subset.ReadPool(t.Context(), files, spec)
	if err != nil {
		t.Fatal(err)
	}
	resolved, err := spec.Resolve(pool.Pool.Len(), pool.Pool.Capabilities, pool.Pool.StyleNames)
	if err != nil {
		t.Fatal(err)
	}
	params, err := pool.Params(t.Context(), resolved)
	if err != nil {
		t.Fatal(err)
	}
	result, err := pool.Select(params)
	if err != nil {
		t.Fatal(err)
	}
	var file bytes.Buffer
	if err := subset.WritePicks(t.Context(), &file, pool, result); err != nil {
		t.Fatal(err)
	}
	got, err := scores.ReadPicks(bytes.NewReader(file.Bytes()), int64(file.Len()))
	if err != nil {
		t.Fatal(err)
	}
	for i := range want {
		want[i].Range, want[i].Position = 0, 0
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("picks (-run +files):\n%s", diff)
	}
}

// TestReadForeignPool reads scores whose hashes another program wrote.
func TestReadForeignPool(t *testing.T) {
	t.Parallel()
	var records []scores.Record
	long := strings.Repeat("ab", 40)
	for _, twin := range []string{long, long, "sha1:c0ffee", "sha1:c0ffed", "", ""} {
		records = append(records, scores.Record{
			ID: twin, Source: "s", Content: "x", Twin: twin, Status: scores.OK,
			Result: scorer.Result{Styles: []string{"yes/no"}, Ratings: []int8{3}, Expected: []float32{3}},
		})
	}
	var file bytes.Buffer
	if err := scores.Write(&file, []string{"humanities"}, records); err != nil {
		t.Fatal(err)
	}
	spec := atBudget(t, "100%", selection.Rules{Unique: true})
	pool, err := subset.ReadPool(t.Context(), [][]byte{file.Bytes()}, spec)
	if err != nil {
		t.Fatal(err)
	}
	resolved, err := spec.Resolve(pool.Pool.Len(), pool.Pool.Capabilities, pool.Pool.StyleNames)
	if err != nil {
		t.Fatal(err)
	}
	params, err := pool.Params(t.Context(), resolved)
	if err != nil {
		t.Fatal(err)
	}
	result, err := pool.Select(params)
	if err != nil || len(result.Picks) != 5 {
		t.Errorf("%d are selected (%v), want 5: two share a hash", len(result.Picks), err)
	}
}
