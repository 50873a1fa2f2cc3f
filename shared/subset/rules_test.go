package subset_test

import (
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/harvest-ml/harvest/shared/run"
	"github.com/harvest-ml/harvest/shared/run/runtest"
	"github.com/harvest-ml/harvest/shared/scores"
	"github.com/harvest-ml/harvest/shared/scores/reason"
	"github.com/harvest-ml/harvest/shared/selection"
)

// TestRules applies each rule in turn, with a budget of all samples.
func TestRules(t *testing.T) {
	t.Parallel()
	f, plan := varied(t)
	all := selectNow(t, f, plan, selection.Request{Budget: runtest.Budget(t, "100%")})
	if all.Selected != 15 || all.Total != 16 {
		t.Fatalf("%d of %d are selected without a rule, want 15 of 16", all.Selected, all.Total)
	}
	style, ofStyle := firstStyle(f, plan)
	drop := func(names ...string) selection.Filter { return selection.Filter{Drop: names} }
	keep := func(names ...string) selection.Filter { return selection.Filter{Keep: names} }
	others := []string{"b00", "b01", "b02", "b03"}
	tests := map[string]struct {
		rules            selection.Rules
		include, exclude []string
		out              []string // ids that the rule excludes
		code             reason.Code
	}{
		"exclude":       {exclude: []string{"a03", "b01"}, out: []string{"a03", "b01"}, code: "excluded"},
		"drop a source": {rules: selection.Rules{Sources: drop("other")}, out: others, code: "filtered_by_source"},
		"keep a source": {rules: selection.Rules{Sources: keep("tests")}, out: others, code: "filtered_by_source"},
		"drop a style": {
			rules: selection.Rules{Styles: drop(style)},
			out:   ofStyle, code: "filtered_by_style",
		},
		"unique": {rules: selection.Rules{Unique: true}, out: []string{"twin2"}, code: "duplicate"},
		"unique, included": {
			rules: selection.Rules{Unique: true}, include: []string{"twin1"},
			out: []string{"twin2"}, code: "duplicate",
		},
		"cap of a modality": {
			rules:   selection.Rules{Caps: selection.Caps{Modality: selection.ModalityCaps{OneImage: imageCap(t, "1").Image}}},
			include: []string{"b01"}, out: []string{"b00"}, code: "modality_cap",
		},
		"cap of an image": {
			rules: selection.Rules{Caps: imageCap(t, "1")}, include: []string{"b01"},
			out: []string{"b00"}, code: "image_cap",
		},
	}
	for _, name := range slices.Sorted(maps.Keys(tests)) {
		test := tests[name]
		sel := selectNow(t, f, plan, selection.Request{
			Budget: runtest.Budget(t, "100%"), Rules: test.rules, Include: test.include, Exclude: test.exclude,
		})
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

// firstStyle returns the first style name, in alphabetical order, of a run's valid samples, and the ids of the samples
// with this style.
func firstStyle(f *runtest.Fixture, plan *run.Plan) (style string, samples []string) {
	styles := map[string][]string{}
	for id, rec := range f.Records(plan) {
		if rec.Status == scores.OK {
			styles[rec.Styles[0]] = append(styles[rec.Styles[0]], id)
		}
	}
	style = slices.Sorted(maps.Keys(styles))[0]
	return style, styles[style]
}

func TestInclude(t *testing.T) {
	t.Parallel()
	f, plan := varied(t)
	sel := selectNow(t, f, plan, selection.Request{Budget: runtest.Budget(t, "3"), Include: []string{"b03", "a00#1"}})
	picks := picks(t, f, sel)
	if ids := ids(t, f, sel); len(ids) != 3 || ids[0] != "b03" || ids[1] != "a00" {
		t.Errorf("picks %q, want b03 and a00 first", ids)
	}
	for i, p := range picks {
		want := []string{"include", "include", "turn"}[i]
		if p.Rule != want || (p.Capability == "") != (want == "include") || (p.Rating == nil) != (want == "include") {
			t.Errorf("pick %d is %+v, want one by %v", i, p, want)
		}
	}
	if picks[1].Index != 0 {
		t.Errorf("of the two records a00 that with index %d is in, want the first", picks[1].Index)
	}
	both := selectNow(t, f, plan, selection.Request{Budget: runtest.Budget(t, "3"), Include: []string{"a00", "a00#2"}})
	if got := ids(t, f, both); len(got) != 3 || got[0] != "a00" || got[1] != "a00" || got[2] == "a00" {
		t.Errorf("picks %q, want both a00 once and another", got)
	}
}

// TestTokens spends a budget in tokens.
func TestTokens(t *testing.T) {
	t.Parallel()
	f, plan := varied(t)
	tokens := tokensOf(t, f, plan, selection.VisualTokens{})
	sel := selectNow(t, f, plan, selection.Request{Budget: runtest.Budget(t, "200-tokens")})
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
				t.Errorf("%s has %d tokens, %d remained, and it is out for %q",
					r.ID, tokens[r.Index], sel.Shortfall, r.Reason)
			}
		}
	}
	if long == 0 {
		t.Error("no sample is too long")
	}
}

// tokensOf returns the tokens of a run's samples, by index.
func tokensOf(t *testing.T, f *runtest.Fixture, plan *run.Plan, visual selection.VisualTokens) (tokens []int) {
	t.Helper()
	for r := range plan.Ranges {
		for _, rec := range f.RangeScores(plan, r) {
			n, err := rec.TrainingTokens(visual)
			if err != nil {
				t.Fatal(err)
			}
			tokens = append(tokens, n)
		}
	}
	return tokens
}

// TestVisualTokens spends one budget in tokens with several rules for images. Each rule makes a different selection.
func TestVisualTokens(t *testing.T) {
	t.Parallel()
	f, plan := varied(t)
	selections := map[string]bool{}
	for _, rule := range []string{"730", "5", "qwen2.5-vl"} {
		visual, err := selection.ParseVisualTokens(rule)
		if err != nil {
			t.Fatal(err)
		}
		tokens := tokensOf(t, f, plan, visual)
		sel := selectNow(t, f, plan, selection.Request{Budget: runtest.Budget(t, "120-tokens"), VisualTokens: visual})
		spent, withImages := 0, false
		for _, p := range picks(t, f, sel) {
			spent += tokens[p.Index]
			withImages = withImages || tokens[p.Index] != tokensOf(t, f, plan, selection.VisualTokens{})[p.Index]
		}
		if spent+sel.Shortfall != 120 || sel.Summary.Selection.Tokens != spent || withImages != (rule != "730") {
			t.Errorf("%s: %d tokens are spent, %d are said, with a shortfall of %d; with images: %t",
				rule, spent, sel.Summary.Selection.Tokens, sel.Shortfall, withImages)
		}
		selections[sel.ID] = true
	}
	if len(selections) != 3 {
		t.Errorf("%d selections of three rules", len(selections))
	}
}

// TestNested makes selections that contain the selections of smaller budgets.
func TestNested(t *testing.T) {
	t.Parallel()
	f, plan := varied(t)
	var before []string
	budgets := []selection.Budget{runtest.Budget(t, "20%"), runtest.Budget(t, "6"), runtest.Budget(t, "60%")}
	specs := selection.Request{Exclude: []string{"a01"}}.Nested(budgets)
	for i, spec := range specs {
		sel := selectNow(t, f, plan, spec)
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
	alone := selectNow(t, f, plan, selection.Request{Exclude: []string{"a01"}, Budget: runtest.Budget(t, "60%")})
	if nested := selectNow(t, f, plan, specs[2]); alone.ID == nested.ID {
		t.Errorf("%s is the id of a nested selection and of one alone", alone.ID)
	}
}

func TestStrategies(t *testing.T) {
	t.Parallel()
	f, plan := varied(t)
	seen := map[string]bool{}
	for _, strategy := range []selection.Strategy{
		"", selection.Descending, selection.Random, selection.Top, selection.Stratified, selection.Longest,
	} {
		sel := selectNow(t, f, plan, atBudget(t, "5", selection.Rules{Strategy: strategy}))
		if sel.Selected != 5 || seen[sel.ID] {
			t.Errorf("%q: %d are selected as %s", strategy, sel.Selected, sel.ID)
		}
		seen[sel.ID] = true
		for _, p := range picks(t, f, sel) {
			turns := selection.Rules{Strategy: strategy}.TakesTurns()
			want := map[bool][]string{true: {"turn", "bin"}, false: {"strategy"}}[turns]
			if !slices.Contains(want, p.Rule) || (p.Bin != "") != turns || (p.Rating != nil) != turns {
				t.Errorf("%q: pick %+v, want one by %v", strategy, p, want)
			}
		}
	}
}

// TestRulesOfADataset requests a selection with rules in dataset.yaml.
func TestRulesOfADataset(t *testing.T) {
	t.Parallel()
	f := runtest.New(t)
	records := append(runtest.Plain("a", 10), from("other", runtest.Record("b", "Fine.")))
	f.Upload("datasets/demo/parts/all.json", runtest.Array(records))
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
		},
		Exclude: []string{"a03"},
	}}
	if diff := cmp.Diff(want, sel.Parameters, compareBudgets); diff != "" {
		t.Errorf("parameters (-want +got):\n%s", diff)
	}
}

// TestRetryKeepsRules checks that reused scores have the data that rules need.
func TestRetryKeepsRules(t *testing.T) {
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
		a.Twin == b.Twin || len(a.Sizes) != 1 || a.Sizes[0] == "" {
		t.Errorf("samples of one image %+v and %+v", a, b)
	}
	for id, earlier := range f.Records(plan) {
		if earlier.Status == scores.OK {
			earlier.TakenFrom = plan.Run
		}
		if diff := cmp.Diff(earlier, records[id]); diff != "" {
			t.Errorf("%s (-earlier +taken over):\n%s", id, diff)
		}
	}
}
