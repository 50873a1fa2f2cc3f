package selection

import (
	"encoding/json"
	"math"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.yaml.in/yaml/v3"
)

// requestKeys are the keys of a request in JSON and YAML, which users write.
var requestKeys = []string{
	"budget", "within", "capabilities", "weights", "threshold", "thresholds", "within_bin", "ratings_only", "strategy",
	"by", "tie_break", "seed", "styles", "sources", "where", "unique", "minimums", "mix", "caps", "scores_from",
	"include", "exclude", "exclude_near", "exclude_images", "visual_tokens",
}

// keys returns the keys of a struct's fields, with those of embedded structs.
func keys(t *testing.T, of reflect.Type, tag string) []string {
	t.Helper()
	var all []string
	for i := range of.NumField() {
		field := of.Field(i)
		key, _, _ := strings.Cut(field.Tag.Get(tag), ",")
		if field.Anonymous {
			all = append(all, keys(t, field.Type, tag)...)
		} else {
			all = append(all, key)
		}
	}
	return all
}

func TestRequestKeys(t *testing.T) {
	t.Parallel()
	for _, tag := range []string{"json", "yaml"} {
		if diff := cmp.Diff(requestKeys, keys(t, reflect.TypeFor[Request](), tag)); diff != "" {
			t.Errorf("keys in %s (-golden +got):\n%s", tag, diff)
		}
	}
}

// everyField is a request with every key, as JSON; YAML reads it too.
const everyField = `{
	"budget": "30%", "within": ["5%", 20], "capabilities": ["ocr", "stem"], "weights": {"ocr": 2}, "threshold": 1,
	"thresholds": {"stem": 2}, "within_bin": "score", "ratings_only": true, "strategy": "mmssr", "by": "a",
	"tie_break": "-b", "where": ["a>=3", "b != 1.5"], "scores_from": "f.csv", "seed": 7,
	"styles": {"keep": ["a", "b"], "drop": ["c"]}, "sources": {"keep": ["x"], "drop": ["y"]}, "unique": true,
	"minimums": {"x": 3},
	"mix": {"sources": {"x": {"share": "10%"}}, "styles": {"a": {"least": 2, "most": 9}}},
	"caps": {"source": "10%", "style": 5, "image": 2, "cluster": 1, "template": "5%",
	"modality": {"text-only": "10%", "multi-turn": 3}}, "include": ["i"], "exclude": ["e"],
	"exclude_near": ["n.tsv", "n/"], "exclude_images": true, "visual_tokens": 256
}`

// TestRequestFormats reads every field from JSON and YAML with the same result, and writes it again.
func TestRequestFormats(t *testing.T) {
	t.Parallel()
	var fromJSON, fromYAML, again Request
	if err := json.Unmarshal([]byte(everyField), &fromJSON); err != nil {
		t.Fatal(err)
	}
	if err := yaml.Unmarshal([]byte(strings.ReplaceAll(everyField, "\t", " ")), &fromYAML); err != nil {
		t.Fatal(err)
	}
	exact := cmp.AllowUnexported(Budget{}, Cap{}, VisualTokens{})
	if diff := cmp.Diff(fromJSON, fromYAML, exact); diff != "" {
		t.Errorf("requests (-JSON +YAML):\n%s", diff)
	}
	written, err := json.Marshal(fromJSON)
	if err != nil {
		t.Fatal(err)
	}
	var fields map[string]any
	if err := json.Unmarshal(written, &fields); err != nil {
		t.Fatal(err)
	}
	for _, key := range requestKeys {
		if fields[key] == nil {
			t.Errorf("%s is not written", key)
		}
	}
	if err := json.Unmarshal(written, &again); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(fromJSON, again, exact); diff != "" {
		t.Errorf("requests (-read +written and read):\n%s", diff)
	}
	if empty, err := json.Marshal(Request{}); err != nil || string(empty) != "{}" {
		t.Errorf("the zero request is written as %s, %v", empty, err)
	}
}

// budgetsOf parses budgets.
func budgetsOf(texts ...string) []Budget {
	budgets := make([]Budget, len(texts))
	for i, text := range texts {
		var err error
		if budgets[i], err = ParseBudget(text); err != nil {
			panic(err)
		}
	}
	return budgets
}

// request returns a request for the last of the budgets, with the others as Within.
func request(rules Rules, budgets ...string) Request {
	all := budgetsOf(budgets...)
	last := len(all) - 1
	r := Request{Budget: all[last], Rules: rules}
	if last > 0 {
		r.Within = all[:last]
	}
	return r
}

// turnsOf returns rules in which only these capabilities take turns.
func turnsOf(capabilities ...string) Rules { return Rules{Capabilities: capabilities} }

// resolveIn resolves a request against a run of 200 samples.
func resolveIn(r Request) (ResolvedRequest, error) {
	return r.Resolve(200, []string{"ocr", "stem"}, []string{"a", "b", "c"})
}

// TestResolveEqual checks that requests with the same meaning resolve to the same JSON, and other requests to different
// JSON, because the name of a selection's folder depends on this JSON.
func TestResolveEqual(t *testing.T) {
	t.Parallel()
	var none Rules
	tests := map[string]struct {
		a, b  Request
		equal bool
	}{
		"forms of a budget":   {request(none, "30%"), request(none, "0.30"), true},
		"ratio and count":     {request(none, "30%"), request(none, "60"), true},
		"nested":              {request(none, "5%", "30%"), request(none, "10", "60"), true},
		"forms of tokens":     {request(none, "2k-tokens"), request(none, "2000-tokens"), true},
		"all capabilities":    {request(none, "1"), request(turnsOf("ocr", "stem"), "1"), true},
		"default strategy":    {request(none, "1"), request(Rules{Strategy: MMSSR}, "1"), true},
		"default order":       {request(none, "1"), request(Rules{WithinBin: ByPosition}, "1"), true},
		"empty list":          {request(none, "1"), request(Rules{Styles: keep()}, "1"), true},
		"empty table":         {request(none, "1"), request(Rules{Weights: map[string]float64{}}, "1"), true},
		"another budget":      {request(none, "60"), request(none, "61"), false},
		"tokens, not samples": {request(none, "60"), request(none, "60-tokens"), false},
		"not nested":          {request(none, "60"), request(none, "10", "60"), false},
		"other spellings": {
			request(Rules{
				Capabilities: []string{"STEM "}, Weights: map[string]float64{"Stem": 2}, Thresholds: map[string]int{"_stem": 1},
			}, "1"),
			request(Rules{
				Capabilities: []string{"stem"}, Weights: map[string]float64{"stem": 2}, Thresholds: map[string]int{"stem": 1},
			}, "1"), true,
		},
		"order of turns":   {request(none, "1"), request(turnsOf("stem", "ocr"), "1"), false},
		"another seed":     {request(none, "1"), request(Rules{Seed: 1}, "1"), false},
		"another strategy": {request(none, "1"), request(Rules{Strategy: Top}, "1"), false},
		"another order":    {request(none, "1"), request(Rules{WithinBin: ByScore}, "1"), false},
		"a must-include":   {request(none, "1"), Request{Budget: budgetsOf("1")[0], Include: []string{"i"}}, false},
		"out is not in": {
			Request{Budget: budgetsOf("1")[0], Exclude: []string{"i"}},
			Request{Budget: budgetsOf("1")[0], Include: []string{"i"}}, false,
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var written [2]string
			for i, r := range []Request{tt.a, tt.b} {
				resolved, err := resolveIn(r)
				if err != nil {
					t.Fatal(err)
				}
				text, err := json.Marshal(resolved)
				if err != nil {
					t.Fatal(err)
				}
				written[i] = string(text)
			}
			if (written[0] == written[1]) != tt.equal {
				t.Errorf("equal is %t, want %t:\n%s\n%s", !tt.equal, tt.equal, written[0], written[1])
			}
		})
	}
}

// TestResolveKeepsRequest checks that resolving a request with every field does not change the request.
func TestResolveKeepsRequest(t *testing.T) {
	t.Parallel()
	var r Request
	if err := json.Unmarshal([]byte(everyField), &r); err != nil {
		t.Fatal(err)
	}
	r.By, r.RatingsOnly = "", false // other fields exclude them
	before := r
	before.Within = slices.Clone(r.Within)
	resolved, err := resolveIn(r)
	if err != nil {
		t.Fatal(err)
	}
	exact := cmp.AllowUnexported(Budget{}, Cap{}, VisualTokens{})
	if diff := cmp.Diff(before, r, exact); diff != "" {
		t.Errorf("the request was changed (-before +after):\n%s", diff)
	}
	want := r
	want.Budget, want.Within, want.Strategy = Budget{}, nil, ""
	wantResolved := ResolvedRequest{Budget: 60, Within: []int{10, 20}, Request: want}
	if diff := cmp.Diff(wantResolved, resolved, exact); diff != "" {
		t.Errorf("resolved (-want +got):\n%s", diff)
	}
	params := resolved.Params([]uint32{4}, []uint32{9})
	wantParams := Params{Budget: 60, Rules: want.Rules, Include: []uint32{4}, Exclude: []uint32{9}}
	if diff := cmp.Diff(wantParams, params, exact); diff != "" {
		t.Errorf("parameters (-want +got):\n%s", diff)
	}
}

func TestResolveBudgetErrors(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		budgets []string
		want    string
	}{
		"too many samples": {[]string{"201"}, "budget: 201 samples are more than the run has; the most is 200"},
		"not one sample":   {[]string{"0.1%"}, "budget: 0.1% (0.001) of 200 samples is less than one sample; the least is 1"},
		"equal":            {[]string{"5%", "10"}, "budget: 10 follows 5% (10 samples)"},
		"descending":       {[]string{"20", "30", "10"}, "budget: 10 follows 30; give budgets in ascending order"},
		"mixed":            {[]string{"10", "9k-tokens"}, "several budgets must all be in samples, or all in tokens"},
		"a smaller one": {
			[]string{"0.1%", "10"},
			"budget: 0.1% (0.001) of 200 samples is less than one sample; the least is 1"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := resolveIn(request(Rules{}, tt.budgets...))
			checkError(t, err, []string{tt.want})
		})
	}
	_, err := resolveIn(Request{})
	checkError(t, err, []string{"budget: it is missing; give a share such as 30%"})
}

func TestResolveRuleErrors(t *testing.T) {
	t.Parallel()
	numbers := func(name string, n int) map[string]int { return map[string]int{name: n} }
	tests := map[string]struct {
		rules Rules
		want  []string
	}{
		"threshold too high": {Rules{Threshold: 5}, []string{"threshold: 5", "give -1 to 4"}},
		"threshold too low":  {Rules{Threshold: -2}, []string{"threshold: -2", "give -1 to 4"}},
		"capability":         {turnsOf("art"), []string{`capabilities: "art" is unknown; known are: ocr, stem`}},
		"weight twice": {
			Rules{Weights: map[string]float64{"OCR": 1, "ocr": 2}}, []string{`weights: "OCR" is unknown; known are: ocr`},
		},
		"two spellings":    {turnsOf("ocr", "OCR"), []string{`capabilities: "ocr" is named twice`}},
		"capability twice": {turnsOf("ocr", "ocr"), []string{`capabilities: "ocr" is named twice`}},
		"weight":           {weightOf("art", 1), []string{`weights: "art" is unknown`}},
		"weight without turn": {
			Rules{Capabilities: []string{"ocr"}, Weights: map[string]float64{"stem": 1}},
			[]string{`weights: "stem" is unknown; known are: ocr`},
		},
		"infinite weight":     {weightOf("ocr", math.Inf(1)), []string{`weights: "ocr" has weight +Inf`}},
		"threshold of no one": {Rules{Thresholds: numbers("art", 1)}, []string{`thresholds: "art" is unknown`}},
		"style kept":          {Rules{Styles: keep("z")}, []string{`styles: keep: "z" is unknown; known are: a, b, c`}},
		"style dropped":       {Rules{Styles: drop("z")}, []string{`styles: drop: "z" is unknown`}},
		"style in both": {
			Rules{Styles: Filter{Keep: []string{"a"}, Drop: []string{"a"}}},
			[]string{`styles: "a" is both kept and dropped`},
		},
		"strategy": {Rules{Strategy: "best"}, []string{`strategy: "best" is unknown`}},
		"order":    {Rules{WithinBin: "best"}, []string{`within_bin: "best" is unknown`}},
		"minimum":  {Rules{Minimums: numbers("x", 0)}, []string{`minimums: "x" has 0; the least is 1`}},
		"weights and thresholds of top": {
			Rules{Strategy: Top, Weights: map[string]float64{"ocr": 2}, Thresholds: numbers("ocr", 1)},
			[]string{`weights: strategy "top" does not use this field`, `thresholds: strategy "top"`},
		},
		"threshold and order of top": {
			Rules{Strategy: Top, Threshold: 1, WithinBin: ByScore},
			[]string{`threshold: strategy "top" does not use this field`, `within_bin: strategy "top"`},
		},
		"several": {
			Rules{Capabilities: []string{"art"}, Styles: keep("z"), Strategy: "best"},
			[]string{`"art"`, `"z"`, `"best"`},
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := resolveIn(request(tt.rules, "1"))
			checkError(t, err, tt.want)
		})
	}
}

func TestRequestNested(t *testing.T) {
	t.Parallel()
	r := Request{Rules: Rules{Seed: 7}, Include: []string{"i"}}
	budgets := budgetsOf("5%", "10%", "30%")
	want := []Request{r, r, r}
	for i := range want {
		want[i].Budget, want[i].Within = budgets[i], budgets[:i]
	}
	if diff := cmp.Diff(want, r.Nested(budgets), cmp.AllowUnexported(Budget{}, Cap{}, VisualTokens{})); diff != "" {
		t.Errorf("requests (-want +got):\n%s", diff)
	}
}

// A request that is made from a resolved request resolves to the same resolved request.
func TestAsRequest(t *testing.T) {
	t.Parallel()
	capabilities, styles := []string{"ocr", "humanities"}, []string{"yes/no"}
	for _, text := range []string{`{"budget": "30%"}`, `{"budget": "70000-tokens", "seed": 4}`,
		`{"budget": "30", "within": ["10", "20"], "capabilities": ["humanities"], "unique": true}`} {
		var request Request
		if err := json.Unmarshal([]byte(text), &request); err != nil {
			t.Fatal(err)
		}
		resolved, err := request.Resolve(1000, capabilities, styles)
		if err != nil {
			t.Fatal(err)
		}
		again, err := resolved.AsRequest(capabilities).Resolve(1000, capabilities, styles)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(resolved, again, cmp.AllowUnexported(Budget{}, Cap{}, VisualTokens{})); diff != "" {
			t.Errorf("%s (-resolved +again):\n%s", text, diff)
		}
	}
}
