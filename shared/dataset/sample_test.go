package dataset

import (
	"os"
	"path/filepath"
	"testing"
)

// pool reads the manifest of real data, which lies next to the repository.
func pool(tb testing.TB) []byte {
	tb.Helper()
	data, err := os.ReadFile(filepath.Join("..", "..", "..", "shared", "data", "pool", "dataset.json"))
	if err != nil {
		tb.Skipf("no pool of real data: %v", err)
	}
	return data
}

func TestHumanTurns(t *testing.T) {
	t.Parallel()
	for _, roles := range [][]Role{
		{}, {Human}, {Human, Model}, {Human, Human, Model}, {Model, Human, Model, Human}, {System, Human, Tool, Human},
		{Human, Model, System, Human, Model, Model, Tool, Human}, {System}, {Model, Model},
	} {
		var sample Sample
		for _, role := range roles {
			sample.Turns = append(sample.Turns, NewTurn(role, "text", 0))
		}
		want := 0
		for _, turn := range sample.Rated() {
			if turn.Role == Human {
				want++
			}
		}
		if got := sample.HumanTurns(); got != want {
			t.Errorf("%v: %d turns of the human, want %d", roles, got, want)
		}
	}
}

func TestProblemError(t *testing.T) {
	t.Parallel()
	place := Place{Manifest: "demo.json", Element: 7, Line: 81}
	for want, p := range map[string]Problem{
		"demo.json: element 7 (line 81): no answer: conversations: add one": {
			Fault: Fault{Code: NoAnswer, Field: "conversations", Detail: "add one"}, Place: place,
		},
		"demo.json: element 7 (line 81): image count: write one mark": {
			Fault: Fault{Code: ImageCount, Detail: "write one mark"}, Place: place,
		},
	} {
		if got := p.Error(); got != want {
			t.Errorf("Error() = %q, want %q", got, want)
		}
	}
}
