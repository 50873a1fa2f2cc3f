package run_test

import (
	"fmt"
	"testing"

	"github.com/harvest-ml/harvest/shared/events"
)

// TestBudgetAskedAgain drops dataset.yaml again with other budgets, before and after its run is scored.
func TestBudgetAskedAgain(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	const prefix = "datasets/again/"
	w.upload(prefix+"parts/all.jsonl", lines(plain("s", 20)))
	ask := func(budget string) string {
		w.upload(prefix+"dataset.yaml", fmt.Appendf(nil, "manifests: [parts/all.jsonl]\nbudget: %s\n", budget))
		plan, err := w.arrive(prefix + "dataset.yaml")
		if err != nil {
			t.Fatal(err)
		}
		return plan.Run
	}
	id := ask("30%")
	if other := ask("0.5"); other != id {
		t.Fatalf("runs %s and %s of one dataset", id, other)
	}
	if err := w.drain(); err != nil {
		t.Fatal(err)
	}
	if got := w.status(id).Selections; len(got) != 2 {
		t.Fatalf("selections %v once scored, want two", got)
	}
	for _, budget := range []string{"2", "2", "30%", "50%"} {
		ask(budget)
		if err := w.drain(); err != nil {
			t.Fatal(err)
		}
	}
	if got := w.status(id).Selections; len(got) != 3 {
		t.Errorf("selections %v, want one for each budget", got)
	}
	if got := w.eventIDs(events.RunScored); len(got) != 1 {
		t.Errorf("events %v, want one of the scored run", got)
	}
	if _, err := w.arrive(prefix + "dataset.yaml"); err != nil {
		t.Fatal(err)
	}
	w.upload(prefix+"dataset.yaml", []byte("manifests: [parts/all.jsonl]\nbudget: 21\n"))
	_, err := w.arrive(prefix + "dataset.yaml")
	if got, want := refusal(t, err), "budget: 21 samples are more than the run has; the most is 20"; got != want {
		t.Errorf("reason %q, want %q", got, want)
	}
}
