package subset_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/harvest-ml/harvest/shared/events"
	"github.com/harvest-ml/harvest/shared/run"
	"github.com/harvest-ml/harvest/shared/run/runtest"
	"github.com/harvest-ml/harvest/shared/selection"
	"github.com/harvest-ml/harvest/shared/subset"
)

// TestSelectRefused checks that an invalid request makes no selection, and that the error has the allowed values.
// Plan.Resolve returns the same error.
func TestSelectRefused(t *testing.T) {
	t.Parallel()
	f, plan := scored(t, runtest.Plain("a", 12))
	tests := []struct {
		name string
		spec selection.Request
		want []string
	}{
		{"no budget", selection.Request{}, []string{"budget:", "missing"}},
		{"more than all", atBudget(t, "13", selection.Rules{}), []string{"budget:", "13", "the most is 12"}},
		{"less than one", atBudget(t, "5%", selection.Rules{}), []string{"budget:", "the least is 1"}},
		{"threshold too high", atBudget(t, "1", selection.Rules{Threshold: 5}), []string{"threshold: 5", "-1 to 4"}},
		{"threshold too low", atBudget(t, "1", selection.Rules{Threshold: -2}), []string{"threshold: -2"}},
		{
			"threshold of a capability too high",
			atBudget(t, "1", selection.Rules{Thresholds: map[string]int{"humanities": 99, "causal reasoning": 4}}),
			[]string{`thresholds: "humanities" has 99`, "-1 to 4"},
		},
		{
			"capabilities",
			atBudget(t, "1", selection.Rules{Capabilities: []string{"wit", "humanities", "humanities"}}),
			[]string{`capabilities: "wit" is unknown; known are: `, `capabilities: "humanities" is named twice`},
		},
	}
	before := f.Snapshot()
	for _, test := range tests {
		reason := checkRefused(t, f, plan, test.name, test.spec, test.want)
		if _, err := plan.Resolve(test.spec); err == nil || err.Error() != reason {
			t.Errorf("%s: Resolve says %v, and Select %q", test.name, err, reason)
		}
	}
	if diff := cmp.Diff(before, f.Snapshot()); diff != "" {
		t.Errorf("objects (-before +after):\n%s", diff)
	}
}

// checkRefused requests a selection that is refused. It checks that the reason contains some words, and returns it.
func checkRefused(
	t *testing.T, f *runtest.Fixture, plan *run.Plan, name string, spec selection.Request, words []string,
) string {
	t.Helper()
	_, err := f.Subsets.Select(t.Context(), plan.Run, spec, run.Allowance{})
	reason := runtest.Refusal(t, err)
	for _, want := range words {
		if !strings.Contains(reason, want) {
			t.Errorf("%s: the reason %q lacks %q", name, reason, want)
		}
	}
	return reason
}

// TestNamesRefused requests samples that the run does not have, or that cannot be selected.
func TestNamesRefused(t *testing.T) {
	t.Parallel()
	f, plan := varied(t)
	tests := map[string]struct {
		budget           string
		include, exclude []string
		want             []string
	}{
		"unknown include": {
			"2", []string{"a00", "zz"}, nil,
			[]string{`include: the run has no sample "zz"`, "zz\"; remove it"},
		},
		"no third a00":        {"2", []string{"a00#3"}, nil, []string{`include: the run has no sample "a00#3"`}},
		"unknown exclude":     {"2", nil, []string{"zz"}, []string{`exclude: the run has no sample "zz"`}},
		"include of a failed": {"2", []string{"bad"}, nil, []string{`include: sample "bad" was not scored; remove it`}},
		"too many includes":   {"1", []string{"a00#2", "a01"}, nil, []string{"budget: 1", "the least is 2"}},
		"in and out": {
			"2", []string{"a00"}, []string{"a00"}, []string{`include: sample "a00#2" is excluded`, "excluded"},
		},
		"in and out by number": {
			"2", []string{"a00#2"}, []string{"a00"}, []string{`include: sample "a00#2" is excluded`},
		},
	}
	before := f.Snapshot()
	for name, test := range tests {
		spec := selection.Request{
			Budget: runtest.Budget(t, test.budget), Include: test.include, Exclude: test.exclude,
		}
		checkRefused(t, f, plan, name, spec, test.want)
	}
	if diff := cmp.Diff(before, f.Snapshot()); diff != "" {
		t.Errorf("objects (-before +after):\n%s", diff)
	}
}

// TestRulesRefused requests rules and budgets that the run cannot fulfil.
func TestRulesRefused(t *testing.T) {
	t.Parallel()
	f, plan := varied(t)
	within := func(budget, smaller string) selection.Request {
		return selection.Request{
			Budget: runtest.Budget(t, budget), Within: []selection.Budget{runtest.Budget(t, smaller)},
		}
	}
	tests := map[string]struct {
		spec selection.Request
		want []string
	}{
		"minimum": {
			atBudget(t, "9", selection.Rules{Minimums: map[string]int{"other": 5}}),
			[]string{`minimums: 5 samples of "other"`, "the most is 4"},
		},
		"source": {
			atBudget(t, "2", selection.Rules{Sources: selection.Filter{Keep: []string{"moon"}}}),
			[]string{`"moon" is unknown`, "tests, other"},
		},
		"style": {
			atBudget(t, "2", selection.Rules{Styles: selection.Filter{Drop: []string{"sonnet"}}}),
			[]string{`"sonnet" is unknown`},
		},
		"strategy": {
			atBudget(t, "2", selection.Rules{Strategy: "best"}),
			[]string{`strategy: "best" is unknown`, "mmssr, descending, random, top, stratified"},
		},
		"weight": {
			atBudget(t, "2", selection.Rules{Weights: map[string]float64{"humanities": -1}}),
			[]string{`weights: "humanities"`, "give 1e-06"},
		},
		"tokens":             {atBudget(t, "9M-tokens", selection.Rules{}), []string{"budget: 9000000 tokens", "give 1 to"}},
		"mixed budgets":      {within("9", "10-tokens"), []string{"all be in samples, or all in tokens"}},
		"descending budgets": {within("3", "5"), []string{"budget: 3 follows 5", "give budgets in ascending order"}},
	}
	before := f.Snapshot()
	for name, test := range tests {
		checkRefused(t, f, plan, name, test.spec, test.want)
	}
	if diff := cmp.Diff(before, f.Snapshot()); diff != "" {
		t.Errorf("objects (-before +after):\n%s", diff)
	}
}

// TestAutomaticRefused refuses the selection that a dataset requests after its run was scored. Status, lists and an
// event have the reason, and the run stays scored. After the cause is fixed, the same request makes the selection.
func TestAutomaticRefused(t *testing.T) {
	t.Parallel()
	f := runtest.New(t)
	f.Upload("datasets/demo/a.json", runtest.Array(runtest.Plain("a", 12)))
	f.Upload("datasets/demo/dataset.yaml",
		[]byte("manifests: [a.json]\nbudget: 50%\nexclude_near: [evaluations/set.jsonl]\n"))
	_, err := f.Arrive("datasets/demo/dataset.yaml")
	runtest.Refusal(t, err) // ingest logs it
	f.Queue = slices.DeleteFunc(f.Queue, func(d runtest.Delivery) bool {
		return d.Attributes[events.AttrTask] == events.TaskPlan
	})
	ids, err := f.Runs.Runs(t.Context())
	if err != nil || len(ids) != 1 {
		t.Fatalf("runs are %v, error %v", ids, err)
	}
	plan, err := f.Runs.Plan(t.Context(), ids[0])
	if err != nil {
		t.Fatal(err)
	}
	f.Finish(plan)

	const problem = "exclude_near: evaluations/set.jsonl"
	status := f.Status(plan.Run)
	if status.State != run.StateScored || !strings.Contains(status.SelectionProblem, problem) {
		t.Errorf("state %s, the selection's problem %q", status.State, status.SelectionProblem)
	}
	listed, _, err := f.Subsets.ListPage(t.Context(), plan.Run, "", 10)
	if err != nil {
		t.Fatal(err)
	}
	if len(listed) != 1 || listed[0].State != subset.StateFailed || !strings.Contains(listed[0].Problem, problem) {
		t.Fatalf("listed are %+v", listed)
	}
	if diff := cmp.Diff([]string{plan.Run + "/" + listed[0].ID}, f.EventIDs(events.SelectionFailed)); diff != "" {
		t.Errorf("events of failed selections (-want +got):\n%s", diff)
	}
	automatic, err := f.Subsets.Automatic(t.Context())
	want := []subset.Automatic{{Run: plan.Run, Selection: listed[0].ID}}
	if err != nil || !slices.Equal(automatic, want) {
		t.Errorf("automatic are %v, want %v; error %v", automatic, want, err)
	}

	f.Upload("evaluations/set.jsonl", []byte(`{"question": "What?", "answer": "Nothing."}`+"\n"))
	f.Begin("datasets/demo/dataset.yaml")
	f.Finish(plan)
	status = f.Status(plan.Run)
	if status.SelectionProblem != "" || len(status.Selections) != 1 {
		t.Errorf("after its cause is gone the problem is %q, and selections are %v",
			status.SelectionProblem, status.Selections)
	}
}
