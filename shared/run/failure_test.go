package run_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/harvest-ml/harvest/shared/events"
	"github.com/harvest-ml/harvest/shared/run"
	"github.com/harvest-ml/harvest/shared/run/runtest"
	"github.com/harvest-ml/harvest/shared/selection"
)

func allow(t *testing.T, text string) run.Allowance {
	t.Helper()
	a, err := run.ParseAllowance(text)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// A run with more failed samples than it allows is failed: nothing is selected from it, unless a request allows more.
func TestTooManyFailed(t *testing.T) {
	t.Parallel()
	records := append(runtest.Plain("a", 6),
		runtest.Record("bad1", runtest.Unratable), runtest.Record("bad2", runtest.Unratable))
	for _, test := range []struct{ allowed, state string }{
		{"", run.StateScored}, {"25%", run.StateScored}, {"0.25", run.StateScored}, {"2", run.StateScored},
		{"100%", run.StateScored}, {"24%", run.StateFailed}, {"1", run.StateFailed}, {"0", run.StateFailed},
		{"0%", run.StateFailed},
	} {
		t.Run("allowed "+test.allowed, func(t *testing.T) {
			t.Parallel()
			f := runtest.New(t)
			if test.allowed != "" {
				f.Limits.MaxFailed = allow(t, test.allowed)
			}
			f.Limits.Budget = runtest.Budget(t, "2")
			f.Upload("datasets/demo/a.json", runtest.Array(records))
			plan := f.Begin("datasets/demo/a.json")
			f.Finish(plan)
			st := f.Status(plan.Run)
			if st.State != test.state || !st.IsScored() {
				t.Errorf("state %s, want %s", st.State, test.state)
			}
			if diff := cmp.Diff([]string{plan.Run}, f.EventIDs(events.RunScored)); diff != "" {
				t.Errorf("events run.scored (-want +got):\n%s", diff)
			}
			failed := f.EventIDs(events.RunFailed)
			if test.state == run.StateScored {
				if len(failed) != 0 || len(st.Selections) != 1 || st.Problem != "" {
					t.Errorf("selections %q, failed %q, problem %q", st.Selections, failed, st.Problem)
				}
				return
			}
			if diff := cmp.Diff([]string{plan.Run + "/failed"}, failed); diff != "" || len(st.Selections) != 0 {
				t.Errorf("selections %q, events run.failed (-want +got):\n%s", st.Selections, diff)
			}
			for _, words := range []string{"2 of 8 samples failed", test.allowed + " may fail", "bad1", "a.json: element 7"} {
				if !strings.Contains(st.Problem, words) {
					t.Errorf("the problem %q lacks %q", st.Problem, words)
				}
			}
			request := selection.Request{Budget: runtest.Budget(t, "2")}
			_, err := f.Subsets.Select(t.Context(), plan.Run, request, run.Allowance{})
			refused, ok := errors.AsType[*run.RefusedError](err)
			if !ok || !strings.Contains(refused.Reason, "max_failed: 25%") {
				t.Errorf("a selection is refused by %v", err)
			}
			sel, err := f.Subsets.Select(t.Context(), plan.Run, request, allow(t, "25%"))
			if err != nil || sel.Selected != 2 {
				t.Errorf("with a larger allowance, the selection is %+v, %v", sel, err)
			}
		})
	}
}

// A run without a scored sample is failed, whatever it allows.
func TestAllFailed(t *testing.T) {
	t.Parallel()
	f := runtest.New(t)
	f.Limits.MaxFailed = allow(t, "100%")
	f.Upload("datasets/demo/a.json", runtest.Array([]string{runtest.Record("bad", runtest.Unratable)}))
	plan := f.Begin("datasets/demo/a.json")
	f.Finish(plan)
	if st := f.Status(plan.Run); st.State != run.StateFailed ||
		!strings.Contains(st.Problem, "the only sample cannot be selected") {
		t.Errorf("state %s, problem %q", st.State, st.Problem)
	}
	_, err := f.Subsets.Select(t.Context(), plan.Run, selection.Request{Budget: runtest.Budget(t, "1")}, allow(t, "100%"))
	if _, refused := errors.AsType[*run.RefusedError](err); !refused {
		t.Errorf("a selection is answered %v, want a refusal", err)
	}
}

// A dataset that is uploaded again and allows more failed samples gets its selection.
func TestAllowMoreLater(t *testing.T) {
	t.Parallel()
	f := runtest.New(t)
	f.Limits.MaxFailed = allow(t, "5%")
	records := append(runtest.Plain("a", 3), runtest.Record("bad", runtest.Unratable))
	f.Upload("datasets/demo/parts/a.json", runtest.Array(records))
	f.Upload("datasets/demo/dataset.yaml", []byte("manifests: [parts/a.json]\nbudget: 2\n"))
	plan := f.Begin("datasets/demo/dataset.yaml")
	f.Finish(plan)
	if st := f.Status(plan.Run); st.State != run.StateFailed || len(st.Selections) != 0 {
		t.Fatalf("state %s, selections %q", st.State, st.Selections)
	}
	f.Upload("datasets/demo/dataset.yaml", []byte("manifests: [parts/a.json]\nbudget: 2\nmax_failed: 1\n"))
	again := f.Begin("datasets/demo/dataset.yaml")
	f.Finish(again)
	if st := f.Status(plan.Run); again.Run != plan.Run || len(st.Selections) != 1 {
		t.Errorf("run %s, selections %q, want one of run %s", again.Run, st.Selections, plan.Run)
	}
}
