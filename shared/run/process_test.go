package run

import (
	"os"
	"path/filepath"
	"sync"
	"testing"
)

// TestProcessGone checks in many goroutines at the same time whether a process lives. All get the same result.
func TestProcessGone(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	alive, err := OpenProcess(folder)
	if err != nil {
		t.Fatal(err)
	}
	ask := func(id string) (gone int) {
		const n = 8
		answers := make([]bool, n)
		var group sync.WaitGroup
		for i := range n {
			group.Go(func() { answers[i] = alive.Gone(id) })
		}
		group.Wait()
		for _, answer := range answers {
			if answer {
				gone++
			}
		}
		return gone
	}
	for range 200 {
		if err := os.WriteFile(filepath.Join(folder, "killed"), nil, 0o600); err != nil { // as a kill leaves it
			t.Fatal(err)
		}
		if gone := ask("killed"); gone != 8 {
			t.Fatalf("%d of 8 know that the process was killed", gone)
		}
	}
	if gone := ask(alive.ID); gone != 0 {
		t.Errorf("%d of 8 report that a living process has ended", gone)
	}
	if err := alive.Close(); err != nil {
		t.Fatal(err)
	}
	if gone := ask(alive.ID); gone != 8 {
		t.Errorf("%d of 8 know that the process has ended", gone)
	}
}
