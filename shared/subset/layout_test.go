package subset

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/harvest-ml/harvest/shared/bucket"
	"github.com/harvest-ml/harvest/shared/run"
)

// TestLargeNumbers finds parts whose numbers have more digits than the names are padded to.
func TestLargeNumbers(t *testing.T) {
	t.Parallel()
	work := bucket.NewMemory()
	const (
		id, selection = "demo-0123456789ab", "0123456789ab"
		ranges        = 12_346
	)
	for _, name := range []string{
		partName(id, selection, 0, 7, subsetPart), partName(id, selection, 0, 7, rejectedPart),
		partName(id, selection, 0, ranges-1, subsetPart), partName(id, selection, 0, ranges-1, rejectedPart),
		partName(id, selection, 0, ranges-2, subsetPart),
	} {
		if _, err := bucket.CreateBytes(t.Context(), work, name, nil); err != nil {
			t.Fatal(err)
		}
	}
	s := &Selector{work: work}
	sel, plan := &Selection{ID: selection, Run: id}, &run.Plan{}
	for prefix, want := range map[string]map[int]bool{
		partsRoot(id, selection, 0):                          {7: true, ranges - 1: true},
		partsPrefix(id, selection, 0, 0):                     {7: true},
		partsPrefix(id, selection, 0, (ranges-1)/partsBlock): {ranges - 1: true},
	} {
		written, err := s.writtenParts(t.Context(), plan, sel, prefix)
		if diff := cmp.Diff(want, written); diff != "" || err != nil {
			t.Errorf("%s: %v, written (-want +got):\n%s", prefix, err, diff)
		}
	}
}
