package run_test

import (
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/harvest-ml/harvest/shared/events"
	"github.com/harvest-ml/harvest/shared/memory"
	"github.com/harvest-ml/harvest/shared/run/runtest"
)

// TestLittleMemory scores a dataset with memory for two of its samples. The batches are smaller, but the results are
// the same as with more memory. In the end all memory is released.
func TestLittleMemory(t *testing.T) {
	t.Parallel()
	var want map[string]string
	for _, little := range []bool{false, true} {
		f := runtest.New(t)
		f.Limits.ShardSamples, f.Limits.RangeBytes = 60, 1<<20
		image := runtest.PNG(t, 16, 16)
		size := 2 * int64(len(image)) // of a sample's images
		if little {
			var err error
			f.Memory, err = memory.New(
				memory.Limit{Bytes: 2*size + 4000 + memory.Reserve}, memory.Need{Hold: size, Step: 4000})
			if err != nil {
				t.Fatal(err)
			}
			f.Restart()
		}
		var records []string
		for i := range 130 {
			name := fmt.Sprintf("%d.png", i)
			f.Upload("images/demo/"+name, image)
			records = append(records, runtest.Record(fmt.Sprint(i), "Fine.", name, name))
		}
		f.Upload("datasets/demo/a.jsonl", runtest.Lines(records))
		plan := f.Begin("datasets/demo/a.jsonl")
		if diff := cmp.Diff(events.Counts{In: 130, Scored: 130}, f.Finish(plan)); diff != "" {
			t.Errorf("little memory: %v: counts (-want +got):\n%s", little, diff)
		}
		got := map[string]string{}
		for _, name := range f.Objects("runs/" + plan.Run + "/scores/") {
			got[name] = string(f.Read(name))
		}
		if !little {
			want = got
			continue
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("scores in little memory (-in much +got):\n%s", diff)
		}
		all := f.Memory.NewHold(1)
		for range 2 {
			if err := all.Add(t.Context(), size); err != nil {
				t.Errorf("memory was not released: %v", err)
			}
		}
	}
}
