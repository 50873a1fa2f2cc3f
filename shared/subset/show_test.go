package subset_test

import (
	"bytes"
	"strings"
	"testing"

	"github.com/harvest-ml/harvest/shared/run/runtest"
	"github.com/harvest-ml/harvest/shared/scores"
	"github.com/harvest-ml/harvest/shared/subset"
)

// TestShow shows samples of every outcome, from several shards and ranges.
func TestShow(t *testing.T) {
	t.Parallel()
	f, plan := varied(t)
	got, err := f.Subsets.Show(t.Context(), plan.Run, []string{"b01", "bad", "a00"})
	if err != nil {
		t.Fatal(err)
	}
	byID := map[string][]subset.Shown{}
	for _, s := range got {
		byID[s.ID] = append(byID[s.ID], s)
		if !strings.Contains(string(s.Record), `"`+s.ID+`"`) || s.Place.Manifest != "a.json" ||
			s.Place.Element != s.Index+1 {
			t.Errorf("%s at %d, %s: record %s", s.ID, s.Index, s.Place, s.Record)
		}
	}
	if len(got) != 4 || len(byID["a00"]) != 2 || byID["a00"][0].Index == byID["a00"][1].Index {
		t.Fatalf("shown are %+v", got)
	}
	one := byID["b01"][0]
	if one.Status != scores.OK || one.Images != 1 || one.Turns != 1 || one.Source != "other" || len(one.Styles) == 0 ||
		len(one.Rated) != len(plan.Rubric.Capabilities) || one.Rated[0].Rating == nil || one.Rated[0].Expected == nil {
		t.Errorf("b01: %+v", one)
	}
	if bad := byID["bad"][0]; bad.Status != scores.Failed || bad.FailureCode == "" || bad.Rated != nil {
		t.Errorf("bad: %+v", bad)
	}
	_, err = f.Subsets.Show(t.Context(), plan.Run, []string{"zz"})
	if reason := runtest.Refusal(t, err); !strings.Contains(reason, `"zz"`) {
		t.Errorf("reason %q of an unknown id", reason)
	}
}

func TestShowNotScored(t *testing.T) {
	t.Parallel()
	f := runtest.New(t)
	f.Upload("datasets/demo/a.json", runtest.Array(runtest.Plain("a", 4)))
	plan := f.Begin("datasets/demo/a.json")
	_, err := f.Subsets.Show(t.Context(), plan.Run, []string{"a00"})
	if reason := runtest.Refusal(t, err); !strings.Contains(reason, "not scored yet") {
		t.Errorf("reason %q", reason)
	}
}

func TestCopyScores(t *testing.T) {
	t.Parallel()
	f, plan := varied(t)
	n := 0
	for number := range plan.Ranges {
		var file bytes.Buffer
		if err := f.Subsets.CopyScores(t.Context(), plan.Run, number, &file); err != nil {
			t.Fatal(err)
		}
		table, err := scores.Read(bytes.NewReader(file.Bytes()), int64(file.Len()))
		if err != nil {
			t.Fatal(err)
		}
		n += len(table.Records)
	}
	if int64(n) != plan.Samples {
		t.Errorf("%d samples in all score tables, want %d", n, plan.Samples)
	}
}
