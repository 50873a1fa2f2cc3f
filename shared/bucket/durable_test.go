package bucket

import (
	"strconv"
	"testing"
)

// TestDurableFolders adds more folders than fit. The last folder is always known, and the number of folders is bounded.
func TestDurableFolders(t *testing.T) {
	t.Parallel()
	var d durableFolders
	for i := range 3 * maxDurable {
		d.add(strconv.Itoa(i))
		if !d.has(strconv.Itoa(i)) || len(d.known) > maxDurable {
			t.Fatalf("after %d folders it knows %d", i+1, len(d.known))
		}
	}
	last := strconv.Itoa(3*maxDurable - 1)
	if d.remove(last); d.has(last) {
		t.Errorf("%s is known after it was removed", last)
	}
}
