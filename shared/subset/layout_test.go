package subset

import (
	"testing"

	"github.com/harvest-ml/harvest/shared/bucket"
	"github.com/harvest-ml/harvest/shared/run"
)

// TestLargeNumbers finds parts whose numbers have outgrown the zeros in their names.
func TestLargeNumbers(t *testing.T) {
	t.Parallel()
	work, err := bucket.OpenFolder(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	const (
		id, selection = "demo-0123456789ab", "0123456789ab"
		ranges        = 12_346
	)
	for _, name := range []string{
		subsetPartName(id, selection, 7), rejectedPartName(id, selection, 7), subsetPartName(id, selection, ranges-1),
	} {
		if _, err := bucket.CreateBytes(t.Context(), work, name, nil); err != nil {
			t.Fatal(err)
		}
	}
	s := &Selector{work: work}
	written, err := s.writtenParts(t.Context(), &run.Plan{Run: id, Ranges: make([]run.Range, ranges)}, selection)
	if err != nil {
		t.Fatal(err)
	}
	for r, n := range written {
		if want := map[int]int{7: 2, ranges - 1: 1}[r]; n != want {
			t.Errorf("range %d has %d parts, want %d", r, n, want)
		}
	}
}
