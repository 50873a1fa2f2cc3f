package main

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/harvest-ml/harvest/shared/selection"
	"github.com/harvest-ml/harvest/shared/spelling"
)

// typedFiles holds the names of files as the user typed them in flags of a selection. An unknown name is empty.
type typedFiles struct {
	scoresFrom, mix, include, exclude string
	near                              []string
}

// flagsOf returns the flags by which a user requests a selection. Ids, a mix and evaluation sets are in files with
// unknown names, so FILE stands for them.
func flagsOf(r selection.Request) string { return typedFiles{}.flagsOf(r) }

// flagsOf returns the flags by which a user requests a selection, with the known names of files.
func (f typedFiles) flagsOf(r selection.Request) string {
	var words []string
	add := func(flag, value string) {
		if value != "" {
			words = append(words, "--"+flag, spelling.ShellWord(value))
		}
	}
	var budgets []string
	for _, b := range append(slices.Clone(r.Within), r.Budget) {
		budgets = append(budgets, b.Typed())
	}
	add("budget", strings.Join(budgets, ","))
	add("capabilities", listWord(r.Capabilities))
	add("weights", pairs(r.Weights, inDigits))
	if r.Threshold != 0 {
		add("threshold", strconv.Itoa(r.Threshold))
	}
	add("thresholds", pairs(r.Thresholds, strconv.Itoa))
	add("within-bin", string(r.WithinBin))
	add("strategy", string(r.Strategy))
	add("by", r.By)
	add("tie-break", r.TieBreak)
	if r.ScoresFrom != "" {
		add("scores-from", cmp.Or(f.scoresFrom, r.ScoresFrom))
	}
	for _, c := range r.Where {
		add("where", c.String())
	}
	if r.Seed != 0 {
		add("seed", strconv.FormatUint(r.Seed, 10))
	}
	add("keep-styles", listWord(r.Styles.Keep))
	add("drop-styles", listWord(r.Styles.Drop))
	add("keep-sources", listWord(r.Sources.Keep))
	add("drop-sources", listWord(r.Sources.Drop))
	add("minimums", pairs(r.Minimums, strconv.Itoa))
	addCaps(r.Caps, add)
	if !r.VisualTokens.IsZero() {
		add("visual-tokens", r.VisualTokens.String())
	}
	for _, is := range []struct {
		flag string
		set  bool
	}{
		{"ratings-only", r.RatingsOnly}, {"unique", r.Unique}, {"exclude-images", r.ExcludeImages},
	} {
		if is.set {
			words = append(words, "--"+is.flag)
		}
	}
	return strings.Join(append(words, f.words(r)...), " ")
}

// words returns the flags that name files.
func (f typedFiles) words(r selection.Request) (words []string) {
	for _, is := range []struct {
		flag  string
		set   bool
		files []string
	}{
		{"mix", !r.Mix.IsZero(), []string{f.mix}}, {"include", len(r.Include) > 0, []string{f.include}},
		{"exclude", len(r.Exclude) > 0, []string{f.exclude}}, {"exclude-near", len(r.ExcludeNear) > 0, f.near},
	} {
		if is.set {
			words = append(words, fileWords(is.flag, is.files)...)
		}
	}
	return words
}

// fileWords repeats a flag for each file; FILE stands for unknown names.
func fileWords(flag string, files []string) (words []string) {
	for _, file := range files {
		if file != "" {
			words = append(words, "--"+flag, spelling.ShellWord(file))
		}
	}
	if len(words) == 0 {
		return []string{"--" + flag, "FILE"}
	}
	return words
}

// addCaps adds the flags of caps.
func addCaps(caps selection.Caps, add func(flag, value string)) {
	add("cap-source", caps.Source.Typed())
	add("cap-style", caps.Style.Typed())
	add("cap-image", caps.Image.Typed())
	add("max-per-cluster", caps.Cluster.Typed())
	add("cap-template", caps.Template.Typed())
	var modalities []string
	for _, m := range caps.Modality.All() {
		if !m.Cap.IsZero() {
			modalities = append(modalities, m.Name+"="+m.Cap.Typed())
		}
	}
	add("cap-modality", listWord(modalities))
}

// inDigits returns a number as a user types it.
func inDigits(v float64) string { return strconv.FormatFloat(v, 'g', -1, 64) }

// pairs returns a map as the value of a flag, such as a=1,b=2, in ascending order of names.
func pairs[V any](of map[string]V, text func(V) string) string {
	var list []string
	for _, name := range slices.Sorted(maps.Keys(of)) {
		list = append(list, fmt.Sprintf("%s=%s", name, text(of[name])))
	}
	return listWord(list)
}

// listWord returns a list as the value of a flag, in CSV.
func listWord(list []string) string {
	quoted := make([]string, len(list))
	for i, item := range list {
		if quoted[i] = item; strings.ContainsAny(item, ",\"\n") {
			quoted[i] = `"` + strings.ReplaceAll(item, `"`, `""`) + `"`
		}
	}
	return strings.Join(quoted, ",")
}
