package simulation_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/harvest-ml/harvest/shared/bucket"
	"github.com/harvest-ml/harvest/shared/events"
	"github.com/harvest-ml/harvest/shared/thorough"
)

// TestLostSteps loses the step after the last task of each kind, and the message of this task. reconcile makes the
// step.
func TestLostSteps(t *testing.T) {
	t.Parallel()
	for _, lost := range []string{
		"/scores/0066.parquet", "/counts/1/0000/0001.json", "/parts/0/0001/0040.rejected", "/subset.jsonl", "/completed",
		"/counts/0/0001/0066.json", "/counts/1/0000/0000.json", "/counts/2/", "/scored", "/parts/1/0000/0000.subset",
		"/parts/1/0000/0002.rejected",
	}[:thorough.Size(5, 11)] {
		t.Run(lost, func(t *testing.T) {
			t.Parallel()
			const n = 70
			m := newMeter(t, n)
			m.lost = lost
			plan := m.plan()
			m.deliver(events.TaskRange, n)
			m.deliver(events.TaskShard, n)
			if strings.Contains(lost, "/parts/") || lost == "/subset.jsonl" || lost == "/completed" {
				m.deliver(events.TaskSelect, 1)
				m.deliver(events.TaskPart, n)
			}
			if m.killed == 0 {
				t.Fatal("nothing was lost")
			}
			m.lost = ""
			for range 3 { // a step may need the step before it
				m.reconcile("reconcile")
				m.deliver(events.TaskSelect, 1)
				m.deliver(events.TaskPart, n)
			}
			m.checkCompleted(plan)
		})
	}
}

// TestLostTemporary removes the temporary objects of a selection, like a bucket's lifecycle rule, while only some parts
// are written or composed. The objects are made again.
func TestLostTemporary(t *testing.T) {
	t.Parallel()
	const n = 70
	calm := measure(t, n)
	for _, gone := range []string{"parts/1/", "", "parts/0/0000/", "sent/"}[:thorough.Size(2, 4)] {
		for _, written := range []int{20, 0, n - 1}[:thorough.Size(1, 3)] {
			t.Run(fmt.Sprintf("%s after %d", gone, written), func(t *testing.T) {
				t.Parallel()
				m := newMeter(t, n)
				plan := m.plan()
				m.deliver(events.TaskRange, n)
				m.deliver(events.TaskShard, n)
				m.deliver(events.TaskSelect, 1)
				m.deliver(events.TaskPart, written)
				m.restart()
				st, err := m.subsets.RunStatus(t.Context(), plan.Run)
				m.must(err)
				bucket.RemoveTemporary(t.Context(), m.work, "tmp/"+plan.Run+"/"+st.Selections[0]+"/"+gone)
				m.tasks[events.TaskPart] = nil // these messages are also lost
				for range 12 {                 // each step continues the chains by at least one part
					m.reconcile("reconcile")
					m.deliver(events.TaskPart, n)
				}
				m.checkCompleted(plan)
				for _, output := range []string{"subset.jsonl", "rejected.jsonl"} {
					name := fmt.Sprintf("runs/%s/selections/%s/%s", plan.Run, st.Selections[0], output)
					want, err := bucket.ReadAll(t.Context(), calm.work, name)
					m.must(err)
					got, err := bucket.ReadAll(t.Context(), m.work, name)
					m.must(err)
					if string(got) != string(want) {
						t.Errorf("%s has %d bytes, want %d", name, len(got), len(want))
					}
				}
			})
		}
	}
}
