package subset_test

import (
	"bytes"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/harvest-ml/harvest/shared/bucket"
	"github.com/harvest-ml/harvest/shared/run"
	"github.com/harvest-ml/harvest/shared/run/runtest"
	"github.com/harvest-ml/harvest/shared/scores"
	"github.com/harvest-ml/harvest/shared/selection"
	"github.com/harvest-ml/harvest/shared/subset"
)

// TestExternalKept reads the columns of a file of numbers that a selection has stored for its run. If these columns are
// missing or damaged, they are read from the file itself. The numbers are the same.
func TestExternalKept(t *testing.T) {
	t.Parallel()
	f, plan := numbered(t)
	f.Upload("datasets/demo/two.csv", []byte("id,relevance,deep\na00,1,-.5\na01,3,\nzz,9,9\na03,2,1e300\n"))
	request := selection.Request{
		Budget: runtest.Budget(t, "2"), ScoresFrom: "two.csv", Rules: selection.Rules{TieBreak: "relevance"},
	}
	first := selectNow(t, f, plan, request)
	from := first.Parameters.Request.ScoresFrom
	objects := f.Objects("runs/" + plan.Run + "/external/")
	if len(objects) != 1 {
		t.Fatalf("kept are %q, want one object", objects)
	}
	kept, given := objects[0], "external/"+strings.TrimPrefix(from, selection.ExternalPrefix)
	whole := f.Read(kept)
	read := func() map[string][]float64 {
		t.Helper()
		f.Restart()
		columns := map[string][]float64{}
		for _, name := range []string{"deep", "level", "relevance"} {
			values, err := f.Subsets.Column(t.Context(), plan, from, name)
			if err != nil {
				t.Fatal(err)
			}
			columns[name] = values
		}
		names, err := f.Subsets.ColumnNames(t.Context(), plan, from)
		if diff := cmp.Diff([]string{"deep", "level", "relevance"}, names); err != nil || diff != "" {
			t.Errorf("%v, columns (-want +got):\n%s", err, diff)
		}
		return columns
	}
	all := f.Work
	f.Remove(kept)
	want := read()
	if want["deep"][3] != 1e300 || want["deep"][0] != -.5 || want["relevance"][1] != 3 {
		t.Errorf("the file has %v", want)
	}
	var short bytes.Buffer
	if err := scores.WriteNumbers(&short, &scores.Numbers{
		Names: []string{"deep", "relevance"}, Values: [][]float64{{1}, {1}},
		About: `{"names": ["relevance", "deep"], "ids": 1}`,
	}); err != nil {
		t.Fatal(err)
	}
	for name, content := range map[string][]byte{
		"whole": whole, "cut short": whole[:len(whole)/2], "empty": {}, "other bytes": []byte("id,deep\na00,7\n"),
		"of another run": short.Bytes(), "flipped": flipped(whole),
	} {
		f.Work = all
		if f.Replace(kept, content); name == "whole" {
			f.Remove(given)
		}
		if diff := cmp.Diff(want, read(), cmpopts.EquateNaNs()); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}

// TestExternalDamaged reads a file of numbers that an earlier version stored without compression. If a file is damaged,
// the error names it.
func TestExternalDamaged(t *testing.T) {
	t.Parallel()
	f, plan := numbered(t)
	const text = "id,relevance\na00,1\na01,3\n"
	from, err := subset.StoreExternal(t.Context(), f.Work, []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	given := "external/" + strings.TrimPrefix(from, selection.ExternalPrefix)
	packed := f.Read(given)
	for name, tt := range map[string]struct {
		content []byte
		damaged bool
	}{
		"as stored": {packed, false}, "not compressed": {[]byte(text), false},
		"cut short": {packed[:len(packed)-5], true}, "another": {[]byte("id,relevance\na00,2\n"), true},
	} {
		f.Replace(given, tt.content)
		f.Restart()
		values, err := f.Subsets.Column(t.Context(), plan, from, "relevance")
		_, lost := errors.AsType[*bucket.LostError](err)
		if lost != tt.damaged || err != nil && !lost || err == nil && values[1] != 3 {
			t.Errorf("%s: numbers %v, error %v", name, values, err)
		}
		if lost && !strings.Contains(err.Error(), "give the file of scores_from again") {
			t.Errorf("%s: error %v", name, err)
		}
	}
}

// TestExternalGivenAgain gives a file of numbers again after all its stored objects were damaged. The file is stored as
// another object, and selections are the same as before. Objects are never replaced.
func TestExternalGivenAgain(t *testing.T) {
	t.Parallel()
	f, plan := numbered(t)
	request := selection.Request{
		Budget: runtest.Budget(t, "2"), ScoresFrom: "n.csv",
		Rules: selection.Rules{Strategy: selection.Top, By: "relevance"},
	}
	first := selectNow(t, f, plan, request)
	want := ids(t, f, first)
	given := first.Parameters.Request.ScoresFrom
	stored := f.Objects("external/")[0]
	packed := f.Read(stored)
	for i, damage := range [][]byte{packed[:len(packed)/2], []byte("id,relevance\na00,1\n"), {}} {
		objects := f.Objects("external/")
		f.Replace(objects[len(objects)-1], damage)
		f.Remove(run.Folder(plan.Run) + "external/") // the columns that the run keeps
		f.Remove(run.Folder(plan.Run) + "selections/")
		f.Restart()
		request.ScoresFrom = given
		_, err := f.Subsets.Select(t.Context(), plan.Run, request, run.Allowance{})
		if _, lost := errors.AsType[*bucket.LostError](err); !lost {
			t.Errorf("damage %d: error %v, want that of a lost object", i, err)
		}
		request.ScoresFrom = "n.csv"
		if again := selectNow(t, f, plan, request); again.ID != first.ID || !slices.Equal(ids(t, f, again), want) {
			t.Errorf("damage %d: selection %s of %q, want %s of %q", i, again.ID, ids(t, f, again), first.ID, want)
		}
		if kept := f.Objects("external/"); len(kept) != len(objects)+1 {
			t.Errorf("damage %d: stored are %q", i, kept)
		}
	}
	content := []byte("id,relevance\na00,1\na01,3\na03,2\nzz,9\n") // content of n.csv
	if from, err := subset.StoreExternal(t.Context(), f.Work, content); err != nil || from != given {
		t.Errorf("given once more: %s, error %v; want %s", from, err, given)
	}
	if kept := f.Objects("external/"); len(kept) != 4 {
		t.Errorf("given once more: stored are %q", kept)
	}
}

// flipped returns a file in which one byte of each page is changed.
func flipped(file []byte) []byte {
	changed := slices.Clone(file)
	for i := 30; i < len(file)/3; i += 20 {
		changed[i] ^= 0xff
	}
	return changed
}

// TestExternalKeptOnce makes another selection by a stored file of numbers. The selection and its report on the file
// are the same as with the file itself, and nothing more is stored.
func TestExternalKeptOnce(t *testing.T) {
	t.Parallel()
	f, plan := numbered(t)
	request := selection.Request{
		Budget: runtest.Budget(t, "2"), ScoresFrom: "n.csv", Rules: selection.Rules{TieBreak: "relevance"},
	}
	first := selectNow(t, f, plan, request)
	kept := f.Objects("runs/" + plan.Run + "/external/")
	f.Remove("external/")
	f.Restart()
	request.ScoresFrom = first.Parameters.Request.ScoresFrom
	request.Rules = selection.Rules{Strategy: selection.Top, By: "-relevance"}
	second := selectNow(t, f, plan, request)
	if diff := cmp.Diff(first.Numbers, second.Numbers); diff != "" || first.Numbers.Example != "zz" {
		t.Errorf("numbers (-first +second):\n%s", diff)
	}
	if got := ids(t, f, second); !slices.Equal(got, []string{"a00", "a03"}) {
		t.Errorf("selected are %q", got)
	}
	if diff := cmp.Diff(kept, f.Objects("runs/"+plan.Run+"/external/")); diff != "" {
		t.Errorf("kept (-before +after):\n%s", diff)
	}
	request.Rules = selection.Rules{Where: conditions(t, "moon>1")}
	_, err := f.Subsets.Select(t.Context(), plan.Run, request, run.Allowance{})
	if reason := runtest.Refusal(t, err); !strings.Contains(reason, "known are: relevance, level") {
		t.Errorf("refused by %q", reason)
	}
}
