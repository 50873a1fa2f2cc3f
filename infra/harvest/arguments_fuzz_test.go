package main

import (
	"bytes"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"
)

func FuzzBudgetList(f *testing.F) {
	for _, text := range []string{"30%", "5%,10%", "0,3", "1,000", "10,000,000", "", ",", "200M-tokens"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		var list budgetList
		if err := list.Set(text); err != nil {
			return
		}
		flags := selectionFlags{budgets: list}
		if specs, err := flags.specs(); err == nil && len(specs) != len(list) {
			t.Errorf("%q gives %d selections for %d budgets", text, len(specs), len(list))
		}
	})
}

func FuzzPlainText(f *testing.F) {
	for _, text := range []string{"a\n", "\x1b[2J", "\xff", "\u202e", "数据", "\x9b", "a\x00\tb"} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		var out bytes.Buffer
		if n, err := (plainText{&out}).Write(text); n != len(text) || err != nil {
			t.Fatalf("%q: %d %v", text, n, err)
		}
		if !utf8.Valid(out.Bytes()) {
			t.Errorf("%q is shown as %q", text, out.Bytes())
		}
		if strings.ContainsFunc(out.String(), func(r rune) bool {
			return unicode.IsControl(r) && r != '\n' && r != '\t' || unicode.Is(unicode.Bidi_Control, r)
		}) {
			t.Errorf("%q is shown as %q", text, out.Bytes())
		}
	})
}

func FuzzDatasetName(f *testing.F) {
	for _, name := range []string{"charts.json", "数据.jsonl", ".", "a/b", "résumé", "-", strings.Repeat("x", 200)} {
		f.Add(name)
	}
	f.Fuzz(func(t *testing.T, name string) {
		plain := plainName(name, "dataset")
		if len(plain) > maxPlainName || notInNames.MatchString(plain) || strings.Trim(plain, "-._") == "" ||
			strings.ContainsAny(plain[:1], "-._") {
			t.Errorf("%q is named %q", name, plain)
		}
	})
}
