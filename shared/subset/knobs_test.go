package subset_test

import (
	"bytes"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/harvest-ml/harvest/shared/run"
	"github.com/harvest-ml/harvest/shared/run/runtest"
	"github.com/harvest-ml/harvest/shared/scorer"
	"github.com/harvest-ml/harvest/shared/scores"
	"github.com/harvest-ml/harvest/shared/scores/reason"
	"github.com/harvest-ml/harvest/shared/selection"
	"github.com/harvest-ml/harvest/shared/subset"
)

// from is a record of a source.
func from(source, record string) string {
	return strings.Replace(record, `"data_source":"tests"`, `"data_source":"`+source+`"`, 1)
}

// varied is a world with a scored run of 8 samples of source tests (a00 to a07), 4 of other (b00 to
// b03; b00 and b01 show one image), two that differ in their id alone (twin1, twin2), a second
// record of id a00, and one that failed (bad).
func varied(t *testing.T) (*runtest.Fixture, *run.Plan) {
	t.Helper()
	f := runtest.New(t)
	f.Upload("images/demo/p.png", runtest.PNG(t, 8, 8))
	records := runtest.Plain("a", 8)
	for i, images := range [][]string{{"p.png"}, {"p.png"}, nil, nil} {
		records = append(records, from("other", runtest.Record("b0"+string(rune('0'+i)), "Well said.", images...)))
	}
	twin := runtest.Record("twin1", "The same.")
	records = append(records, twin, strings.Replace(twin, `"id":"twin1"`, `"id":"twin2"`, 1))
	records = slices.Insert(records, 1, runtest.Record("a00", "Again."))
	f.Upload("datasets/demo/a.json", runtest.Array(append(records, runtest.Record("bad", runtest.Unratable))))
	f.Limits.RangeBytes = 2000 // a00 and its double in one range, the whole in several
	plan := f.Begin("datasets/demo/a.json")
	f.Finish(plan)
	return f, plan
}

func imageCap(t *testing.T, text string) selection.Caps {
	t.Helper()
	c, err := selection.ParseCap(text)
	if err != nil {
		t.Fatal(err)
	}
	return selection.Caps{Image: c}
}

// TestKnobs turns one knob after the other, at a budget of everything.
func TestKnobs(t *testing.T) {
	t.Parallel()
	f, plan := varied(t)
	all := f.Select(plan, selection.Request{Budget: runtest.Budget(t, "100%")})
	if all.Selected != 15 || all.Total != 16 {
		t.Fatalf("%d of %d are selected without a knob turned, want 15 of 16", all.Selected, all.Total)
	}
	styles := map[string][]string{}
	for id, rec := range f.Records(plan) {
		if rec.Status == scores.OK {
			styles[rec.Styles[0]] = append(styles[rec.Styles[0]], id)
		}
	}
	style := slices.Sorted(maps.Keys(styles))[0]
	tests := map[string]struct {
		spec selection.Request
		out  []string // ids that are then out
		code reason.Code
	}{
		"exclude": {selection.Request{Exclude: []string{"a03", "b01"}}, []string{"a03", "b01"}, "excluded"},
		"drop a source": {
			selection.Request{Rules: selection.Rules{Sources: selection.Filter{Drop: []string{"other"}}}},
			[]string{"b00", "b01", "b02", "b03"},
			"filtered_by_source",
		},
		"keep a source": {
			selection.Request{Rules: selection.Rules{Sources: selection.Filter{Keep: []string{"tests"}}}},
			[]string{"b00", "b01", "b02", "b03"},
			"filtered_by_source",
		},
		"drop a style": {
			selection.Request{Rules: selection.Rules{Styles: selection.Filter{Drop: []string{style}}}},
			styles[style],
			"filtered_by_style",
		},
		"unique": {selection.Request{Rules: selection.Rules{Unique: true}}, []string{"twin2"}, "duplicate"},
		"unique, included": {
			selection.Request{Rules: selection.Rules{Unique: true}, Include: []string{"twin1"}},
			[]string{"twin2"},
			"duplicate",
		},
		"cap of an image": {
			selection.Request{Rules: selection.Rules{Caps: imageCap(t, "1")}, Include: []string{"b01"}},
			[]string{"b00"},
			"image_cap",
		},
	}
	for _, name := range slices.Sorted(maps.Keys(tests)) {
		test := tests[name]
		test.spec.Budget = runtest.Budget(t, "100%")
		sel := f.Select(plan, test.spec)
		got := []string{}
		for _, r := range rejected(t, f, sel) {
			if r.Status != scores.OK {
				continue
			}
			got = append(got, r.ID)
			if r.Code != test.code {
				t.Errorf("%s: %s is out for %q, want %q", name, r.ID, r.Reason, test.code)
			}
		}
		slices.Sort(got)
		slices.Sort(test.out)
		if diff := cmp.Diff(test.out, got); diff != "" {
			t.Errorf("%s: out (-want +got):\n%s", name, diff)
		}
	}
}

func TestInclude(t *testing.T) {
	t.Parallel()
	f, plan := varied(t)
	sel := f.Select(plan, selection.Request{Budget: runtest.Budget(t, "3"), Include: []string{"b03", "a00#1"}})
	picks := picks(t, f, sel)
	if ids := ids(t, f, sel); len(ids) != 3 || ids[0] != "b03" || ids[1] != "a00" {
		t.Errorf("picks %q, want b03 and a00 first", ids)
	}
	for i, p := range picks {
		want := []string{"include", "include", "turn"}[i]
		if p.Rule != want || (p.Capability == "") != (want == "include") || (p.Rating == nil) != (want == "include") {
			t.Errorf("pick %d is %+v, want one by %s", i, p, want)
		}
	}
	if picks[1].Index != 0 {
		t.Errorf("of the two records a00 that with index %d is in, want the first", picks[1].Index)
	}
	both := f.Select(plan, selection.Request{Budget: runtest.Budget(t, "3"), Include: []string{"a00", "a00#2"}})
	if got := ids(t, f, both); len(got) != 3 || got[0] != "a00" || got[1] != "a00" || got[2] == "a00" {
		t.Errorf("picks %q, want both a00 once and another", got)
	}
}

// TestTokens spends a budget in tokens.
func TestTokens(t *testing.T) {
	t.Parallel()
	f, plan := varied(t)
	var tokens []int // by index
	for r := range plan.Ranges {
		for _, rec := range f.RangeScores(plan, r) {
			tokens = append(tokens, rec.Tokens)
		}
	}
	sel := f.Select(plan, selection.Request{Budget: runtest.Budget(t, "200-tokens")})
	spent := 0
	for _, p := range picks(t, f, sel) {
		spent += tokens[p.Index]
	}
	if !sel.Parameters.InTokens || sel.Parameters.Budget != 200 || spent == 0 || spent+sel.Shortfall != 200 ||
		sel.Summary.Selection.Tokens != spent {
		t.Errorf("%d tokens are spent, with a shortfall of %d, by %+v", spent, sel.Shortfall, sel.Parameters)
	}
	long := 0
	for _, r := range rejected(t, f, sel) {
		if strings.HasPrefix(r.Reason, "too long") {
			if long++; tokens[r.Index] <= sel.Shortfall {
				t.Errorf(
					"%s has %d tokens, %d remained, and it is out for %q",
					r.ID,
					tokens[r.Index],
					sel.Shortfall,
					r.Reason,
				)
			}
		}
	}
	if long == 0 {
		t.Error("no sample is too long")
	}
}

// TestNested makes selections that contain the smaller ones.
func TestNested(t *testing.T) {
	t.Parallel()
	f, plan := varied(t)
	var before []string
	specs := selection.Request{
		Exclude: []string{"a01"},
	}.Nested(
		[]selection.Budget{runtest.Budget(t, "20%"), runtest.Budget(t, "6"), runtest.Budget(t, "60%")},
	)
	for i, spec := range specs {
		sel := f.Select(plan, spec)
		ids := ids(t, f, sel)
		if want := []int{3, 6, 9}[i]; len(ids) != want || !slices.Equal(before, ids[:len(before)]) ||
			slices.Contains(ids, "a01") {
			t.Errorf("%d picks %q, want %d that begin with %q", len(ids), ids, want, before)
		}
		before = ids
		explained, err := f.Subsets.Explain(t.Context(), plan.Run, sel.ID, ids[:1])
		if err != nil || explained[0].Order != 1 || (explained[0].Rule == "include") != (i > 0) {
			t.Errorf("explanation %+v, %v", explained, err)
		}
	}
	alone := f.Select(plan, selection.Request{Exclude: []string{"a01"}, Budget: runtest.Budget(t, "60%")})
	if nested := f.Select(plan, specs[2]); alone.ID == nested.ID {
		t.Errorf("%s is the id of a nested selection and of one alone", alone.ID)
	}
}

func TestStrategies(t *testing.T) {
	t.Parallel()
	f, plan := varied(t)
	seen := map[string]bool{}
	for _, strategy := range []selection.Strategy{"", selection.Random, selection.Top, selection.Stratified} {
		sel := f.Select(
			plan,
			selection.Request{Budget: runtest.Budget(t, "5"), Rules: selection.Rules{Strategy: strategy}},
		)
		if sel.Selected != 5 || seen[sel.ID] {
			t.Errorf("%q: %d are selected as %s", strategy, sel.Selected, sel.ID)
		}
		seen[sel.ID] = true
		for _, p := range picks(t, f, sel) {
			if want := map[bool]string{true: "turn", false: "strategy"}[strategy == ""]; p.Rule != want ||
				(p.Bin != "") != (strategy == "") {
				t.Errorf("%q: pick %+v, want one by %s", strategy, p, want)
			}
		}
	}
}

// TestSelectionIDOfMaps has the order in which maps are written change nothing.
func TestSelectionIDOfMaps(t *testing.T) {
	t.Parallel()
	f, plan := varied(t)
	base := ""
	for range 20 {
		weights, thresholds := map[string]float64{}, map[string]int{}
		for i, name := range plan.Rubric.Capabilities {
			weights[name], thresholds[name] = float64(i+1), i%3
		}
		sel, err := f.Subsets.Select(t.Context(), plan.Run, selection.Request{
			Budget: runtest.Budget(
				t,
				"5",
			), Rules: selection.Rules{Weights: weights, Thresholds: thresholds, Minimums: map[string]int{"tests": 1, "other": 1}},
		}, run.Allowance{})
		if err != nil {
			t.Fatal(err)
		}
		if base == "" {
			base = sel.ID
		}
		if sel.ID != base {
			t.Fatalf("selections %s and %s of the same parameters", base, sel.ID)
		}
	}
}

func TestKnobsRefused(t *testing.T) {
	t.Parallel()
	f, plan := varied(t)
	tests := map[string]struct {
		budget string
		spec   selection.Request
		want   []string
	}{
		"unknown include": {
			"2",
			selection.Request{Include: []string{"a00", "zz"}},
			[]string{`include: the run has no sample "zz"`, "(1 unknown ids)", "leave them out"},
		},
		"no third a00": {
			"2",
			selection.Request{Include: []string{"a00#3"}},
			[]string{`include: the run has no sample "a00#3"`},
		},
		"unknown exclude": {
			"2",
			selection.Request{Exclude: []string{"zz"}},
			[]string{`exclude: the run has no sample "zz"`},
		},
		"include of a failed": {
			"2",
			selection.Request{Include: []string{"bad"}},
			[]string{`include: sample "bad" was not scored; leave it out`},
		},
		"too many includes": {
			"1",
			selection.Request{Include: []string{"a00#2", "a01"}},
			[]string{"budget: 1", "the least is 2"},
		},
		"in and out": {
			"2",
			selection.Request{Include: []string{"a00"}, Exclude: []string{"a00"}},
			[]string{"include:", "excluded"},
		},
		"minimum": {
			"9",
			selection.Request{Rules: selection.Rules{Minimums: map[string]int{"other": 5}}},
			[]string{`minimums: 5 samples of "other"`, "the most is 4"},
		},
		"source": {
			"2",
			selection.Request{Rules: selection.Rules{Sources: selection.Filter{Keep: []string{"moon"}}}},
			[]string{`"moon" is unknown`, "tests, other"},
		},
		"style": {
			"2",
			selection.Request{Rules: selection.Rules{Styles: selection.Filter{Drop: []string{"sonnet"}}}},
			[]string{`"sonnet" is unknown`},
		},
		"strategy": {
			"2",
			selection.Request{Rules: selection.Rules{Strategy: "best"}},
			[]string{`strategy: "best" is unknown`, "mmssr, random, top, stratified"},
		},
		"weight": {
			"2",
			selection.Request{Rules: selection.Rules{Weights: map[string]float64{"humanities": -1}}},
			[]string{`weights: "humanities"`, "give 1e-06"},
		},
		"tokens": {"9M-tokens", selection.Request{}, []string{"budget: 9000000 tokens", "give 1 to"}},
		"mixed budgets": {
			"9",
			selection.Request{Within: []selection.Budget{runtest.Budget(t, "10-tokens")}},
			[]string{"all be in samples, or all in tokens"},
		},
		"descending budgets": {
			"3",
			selection.Request{Within: []selection.Budget{runtest.Budget(t, "5")}},
			[]string{"budget: 3 after 5", "the least is 6"},
		},
	}
	before := f.Snapshot()
	for name, test := range tests {
		test.spec.Budget = runtest.Budget(t, test.budget)
		_, err := f.Subsets.Select(t.Context(), plan.Run, test.spec, run.Allowance{})
		reason := runtest.Refusal(t, err)
		for _, want := range test.want {
			if !strings.Contains(reason, want) {
				t.Errorf("%s: the reason %q lacks %q", name, reason, want)
			}
		}
	}
	if diff := cmp.Diff(before, f.Snapshot()); diff != "" {
		t.Errorf("objects (-before +after):\n%s", diff)
	}
}

// TestKnobsOfADataset asks for a selection with knobs by dataset.yaml.
func TestKnobsOfADataset(t *testing.T) {
	t.Parallel()
	f := runtest.New(t)
	f.Upload(
		"datasets/demo/parts/all.json",
		runtest.Array(append(runtest.Plain("a", 10), from("other", runtest.Record("b", "Fine.")))),
	)
	f.Upload("datasets/demo/dataset.yaml", []byte(`manifests: [parts/all.json]
budget: 60%
within: [2, 30%]
weights: {stem knowledge: 3}
thresholds: {humanities: 2}
within_bin: score
styles: {drop: [comparison]}
sources: {keep: [tests]}
caps: {source: 50%, image: 3}
minimums: {tests: 1}
unique: true
exclude: [a03]
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
	source, err := selection.ParseCap("50%")
	if err != nil {
		t.Fatal(err)
	}
	caps := imageCap(t, "3")
	caps.Source = source
	want := selection.ResolvedRequest{Budget: 6, Within: []int{2, 3}, Request: selection.Request{
		Rules: selection.Rules{
			Capabilities: plan.Rubric.Capabilities,
			Weights:      map[string]float64{"stem knowledge": 3},
			Thresholds:   map[string]int{"humanities": 2},
			WithinBin:    selection.ByScore,
			Styles:       selection.Filter{Drop: []string{"comparison"}},
			Sources:      selection.Filter{Keep: []string{"tests"}},
			Caps:         caps,
			Minimums:     map[string]int{"tests": 1},
			Unique:       true,
		}, Exclude: []string{"a03"},
	}}
	if diff := cmp.Diff(want, sel.Parameters, cmp.Comparer(func(a, b selection.Budget) bool { return a == b }), cmp.Comparer(func(a, b selection.Cap) bool { return a == b })); diff != "" {
		t.Errorf("parameters (-want +got):\n%s", diff)
	}
}

func TestExplainEqualIDs(t *testing.T) {
	t.Parallel()
	f, plan := runtest.Scored(t, append(runtest.Plain("a", 6), runtest.Record("a00", "Again.")))
	sel := f.Select(plan, selection.Request{Budget: runtest.Budget(t, "2")})
	both, err := f.Subsets.Explain(t.Context(), plan.Run, sel.ID, []string{"a00#2", "a00"})
	if err != nil || len(both) != 2 || both[0].Index != 6 || both[1].Index != 0 || both[0].ID != "a00" {
		t.Errorf("the samples of one id are explained as %+v, error %v", both, err)
	}
}

// TestExplain explains samples of every fate, and says of each what rejected.jsonl says.
func TestExplain(t *testing.T) {
	t.Parallel()
	f, plan := runtest.Scored(
		t,
		slices.Concat(
			runtest.Plain("a", 6),
			[]string{
				runtest.Record("a00", "Again."),
				runtest.Record("poor", runtest.Worthless),
				runtest.Record("odd", runtest.Styleless),
				runtest.Record("bad", runtest.Unratable),
			},
		),
	)
	sel := f.Select(plan, selection.Request{Budget: runtest.Budget(t, "2")})
	picked := picks(t, f, sel)[1]
	got, err := f.Subsets.Explain(t.Context(), plan.Run, sel.ID, []string{picked.ID, "poor", "odd", "bad"})
	if err != nil {
		t.Fatal(err)
	}
	first := got[slices.IndexFunc(got, func(x subset.Explanation) bool { return x.Index == picked.Index })]
	if first.Order != 2 || first.Rule != "turn" || first.Capability != picked.Capability || first.Bin != picked.Bin ||
		first.Round != picked.Round ||
		first.Rank != picked.Rank {
		t.Errorf("%+v explains pick %+v", first, picked)
	}
	fates := map[string][3]string{}
	for _, x := range got {
		if x.ID != picked.ID {
			fates[x.ID] = [3]string{x.Status.String(), string(x.Reason), x.Failure}
		}
	}
	want := map[string][3]string{
		"poor": {"ok", string(selection.ReasonThreshold), ""},
		"odd":  {"ok", string(selection.ReasonNoStyle), run.NoKnownStyle.Phrase()},
		"bad":  {"failed", string(selection.ReasonNoStyle), "unratable: the answer asks for it"},
	}
	if diff := cmp.Diff(want, fates); diff != "" {
		t.Errorf("fates (-want +got):\n%s", diff)
	}
	for _, r := range rejected(t, f, sel) {
		if r.Code != "outranked" {
			continue
		}
		x, err := f.Subsets.Explain(t.Context(), plan.Run, sel.ID, []string{r.ID})
		if err != nil {
			t.Fatal(err)
		}
		if at := slices.IndexFunc(x, func(x subset.Explanation) bool { return x.Index == r.Index }); at < 0 ||
			x[at].Reason != selection.ReasonRank ||
			len(x[at].Misses) == 0 {
			t.Errorf("%s is outranked, and explained as %+v", r.ID, x)
		}
	}
	_, err = f.Subsets.Explain(t.Context(), plan.Run, sel.ID, []string{"a00", "zz"})
	if reason := runtest.Refusal(t, err); !strings.Contains(reason, `"zz"`) {
		t.Errorf("reason %q of an unknown id", reason)
	}
}

// TestRetryKeepsKnobs takes over of earlier scores what knobs need.
func TestRetryKeepsKnobs(t *testing.T) {
	t.Parallel()
	f, plan := varied(t)
	next, err := f.Retry(plan.Run)
	if err != nil {
		t.Fatal(err)
	}
	f.Finish(next)
	records := f.Records(next)
	if a, b := records["twin1"], records["twin2"]; a.Twin == "" || a.Twin != b.Twin || a.Content == b.Content {
		t.Errorf("twins %+v and %+v", a, b)
	}
	if a, b := records["b00"], records["b01"]; len(a.Images) != 1 || !slices.Equal(a.Images, b.Images) ||
		a.Twin == b.Twin ||
		a.Tokens <= records["b02"].Tokens {
		t.Errorf("samples of one image %+v and %+v", a, b)
	}
	for id, earlier := range f.Records(plan) {
		if diff := cmp.Diff(earlier, records[id]); diff != "" {
			t.Errorf("%s (-earlier +taken over):\n%s", id, diff)
		}
	}
}

// TestReadPool selects from a run's files of scores as the run does.
func TestReadPool(t *testing.T) {
	t.Parallel()
	f, plan := varied(t)
	spec := selection.Request{
		Budget:  runtest.Budget(t, "40%"),
		Rules:   selection.Rules{Unique: true, Caps: imageCap(t, "1")},
		Exclude: []string{"a02"},
	}
	want := picks(t, f, f.Select(plan, spec))
	var files [][]byte
	for _, name := range f.Objects("runs/" + plan.Run + "/scores/") {
		if strings.Count(name, "/") == 3 {
			files = append(files, f.Read(name))
		}
	}
	if len(files) < 2 {
		t.Fatalf("%d files of scores, want several", len(files))
	}
	pool, samples, err := subset.ReadPool(t.Context(), files, spec)
	if err != nil {
		t.Fatal(err)
	}
	resolved, err := spec.Resolve(pool.Len(), pool.Capabilities, pool.StyleNames)
	if err != nil {
		t.Fatal(err)
	}
	params, err := samples.Params(resolved)
	if err != nil {
		t.Fatal(err)
	}
	result, err := selection.Select(pool, params)
	if err != nil {
		t.Fatal(err)
	}
	var file bytes.Buffer
	if err := subset.WritePicks(&file, pool, samples, result); err != nil {
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

// TestReadForeignPool reads scores whose hashes are not ours.
func TestReadForeignPool(t *testing.T) {
	t.Parallel()
	var records []scores.Record
	for _, twin := range []string{strings.Repeat("ab", 40), strings.Repeat("ab", 40), "sha1:c0ffee", "sha1:c0ffed", "", ""} {
		records = append(records, scores.Record{
			ID: twin, Source: "s", Content: "x", Twin: twin, Status: scores.OK,
			Result: scorer.Result{Styles: []string{"yes/no"}, Ratings: []int8{3}, Expected: []float32{3}},
		})
	}
	var file bytes.Buffer
	if err := scores.Write(&file, []string{"humanities"}, records); err != nil {
		t.Fatal(err)
	}
	spec := selection.Request{Budget: runtest.Budget(t, "100%"), Rules: selection.Rules{Unique: true}}
	pool, samples, err := subset.ReadPool(t.Context(), [][]byte{file.Bytes()}, spec)
	if err != nil {
		t.Fatal(err)
	}
	resolved, err := spec.Resolve(pool.Len(), pool.Capabilities, pool.StyleNames)
	if err != nil {
		t.Fatal(err)
	}
	params, err := samples.Params(resolved)
	if err != nil {
		t.Fatal(err)
	}
	result, err := selection.Select(pool, params)
	if err != nil || len(result.Picks) != 5 {
		t.Errorf("%d are selected (%v), want 5: two share a hash", len(result.Picks), err)
	}
}
