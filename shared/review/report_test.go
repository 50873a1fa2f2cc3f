package review

import (
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// verdicts returns the verdicts of a reviewer, given as a letter for each pair: a for A, o for the other, t for a tie.
func verdicts(reviewer, letters string) (all []Verdict) {
	for i, letter := range letters {
		v := Verdict{Reviewer: reviewer, Choice: Tie, Pair: Pair{Number: i + 1, Capability: "counting", Side: Left}}
		if i%2 == 1 {
			v.Side = Right
		}
		switch letter {
		case 'a':
			v.Choice = v.Side
		case 'o':
			v.Choice = map[Choice]Choice{Left: Right, Right: Left}[v.Side]
		}
		all = append(all, v)
	}
	return all
}

// TestSummarize compares the figures with values from textbooks.
func TestSummarize(t *testing.T) {
	t.Parallel()
	near := func(what string, got, want float64) {
		t.Helper()
		if math.Abs(got-want) > 5e-4 {
			t.Errorf("%s: %.4f, want %.4f", what, got, want)
		}
	}
	// Wilson's interval of 7 of 10, and of 0 of 10.
	low, high := Wilson(0.7, 10)
	near("low of 7 of 10", low, 0.3968)
	near("high of 7 of 10", high, 0.8922)
	low, high = Wilson(0, 10)
	near("low of 0 of 10", low, 0)
	near("high of 0 of 10", high, 0.2775)

	r := Summarize(append(verdicts("anna", "aaaaaaaoot"), verdicts("ben", "aaaaaooaot")...))
	if got := r.Reviewers[0]; got.A != 7 || got.Other != 2 || got.Ties != 1 || got.WinRate != 0.75 {
		t.Errorf("anna: %+v", got)
	}
	// Both reviewers prefer A in 5 pairs, the other sample in 1, and a tie in 1. They differ in 3 pairs, which count as
	// ties.
	if got := r.All; got.A != 5 || got.Other != 1 || got.Ties != 4 || got.Judged != 10 {
		t.Errorf("all: %+v", got)
	}
	if len(r.Capabilities) != 1 || r.Capabilities[0].Judged != 10 {
		t.Errorf("capabilities: %+v", r.Capabilities)
	}
	// They agree on 7 of 10; the expected agreement is (7*6 + 2*3 + 1*1)/100 = 0.49.
	a := r.Agreements[0]
	if a.Equal != 7 || a.Pairs != 10 || a.Kappa == nil {
		t.Fatalf("agreement: %+v", a)
	}
	near("kappa", *a.Kappa, (0.7-0.49)/(1-0.49))
	if r := Summarize(append(verdicts("anna", "aaa"), verdicts("ben", "aaa")...)); r.Agreements[0].Kappa != nil ||
		len(r.Capabilities) != 0 {
		t.Errorf("three pairs, all A: %+v", r)
	}
	if r := Summarize(append(verdicts("anna", "a"), verdicts("anna", "o")...)); r.All.A != 1 || r.All.Judged != 1 {
		t.Errorf("the second verdict about a pair counts: %+v", r.All)
	}
}

// OpenFile continues after a line that was cut off, and refuses a file of another review.
func TestFile(t *testing.T) {
	t.Parallel()
	name := filepath.Join(t.TempDir(), "anna.jsonl")
	request := Request{Run: "demo-0123456789ab", A: "0123456789ab", Pairs: 4}
	for i := range 3 {
		f, err := OpenFile(name, request, "anna")
		if err != nil || f.Count() != i || f.Has(i+1) {
			t.Fatalf("%d: %v, %+v", i, err, f)
		}
		v := verdicts("anna", "aaaa")[i]
		v.Request = request
		if err := f.Add(v); err != nil || !f.Has(i+1) {
			t.Fatal(err)
		}
		data, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, append(data, data[:20]...), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	all, err := ReadVerdicts(name)
	if err != nil || len(all) != 3 || all[2].Number != 3 {
		t.Errorf("%v, %+v", err, all)
	}
	for _, other := range []Request{{Run: request.Run, A: request.A, Pairs: 5}, {}} {
		if _, err := OpenFile(name, other, "anna"); err == nil || !strings.Contains(err.Error(), "give another file") {
			t.Errorf("%+v: %v", other, err)
		}
	}
}
