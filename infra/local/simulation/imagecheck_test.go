package simulation_test

import (
	"testing"

	"github.com/harvest-ml/harvest/shared/bucket"
	"github.com/harvest-ml/harvest/shared/events"
	"github.com/harvest-ml/harvest/shared/run"
	"github.com/harvest-ml/harvest/shared/run/runtest"
	"github.com/harvest-ml/harvest/shared/thorough"
)

// put puts an image of the dataset into the input bucket.
func (m *meter) put(name string) {
	m.t.Helper()
	_, err := bucket.CreateBytes(m.t.Context(), m.input, "images/wide/"+name, runtest.PNG(m.t, 4, 4))
	m.must(err)
}

// score delivers all messages of a run until the run is scored.
func (m *meter) score() {
	m.t.Helper()
	m.deliver(events.TaskRange, m.n)
	for len(m.tasks[events.TaskShard]) > 0 {
		m.deliver(events.TaskShard, m.n)
	}
}

// TestImageCheckRequests counts storage requests for few and for many ranges. Each range has a sample with two images.
// It counts the requests of a call for a scored dataset, of the steps of the image check, and of the shards of the next
// attempt.
func TestImageCheckRequests(t *testing.T) {
	thorough.Only(t)
	t.Parallel()
	sizes := []int{40, 160}
	if soak() {
		sizes = []int{200, 2000, 20_000}
	}
	for _, n := range sizes {
		m := newMeter(t, n, "early.png", "late.png")
		m.put("early.png")
		first := m.plan()
		m.score()
		m.checkScored(first, events.Counts{In: int64(n), Failed: int64(n)})

		m.ask("request again")
		m.deliver(events.TaskImages, n)
		if plan := m.ask("request again"); plan.Run != first.Run {
			t.Fatalf("without changes the dataset has run %s, want %s", plan.Run, first.Run)
		}
		m.put("late.png")
		m.deliver(events.TaskImages, n)
		second := m.ask("request again")
		if second.Attempt != 1 {
			t.Fatalf("the dataset has attempt %d, want 1", second.Attempt)
		}
		m.score()
		m.checkScored(second, events.Counts{In: int64(n), Scored: int64(n)})

		third, err := m.planner().NextAttempt(t.Context(), second.Run)
		m.must(err)
		_, err = m.worker.Start(t.Context(), third)
		m.must(err)
		m.deliver(events.TaskRange, n)
		m.kinds[events.TaskShard] = nil // shards that take over all scores
		m.score()
		m.checkScored(third, events.Counts{In: int64(n), Scored: int64(n)})
		for _, kind := range []string{"request again", events.TaskImages, events.TaskShard} {
			c := m.kinds[kind]
			t.Logf("%6d ranges, %-15s %6d deliveries, most %6d, in all %7d requests", n, kind, c.deliveries, c.most, c.total)
			if c.most > bounds[kind] {
				t.Errorf("%d ranges: a delivery of kind %s made %d requests, more than %d", n, kind, c.most, bounds[kind])
			}
		}
	}
}

// checkScored checks the counts of a run's samples. A third attempt takes over all scores.
func (m *meter) checkScored(plan *run.Plan, want events.Counts) {
	m.t.Helper()
	m.restart()
	st, err := m.runs.Status(m.t.Context(), plan.Run)
	m.must(err)
	if taken := max(int64(plan.Attempt)-1, 0) * int64(m.n); st.Samples != want || st.TakenOver != taken {
		m.t.Fatalf("samples %+v, %d taken over; want %+v, %d", st.Samples, st.TakenOver, want, taken)
	}
}
