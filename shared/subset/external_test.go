package subset_test

import (
	"bytes"
	"compress/gzip"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/harvest-ml/harvest/shared/run"
	"github.com/harvest-ml/harvest/shared/run/runtest"
	"github.com/harvest-ml/harvest/shared/selection"
	"github.com/harvest-ml/harvest/shared/subset"
)

// conditions parses conditions.
func conditions(t *testing.T, texts ...string) (all []selection.Condition) {
	t.Helper()
	for _, text := range texts {
		c, err := selection.ParseCondition(text)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, c)
	}
	return all
}

// numbered returns a fixture with a scored run of four samples, whose records have the field level, and a file of
// numbers.
func numbered(t *testing.T) (*runtest.Fixture, *run.Plan) {
	t.Helper()
	records := runtest.Plain("a", 4)
	for i, level := range []string{"1", "2.5", `"high"`, "4"} {
		records[i] = strings.Replace(records[i], "{", `{"level": `+level+`, `, 1)
	}
	f, plan := scored(t, records)
	f.Upload("datasets/demo/n.csv", []byte("id,relevance\na00,1\na01,3\na03,2\nzz,9\n"))
	return f, plan
}

// TestExternalScores selects by numbers of a file and by fields of the records.
func TestExternalScores(t *testing.T) {
	t.Parallel()
	f, plan := numbered(t)
	for name, test := range map[string]struct {
		request selection.Request
		want    []string
	}{
		"by": {selection.Request{ScoresFrom: "n.csv", Rules: selection.Rules{Strategy: selection.Top, By: "relevance"}},
			[]string{"a01", "a03", "a00", "a02"}},
		"by the lower": {
			selection.Request{ScoresFrom: "n.csv", Rules: selection.Rules{Strategy: selection.Top, By: "-relevance"}},
			[]string{"a00", "a03", "a01", "a02"}},
		"by a field": {selection.Request{Rules: selection.Rules{Strategy: selection.Top, By: "level"}},
			[]string{"a03", "a01", "a00", "a02"}},
		"where": {selection.Request{ScoresFrom: "n.csv", Rules: selection.Rules{
			Strategy: selection.Top, By: "level", Where: conditions(t, "relevance>=2", "level<9")}}, []string{"a03", "a01"}},
	} {
		test.request.Budget = runtest.Budget(t, "4")
		sel := selectNow(t, f, plan, test.request)
		if diff := cmp.Diff(test.want, ids(t, f, sel)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
		if from := sel.Parameters.Request.ScoresFrom; test.request.ScoresFrom != "" &&
			!strings.HasPrefix(from, selection.ExternalPrefix) {
			t.Errorf("%s: the selection names the file %q", name, from)
		}
		if name != "where" {
			continue
		}
		const why = "filtered by condition: it does not fulfil all of relevance>=2, level<9"
		for _, r := range rejected(t, f, sel) {
			if r.Code != "filtered_by_condition" || r.Reason != why {
				t.Errorf("%s is left out: %s: %s", r.ID, r.Code, r.Reason)
			}
		}
		explained, err := f.Subsets.Explain(t.Context(), plan.Run, sel.ID, []string{"a00"})
		if err != nil || len(explained[0].Conditions) != 2 {
			t.Errorf("explained: %+v (%v)", explained, err)
		}
	}
}

// TestExternalContent makes another selection for a file with other content, and the same selection for equal content.
func TestExternalContent(t *testing.T) {
	t.Parallel()
	f, plan := numbered(t)
	request := selection.Request{
		Budget: runtest.Budget(t, "2"), ScoresFrom: "n.csv", Rules: selection.Rules{TieBreak: "relevance"},
	}
	first := selectNow(t, f, plan, request)
	f.Upload("datasets/demo/other.csv", []byte("id,relevance\na00,1\na01,3\na03,2\nzz,9\n"))
	request.ScoresFrom = "other.csv"
	if again := selectNow(t, f, plan, request); again.ID != first.ID {
		t.Errorf("equal content under another name gives selection %s, not %s", again.ID, first.ID)
	}
	var packed bytes.Buffer
	w := gzip.NewWriter(&packed)
	if _, err := w.Write([]byte("id,relevance\na00,1\na01,3\na03,2\nzz,9\n")); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	f.Upload("datasets/demo/n.csv.gz", packed.Bytes())
	request.ScoresFrom = "n.csv.gz"
	if again := selectNow(t, f, plan, request); again.ID != first.ID {
		t.Errorf("equal content in gzip gives selection %s, not %s", again.ID, first.ID)
	}
	f.Upload("datasets/demo/n.csv", []byte("id,relevance\na00,5\n"))
	request.ScoresFrom = "n.csv"
	if changed := selectNow(t, f, plan, request); changed.ID == first.ID {
		t.Errorf("other content gives the same selection %s", first.ID)
	}
	sweep, err := f.Subsets.Sweep(t.Context(), plan.Run, subset.SweepRequest{Request: selection.Request{
		Budget: request.Budget, ScoresFrom: "n.csv", Rules: selection.Rules{By: "relevance"},
	}}, run.Allowance{})
	if err != nil || len(sweep.Rows) != 10 || sweep.Rows[9].By != "relevance" || sweep.Rows[9].Selected != 2 {
		t.Errorf("sweep %+v (%v)", sweep, err)
	}
}

// TestExternalRefused checks requests with columns or files that do not exist.
func TestExternalRefused(t *testing.T) {
	t.Parallel()
	f, plan := numbered(t)
	f.Upload("datasets/demo/text.csv", []byte("id,name\na00,x\n"))
	f.Upload("datasets/demo/mixed.csv", []byte("id,relevance,word\na00,1,2\na01,1,x\n"))
	f.Upload("datasets/demo/strange.csv", []byte("id,relevance\nq,1\n"))
	where := func(texts ...string) selection.Rules { return selection.Rules{Where: conditions(t, texts...)} }
	unknown := selection.ExternalPrefix + strings.Repeat("0", 64)
	for want, request := range map[string]selection.Request{
		"no.csv is not in the input bucket": {ScoresFrom: "no.csv", Rules: where("a>1")},
		"no column of numbers":              {ScoresFrom: "text.csv", Rules: where("a>1")},
		`column "word" of the file of numbers cannot be used: line 3 has "x"`: {
			ScoresFrom: "mixed.csv", Rules: where("word>1"),
		},
		"none of its 1 ids":                   {ScoresFrom: "strange.csv", Rules: where("relevance>1")},
		"no order uses a column of this file": {ScoresFrom: "n.csv"},
		"did you mean \"level\"":              {Rules: where("levels>1")},
		"known are: relevance, level":         {ScoresFrom: "n.csv", Rules: where("b>1")},
		"is unknown":                          {ScoresFrom: unknown, Rules: where("a>1")},
	} {
		request.Budget = runtest.Budget(t, "1")
		_, err := f.Subsets.Select(t.Context(), plan.Run, request, run.Allowance{})
		if reason := runtest.Refusal(t, err); !strings.Contains(reason, want) {
			t.Errorf("refused by %q, want %q", reason, want)
		}
	}
}

// TestExternalOfADataset names a file of numbers in dataset.yaml. The file itself starts no run.
func TestExternalOfADataset(t *testing.T) {
	t.Parallel()
	f := runtest.New(t)
	f.Upload("datasets/demo/parts/all.json", runtest.Array(runtest.Plain("a", 4)))
	f.Upload("datasets/demo/parts/n.jsonl", []byte(`{"id": "a02", "good": 1}`+"\n"+`{"id": "a03", "good": 2}`))
	f.Upload("datasets/demo/dataset.yaml", []byte(`manifests: [parts/all.json]
budget: 1
strategy: top
by: good
where: [good>=1]
scores_from: parts/n.jsonl
caps: {modality: {text-only: 3}}
`))
	plan := f.Begin("datasets/demo/dataset.yaml")
	f.Finish(plan)
	status := f.Status(plan.Run)
	if len(status.Selections) != 1 {
		t.Fatalf("selections %v, want one", status.Selections)
	}
	sel, err := f.Subsets.Selection(t.Context(), plan.Run, status.Selections[0])
	if err != nil {
		t.Fatal(err)
	}
	if got := ids(t, f, sel); len(got) != 1 || got[0] != "a03" {
		t.Errorf("selected are %q", got)
	}
}
