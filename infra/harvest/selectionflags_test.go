package main

import (
	"encoding/json"
	"maps"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/harvest-ml/harvest/shared/selection"
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// selectionFields has the fields of a request. The keys are the fields' JSON keys, and the values are flags that set
// the field. FILE stands for a file of ids.
var selectionFields = map[string][]string{
	"budget":       {"--budget=61"},
	"within":       {"--budget=30,60"},
	"capabilities": {"--capabilities=humanities"},
	"weights":      {"--weights=humanities=2"},
	"threshold":    {"--threshold=1"},
	"thresholds":   {"--thresholds=humanities=2"},
	"within_bin":   {"--within-bin=score"},
	"ratings_only": {"--ratings-only"},
	"strategy":     {"--strategy=top"},
	"by":           {"--by=a"},
	"tie_break":    {"--tie-break=-a"},
	"where":        {"--where=a>=3"},
	"mix":          {"--mix=FILE"},
	"scores_from":  {"--scores-from=FILE"},
	"seed":         {"--seed=7"},
	"styles":       {"--keep-styles=a", "--drop-styles=a"},
	"sources":      {"--keep-sources=a", "--drop-sources=a"},
	"unique":       {"--unique"},
	"minimums":     {"--minimums=a=1"},
	"caps": {
		"--cap-source=10%", "--cap-style=1", "--cap-image=1", "--cap-modality=text-only=10%", "--max-per-cluster=1",
		"--cap-template=5%",
	},
	"include":      {"--include=FILE"},
	"exclude":      {"--exclude=FILE"},
	"exclude_near": {"--exclude-near=FILE"},
	// Without an evaluation set, this flag is refused.
	"exclude_images": {"--exclude-images"},
	"visual_tokens":  {"--visual-tokens=onevision-anyres"},
}

// requestFields returns the keys of selection.Request in JSON.
func requestFields(of reflect.Type) (keys []string) {
	for i := range of.NumField() {
		if field := of.Field(i); field.Anonymous {
			keys = append(keys, requestFields(field.Type)...)
		} else {
			key, _, _ := strings.Cut(field.Tag.Get("json"), ",")
			keys = append(keys, key)
		}
	}
	return keys
}

// registeredFlags returns the names of all flags of a selection.
func registeredFlags() (names []string) {
	var f selectionFlags
	cmd := &cobra.Command{}
	f.add(cmd)
	cmd.Flags().VisitAll(func(flag *pflag.Flag) { names = append(names, flag.Name) })
	return names // sorted
}

// TestSelectionFlagsOfFields checks that each field of a request has a flag, and that each flag has a field.
func TestSelectionFlagsOfFields(t *testing.T) {
	t.Parallel()
	want := requestFields(reflect.TypeFor[selection.Request]())
	slices.Sort(want)
	if diff := cmp.Diff(want, slices.Sorted(maps.Keys(selectionFields))); diff != "" {
		t.Errorf("fields (-selection.Request +flags):\n%s", diff)
	}
	flags := make(map[string]bool)
	for _, args := range selectionFields {
		for _, arg := range args {
			name, _, _ := strings.Cut(strings.TrimPrefix(arg, "--"), "=")
			flags[name] = true
		}
	}
	if diff := cmp.Diff(registeredFlags(), slices.Sorted(maps.Keys(flags))); diff != "" {
		t.Errorf("flags (-registered +of fields):\n%s", diff)
	}
}

// TestSelectionFlagsSetFields checks that a flag sets its field and no other field.
func TestSelectionFlagsSetFields(t *testing.T) {
	t.Parallel()
	ids := writeFile(t, filepath.Join(t.TempDir(), "ids"), "sources: {a: {share: 10%}}\n") // a file for every kind of flag
	fields := func(args ...string) map[string]any {
		requests, err := parseSelection(t, args...)
		if err != nil {
			t.Fatalf("%v: %v", args, err)
		}
		text, err := json.Marshal(requests[len(requests)-1])
		if err != nil {
			t.Fatal(err)
		}
		var values map[string]any
		if err := json.Unmarshal(text, &values); err != nil {
			t.Fatal(err)
		}
		return values
	}
	for field, args := range selectionFields {
		for _, arg := range args {
			arg = strings.ReplaceAll(arg, "FILE", ids)
			given := []string{"--budget=60", arg}
			if strings.HasPrefix(arg, "--budget") {
				given = []string{arg} // a second budget would be added to the first
			}
			want, got := fields("--budget=60"), fields(given...)
			if cmp.Equal(want[field], got[field]) {
				t.Errorf("%s does not set %s", arg, field)
			}
			delete(want, field)
			delete(got, field)
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("%s also sets (-without +with):\n%s", arg, diff)
			}
		}
	}
}

// TestParameters checks that the parameters name every flag and every field of a selection, and that the example of a
// flag gives the same request as its example in JSON.
func TestParameters(t *testing.T) {
	t.Parallel()
	ids := writeFile(t, filepath.Join(t.TempDir(), "ids"), "chart-0001\n")
	mix := writeFile(t, filepath.Join(t.TempDir(), "mix"), "sources: {chartqa: {share: 20%}}\n")
	flags, fields := make(map[string]bool), make(map[string]bool)
	for _, p := range parameters() {
		name, value := p.split()
		flags[name] = true
		var want selection.Request
		if err := json.Unmarshal([]byte("{"+p.fields+"}"), &want); err != nil {
			t.Errorf("%s: %v", p.fields, err)
		}
		file := ids
		if name == "mix" {
			file = mix
		}
		arg := "--" + name + "=" + strings.ReplaceAll(value, "FILE", file)
		args := []string{strings.TrimSuffix(arg, "=")}
		if name != "budget" {
			args = append(args, "--budget=30%")
		}
		requests, err := parseSelection(t, args...)
		if err != nil {
			t.Errorf("%s: %v", p.flag, err)
			continue
		}
		got := requests[len(requests)-1]
		if name != "budget" {
			got.Budget = selection.Budget{}
		}
		if len(got.ExcludeNear) == len(want.ExcludeNear) { // only the numbers of files, because their names differ
			got.ExcludeNear = want.ExcludeNear
		}
		gotJSON, errGot := json.Marshal(got)
		wantJSON, errWant := json.Marshal(want)
		if diff := cmp.Diff(string(wantJSON), string(gotJSON)); diff != "" || errGot != nil || errWant != nil {
			t.Errorf("%s (-in JSON +asked for):\n%s", p.flag, diff)
		}
		var keys map[string]json.RawMessage
		if err := json.Unmarshal(wantJSON, &keys); err != nil {
			t.Fatal(err)
		}
		for key := range keys {
			fields[key] = true
		}
	}
	if diff := cmp.Diff(registeredFlags(), slices.Sorted(maps.Keys(flags))); diff != "" {
		t.Errorf("flags (-registered +listed):\n%s", diff)
	}
	if diff := cmp.Diff(slices.Sorted(maps.Keys(selectionFields)), slices.Sorted(maps.Keys(fields))); diff != "" {
		t.Errorf("fields (-of a request +listed):\n%s", diff)
	}
}

// TestSelectionFlagsLimits gives more budgets, and a longer file of ids, than one request may have.
func TestSelectionFlagsLimits(t *testing.T) {
	t.Parallel()
	ids := writeFile(t, filepath.Join(t.TempDir(), "ids"), "")
	if err := os.Truncate(ids, 64<<20+1); err != nil {
		t.Fatal(err)
	}
	tooLarge := "--include: " + ids + " has 67108865 bytes, and the limit is 67108864"
	for want, args := range map[string][]string{
		"--budget: 21 budgets are more than the limit of 20": {"--budget=" + strings.Repeat("1,", 20) + "2"},
		tooLarge: {"--budget=1", "--include=" + ids},
	} {
		if _, err := parseSelection(t, args...); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %s", err, want)
		}
	}
}

// TestSelectionFlagsOfPairs checks that each flag of names with values refuses a duplicate name, a text that is not a
// pair, and a wrong value. The error has an example.
func TestSelectionFlagsOfPairs(t *testing.T) {
	t.Parallel()
	for name, flag := range map[string]struct{ pair, example string }{
		"weights":      {"humanities=2", `"humanities=2,stem knowledge=3"`},
		"thresholds":   {"humanities=2", `"humanities=2,stem knowledge=3"`},
		"minimums":     {"a=2", "geo170k=500"},
		"cap-modality": {"text-only=2", "text-only=10%,one-image=500"},
	} {
		key, _, _ := strings.Cut(flag.pair, "=")
		for _, test := range []struct {
			args []string
			want string
		}{
			{[]string{flag.pair + "," + flag.pair}, `"` + key + `" is given twice`},
			{[]string{flag.pair, key + " = 3"}, `"` + key + `" is given twice`},
			{[]string{key}, flag.example},
			{[]string{"=3"}, flag.example},
			{[]string{key + "="}, flag.example},
			{[]string{""}, flag.example},
			{[]string{key + "=1_0"}, `"` + key + `": `},
		} {
			args := []string{"--budget=60"}
			for _, value := range test.args {
				args = append(args, "--"+name+"="+value)
			}
			if _, err := parseSelection(t, args...); err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("%q: %v, want %s", args, err, test.want)
			}
		}
	}
	got, err := parseSelection(t, "--budget=60", `--minimums="a,b=1",c=d=2`, "--minimums=e=3", "--weights=humanities=.5")
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(map[string]int{"a,b": 1, "c=d": 2, "e": 3}, got[0].Minimums); diff != "" ||
		got[0].Weights["humanities"] != 0.5 {
		t.Errorf("weights %v, minimums (-want +got):\n%s", got[0].Weights, diff)
	}
	const zero = `"text-only": cap "0": the smallest cap is one sample`
	if _, err := parseSelection(t, "--budget=60", "--cap-modality=text-only=0"); !strings.Contains(err.Error(), zero) {
		t.Errorf("%v, want %s", err, zero)
	}
}
