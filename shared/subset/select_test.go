package subset_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/harvest-ml/harvest/shared/dataset"
	"github.com/harvest-ml/harvest/shared/events"
	"github.com/harvest-ml/harvest/shared/images"
	"github.com/harvest-ml/harvest/shared/run"
	"github.com/harvest-ml/harvest/shared/run/runtest"
	"github.com/harvest-ml/harvest/shared/scores"
	"github.com/harvest-ml/harvest/shared/scores/reason"
	"github.com/harvest-ml/harvest/shared/selection"
	"github.com/harvest-ml/harvest/shared/subset"
)

func TestSelectionID(t *testing.T) {
	t.Parallel()
	f, plan := runtest.Scored(t, runtest.Plain("a", 20))
	spec := func(text string) selection.Request { return selection.Request{Budget: runtest.Budget(t, text)} }
	base := f.Select(plan, spec("30%"))
	all := plan.Rubric.Capabilities
	tests := []struct {
		name string
		spec selection.Request
		same bool
	}{
		{"ratio", spec("0.3"), true},
		{"longer ratio", spec("0.30"), true},
		{"count", spec("6"), true},
		{"ratio that rounds down to it", spec("34%"), true},
		{
			"all capabilities, spelled out",
			selection.Request{Budget: runtest.Budget(t, "6"), Rules: selection.Rules{Capabilities: all}},
			true,
		},
		{
			"defaults by their names",
			selection.Request{
				Budget: runtest.Budget(t, "6"),
				Rules:  selection.Rules{Strategy: selection.MMSSR, WithinBin: selection.ByPosition},
			},
			true,
		},
		{"other count", spec("7"), false},
		{
			"other order",
			selection.Request{
				Budget: runtest.Budget(t, "6"),
				Rules:  selection.Rules{Capabilities: append(slices.Clone(all[1:]), all[0])},
			},
			false,
		},
		{"threshold", selection.Request{Budget: runtest.Budget(t, "6"), Rules: selection.Rules{Threshold: 1}}, false},
		{
			"ratings only",
			selection.Request{Budget: runtest.Budget(t, "6"), Rules: selection.Rules{RatingsOnly: true}},
			false,
		},
		{"seed", selection.Request{Budget: runtest.Budget(t, "6"), Rules: selection.Rules{Seed: 1}}, false},
		{"everything", spec("1.0"), false},
	}
	for _, test := range tests {
		sel, err := f.Subsets.Select(t.Context(), plan.Run, test.spec, run.Allowance{})
		if err != nil {
			t.Fatal(err)
		}
		if (sel.ID == base.ID) != test.same {
			t.Errorf("%s: selection %s, and 30%% is %s; want the same: %v", test.name, sel.ID, base.ID, test.same)
		}
	}
	if got := len(f.Status(plan.Run).Selections); got != 7 {
		t.Errorf("%d selections, want 7", got)
	}
}

func TestSelectOnce(t *testing.T) {
	t.Parallel()
	f, plan := runtest.Scored(t, runtest.Plain("a", 12))
	spec := selection.Request{Budget: runtest.Budget(t, "5")}
	first := f.Select(plan, spec)
	var styles []string
	for _, share := range first.Summary.Pool.Styles {
		styles = append(styles, share.Style)
	}
	if diff := cmp.Diff(plan.Rubric.Styles, styles); diff != "" {
		t.Errorf("styles of the summary (-rubric +got):\n%s", diff)
	}
	before, steps := f.Snapshot(), f.Steps
	again, err := f.Subsets.Select(t.Context(), plan.Run, spec, run.Allowance{})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(first, again, compareBudgets); diff != "" {
		t.Errorf("selection (-first +again):\n%s", diff)
	}
	if len(f.Queue) > 0 || f.Steps > steps || !cmp.Equal(before, f.Snapshot()) {
		t.Errorf("the same selection again took %d writes and %d messages", f.Steps-steps, len(f.Queue))
	}
}

func TestSelectRefused(t *testing.T) {
	t.Parallel()
	f, plan := runtest.Scored(t, runtest.Plain("a", 12))
	tests := []struct {
		name string
		spec selection.Request
		want []string
	}{
		{"no budget", selection.Request{}, []string{"budget:", "missing"}},
		{
			"more than all",
			selection.Request{Budget: runtest.Budget(t, "13")},
			[]string{"budget:", "13", "the most is 12"},
		},
		{"less than one", selection.Request{Budget: runtest.Budget(t, "5%")}, []string{"budget:", "the least is 1"}},
		{
			"threshold too high",
			selection.Request{Budget: runtest.Budget(t, "1"), Rules: selection.Rules{Threshold: 5}},
			[]string{"threshold: 5", "-1 to 4"},
		},
		{
			"threshold too low",
			selection.Request{Budget: runtest.Budget(t, "1"), Rules: selection.Rules{Threshold: -2}},
			[]string{"threshold: -2"},
		},
		{
			"capabilities",
			selection.Request{
				Budget: runtest.Budget(t, "1"),
				Rules:  selection.Rules{Capabilities: []string{"wit", "humanities", "humanities"}},
			},
			[]string{`capabilities: "wit" is unknown; known are: `, `capabilities: "humanities" is named twice`},
		},
	}
	before := f.Snapshot()
	for _, test := range tests {
		_, err := f.Subsets.Select(t.Context(), plan.Run, test.spec, run.Allowance{})
		reason := runtest.Refusal(t, err)
		for _, want := range test.want {
			if !strings.Contains(reason, want) {
				t.Errorf("%s: the reason %q lacks %q", test.name, reason, want)
			}
		}
		if _, err := plan.Resolve(test.spec); err == nil || err.Error() != reason {
			t.Errorf("%s: Resolve says %v, and Select %q", test.name, err, reason)
		}
	}
	if diff := cmp.Diff(before, f.Snapshot()); diff != "" {
		t.Errorf("objects (-before +after):\n%s", diff)
	}
}

func TestSelectNotScored(t *testing.T) {
	t.Parallel()
	f := runtest.NewMixed(t)
	plan := f.Begin(runtest.MixedManifest)
	_, err := f.Subsets.Select(t.Context(), plan.Run, plan.Selection, run.Allowance{})
	if !errors.Is(err, run.ErrNotScored) {
		t.Errorf("got error %v, want ErrNotScored", err)
	}
	for _, id := range []string{"0123456789ab", "../x"} {
		if _, err := f.Subsets.Selection(t.Context(), plan.Run, id); !errors.Is(err, subset.ErrNoSelection) {
			t.Errorf("selection %s: error %v, want ErrNoSelection", id, err)
		}
	}
}

func TestRejected(t *testing.T) {
	t.Parallel()
	odd := []string{
		runtest.Record(
			"poor",
			runtest.Worthless,
		), runtest.Record("mute", runtest.Unrated), runtest.Record("odd", runtest.Styleless), runtest.Record("bad", runtest.Unratable),
		`{"id": "hollow"}`, runtest.Record("p", "Gone.", "gone.png"),
	}
	f, plan := runtest.Scored(
		t,
		slices.Concat(runtest.Plain("a", 1), []string{runtest.Record("a00", "Again.")}, odd, runtest.Plain("b", 2)),
	)
	sel := f.Select(plan, selection.Request{Budget: runtest.Budget(t, "2")})
	type line struct {
		Status scores.Status
		Code   reason.Code
		Place  int64 // element; 0 if the line has none
	}
	got := map[string]line{}
	outranked := 0
	for _, r := range rejected(t, f, sel) {
		if !strings.HasPrefix(r.Reason, r.Code.Phrase()) {
			t.Errorf("the code %s has the reason %q", r.Code, r.Reason)
		}
		l := line{Status: r.Status, Code: r.Code}
		if r.Place != nil {
			l.Place = r.Place.Element
			if r.Place.Manifest != "a.json" || r.Place.Element != r.Index+1 {
				t.Errorf("sample %s has index %d and place %v", r.ID, r.Index, r.Place)
			}
		}
		if r.Code == "outranked" {
			outranked++
			continue
		}
		got[r.ID] = l
	}
	want := map[string]line{
		"poor": {
			scores.OK,
			"below_threshold",
			0,
		}, "mute": {scores.OK, "no_rating", 0}, "odd": {scores.OK, run.NoKnownStyle, 0},
		"bad": {scores.Failed, "unratable", 6}, "hollow": {scores.Failed, dataset.NoConversation, 7},
		"p": {scores.Failed, images.NotFound, 8},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("rejected (-want +got):\n%s", diff)
	}
	if outranked == 0 || outranked+len(got)+sel.Selected > 10 {
		t.Errorf("%d are outranked, %d selected", outranked, sel.Selected)
	}
}

func TestShortfall(t *testing.T) {
	t.Parallel()
	f, plan := runtest.Scored(
		t,
		append(
			runtest.Plain("a", 6),
			runtest.Record("bad", runtest.Unratable),
			runtest.Record("poor", runtest.Worthless),
		),
	)
	sel := f.Select(plan, selection.Request{Budget: runtest.Budget(t, "100%")})
	if sel.Parameters.Budget != 8 || sel.Selected != 6 || sel.Shortfall != 2 || sel.Summary.Selection.Samples != 6 {
		t.Errorf(
			"selected %d of a budget of %d with a shortfall of %d, want 6 of 8 with 2",
			sel.Selected,
			sel.Parameters.Budget,
			sel.Shortfall,
		)
	}
	if n := len(rejected(t, f, sel)); n != 2 {
		t.Errorf("%d are rejected, want 2", n)
	}
	// Ratings of 0 exceed a threshold of -1.
	if sel := f.Select(plan, selection.Request{Budget: runtest.Budget(t, "100%"), Rules: selection.Rules{Threshold: -1}}); sel.Selected != 7 {
		t.Errorf("above -1 %d are selected, want 7", sel.Selected)
	}
}

func TestNothingSelected(t *testing.T) {
	t.Parallel()
	f, plan := runtest.Scored(
		t,
		[]string{runtest.Record("bad", runtest.Unratable), runtest.Record("poor", runtest.Worthless)},
	)
	f.Published = nil
	sel := f.Select(plan, selection.Request{Budget: runtest.Budget(t, "1")})
	if sel.Selected != 0 || sel.Outputs.Subset != "" || f.SelectionState(plan.Run, sel.ID) != subset.StateFailed {
		t.Errorf("a selection of nothing is %+v", sel)
	}
	for _, words := range []string{"no sample can be selected", "below threshold", "1 of 2", "sample poor", "element 2",
		"threshold: every rating is 0, and a rating must exceed the threshold, which is 0; give -1"} {
		if !strings.Contains(sel.Problem, words) {
			t.Errorf("the problem %q lacks %q", sel.Problem, words)
		}
	}
	f.Select(plan, selection.Request{Budget: runtest.Budget(t, "1")})
	if diff := cmp.Diff([]string{plan.Run + "/" + sel.ID}, f.EventIDs(events.SelectionFailed)); diff != "" {
		t.Errorf("events of failed selections (-want +got):\n%s", diff)
	}
	if ids := f.EventIDs(events.SelectionCompleted); len(ids) > 0 {
		t.Errorf("selections of nothing are completed: %q", ids)
	}
}

func TestSubset(t *testing.T) {
	t.Parallel()
	// Bytes that any rewriting of the JSON would change.
	odd := func(i int) string {
		return fmt.Sprintf(
			`{"conversations" :[{"from":"human","value":"\u0041 <b>&nbsp;?"}, {"value":"é %d","from":"gpt"}],"x":1.50 , "x":1e2, "y":"%s", "id":"odd%d"}`,
			i,
			"\u2028",
			i,
		)
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
		{
			"array",
			map[string][]byte{"a.json": runtest.Array(append(records[:9:9], spanning))},
			append(records[:9:9], spanning),
			dataset.Array,
		},
		{"lines", map[string][]byte{"a.jsonl": []byte("\n" + strings.Join(records, "\r\n\n"))}, records, dataset.Lines},
		{
			"lines twice",
			map[string][]byte{"a.jsonl": runtest.Lines(records[:5]), "b.jsonl": runtest.Lines(records[5:])},
			records,
			dataset.Lines,
		},
		{"array and lines", map[string][]byte{
			"a.json": runtest.Array(
				append(records[:3:3], spanning),
			), "b.jsonl": runtest.Lines(records[3:6]), "c.json": runtest.Array(records[6:]),
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
				sel := f.Select(plan, plan.Selection)

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
				for i, raw := range test.records {
					if picked[int64(i)] {
						want = append(want, raw)
					}
				}
				content := string(runtest.Lines(want))
				if test.format == dataset.Array {
					content = "[\n" + strings.Join(want, ",\n") + "\n]\n"
				}
				if diff := cmp.Diff(content, string(f.Read(sel.Outputs.Subset))); diff != "" {
					t.Errorf("subset (-want +got):\n%s", diff)
				}
				if !strings.HasSuffix(sel.Outputs.Subset, "/subset."+string(test.format)) {
					t.Errorf("the subset is %s, want one of format %s", sel.Outputs.Subset, test.format)
				}
				lines := rejected(t, f, sel)
				if len(lines)+sel.Selected != len(test.records) {
					t.Errorf("%d selected and %d rejected of %d", sel.Selected, len(lines), len(test.records))
				}
				if !slices.IsSortedFunc(lines, func(a, b subset.Rejected) int { return int(a.Index - b.Index) }) {
					t.Error("rejected samples are not in the order of the dataset")
				}
			})
		}
	}
}
