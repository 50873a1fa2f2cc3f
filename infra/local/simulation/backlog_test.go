package simulation_test

import (
	"fmt"
	"os"
	"testing"
	"time"

	"github.com/harvest-ml/harvest/shared/run"
	"github.com/harvest-ml/harvest/shared/thorough"
)

// checkScored checks that all samples of a run are scored and no task was given up.
func (s *system) checkScored(plan *run.Plan, shards int) {
	s.t.Helper()
	st, err := s.process().runs.Status(s.t.Context(), plan.Run)
	s.must(err)
	if st.State != run.StateScored || st.Samples.Scored != plan.Samples || st.Progress.ShardsScored != shards {
		s.t.Errorf("run %s is %s with %+v and %+v, of %d shards", plan.Run, st.State, st.Samples, st.Progress, shards)
	}
	if dead := s.objects(plan, "dead/"); len(dead) > 0 {
		s.t.Errorf("dead letters: %q", dead)
	}
}

// checkAlone checks that samples were rated alone only in shards on which two processes had died.
func (s *system) checkAlone() {
	s.t.Helper()
	twice := 0
	for _, n := range s.deaths {
		if n >= 2 {
			twice++
		}
	}
	if s.alone > twice*shardSamples*2 {
		s.t.Errorf("%d samples were rated alone, but %d tasks had two deaths", s.alone, twice)
	}
}

// TestBacklog fills a queue for days with more messages than its endpoint can process.
func TestBacklog(t *testing.T) {
	t.Parallel()
	n, f := 700, someFaults
	f.lost = 0.004 // with a smaller share, none of so few messages would be lost
	if soak() {
		n, f = 13_000, someFaults
	}
	s := newSystem(t, f)
	plan := s.begin("backlog", n)
	s.finish(2*time.Duration(n)*shardTime/slots+24*time.Hour, 1)
	s.checkScored(plan, n)
	s.checkAlone()
	ideal := time.Duration(n) * shardTime / slots
	t.Logf("%d shards in %s (%.2f of the time that the slots need), %d scorings, %d alone, %d tasks with deaths, "+
		"most in flight %d, %d tasks published again, %+v",
		n, s.ended[plan.Run], float64(s.ended[plan.Run])/float64(ideal), s.scorings, s.alone, len(s.deaths),
		s.inFlight, len(s.objects(plan, "again/")), s.shards())
	if s.inFlight > width+width/2 {
		t.Errorf("%d messages were in flight, more than %d", s.inFlight, width+width/2)
	}
	if s.scorings > n*103/100 {
		t.Errorf("%d shards were scored %d times", n, s.scorings)
	}
	stats := s.shards()
	if len(s.deaths) == 0 || stats.Duplicated == 0 || stats.Late == 0 || stats.Lost == 0 {
		t.Errorf("a kind of fault did not happen: %d deaths, %+v", len(s.deaths), stats)
	}
}

// TestWidthChanges doubles the width of a run and halves it again, while it is rated.
func TestWidthChanges(t *testing.T) {
	thorough.Only(t)
	t.Parallel()
	const n = 400
	s := newSystem(t, someFaults)
	plan := s.begin("wide", n)
	for i, w := range []int{2 * width, width} {
		s.runUntil(100*time.Hour, func() bool { return s.scorings >= (i+1)*n/4 })
		if most := s.width * 3 / 2; s.inFlight > most {
			t.Errorf("%d messages were in flight, more than %d", s.inFlight, most)
		}
		s.resume(plan, w)
		// Messages that were published with the earlier width stay in the queue until a slot is free.
		over := s.now() + 2*time.Hour
		s.runUntil(100*time.Hour, func() bool { return s.now() > over })
		s.inFlight = 0
	}
	s.finish(100*time.Hour, 1)
	s.checkScored(plan, n)
	s.checkAlone()
	t.Logf("%d shards in %s, %d scorings, most in flight after the last change %d, %+v",
		n, s.ended[plan.Run], s.scorings, s.inFlight, s.shards())
	if s.inFlight > width*3/2 {
		t.Errorf("%d messages were in flight after the last change, more than %d", s.inFlight, width*3/2)
	}
	if s.scorings > n*103/100 {
		t.Errorf("%d shards were scored %d times", n, s.scorings)
	}
}

// resume begins a wave of another width.
func (s *system) resume(plan *run.Plan, w int) {
	s.t.Helper()
	s.width, s.idle = w, nil
	s.must(s.process().reconciler.Resume(s.t.Context(), plan.Run, false))
}

// TestFairness runs three equal runs concurrently.
func TestFairness(t *testing.T) {
	thorough.Only(t)
	t.Parallel()
	const n = 200
	f := someFaults
	f.lost = 0 // a chain whose message is lost waits for hours
	s := newSystem(t, f)
	var plans []*run.Plan
	for _, name := range []string{"one", "two", "three"} {
		plans = append(plans, s.begin(name, n))
	}
	s.finish(100*time.Hour, len(plans))
	first, last := 1000*time.Hour, time.Duration(0)
	for _, plan := range plans {
		s.checkScored(plan, n)
		first, last = min(first, s.ended[plan.Run]), max(last, s.ended[plan.Run])
	}
	t.Logf("ended after %s to %s, %d scorings, most in flight %d", first, last, s.scorings, s.inFlight)
	if last > first*3/2 {
		t.Errorf("runs of equal size ended after %s to %s", first, last)
	}
	if most := len(plans) * width * 3 / 2; s.inFlight > most || s.scorings > len(plans)*n*103/100 {
		t.Errorf("%d in flight, %d scorings", s.inFlight, s.scorings)
	}
}

// TestManyRuns runs many small runs concurrently.
func TestManyRuns(t *testing.T) {
	t.Parallel()
	runs, n := 40, 4
	if soak() {
		runs = 300
	}
	s := newSystem(t, someFaults)
	var plans []*run.Plan
	for i := range runs {
		plans = append(plans, s.begin(fmt.Sprintf("small%03d", i), n))
	}
	s.finish(time.Duration(runs)*time.Hour, runs)
	for _, plan := range plans {
		s.checkScored(plan, n)
	}
	s.checkAlone()
	t.Logf("%d runs in %s, %d scorings, most in flight %d, %+v",
		runs, s.now(), s.scorings, s.inFlight, s.shards())
	if s.scorings > runs*n*103/100 || s.inFlight > 2*runs*n {
		t.Errorf("%d shards were scored %d times, and %d messages were in flight", runs*n, s.scorings, s.inFlight)
	}
}

// TestScorerAway makes the scorer unreachable for most of a day. The run takes longer, but no sample fails.
func TestScorerAway(t *testing.T) {
	t.Parallel()
	const n = 200
	s := newSystem(t, faults{})
	from, to := time.Hour, 21*time.Hour
	s.away = func() bool { return s.now() >= from && s.now() < to }
	plan := s.begin("away", n)
	s.runUntil(from+schedule, func() bool { return s.now() >= from+schedule/2 }) // begun work is completed
	began := len(s.objects(plan, "started/"))
	s.runUntil(to, func() bool { return s.now() >= to-time.Minute })
	if attempts := len(s.objects(plan, "started/")); attempts != began || s.scorings >= n {
		t.Errorf("%d attempts began while the scorer was unreachable, want none; %d scorings began before its return, "+
			"want fewer than %d", attempts-began, s.scorings, n)
	}
	// The first shard of each chain is published again after 6 hours, and again after another 12 hours.
	if again := len(s.objects(plan, "again/")); again > 2*width {
		t.Errorf("%d tasks were published again", again)
	}
	s.finish(100*time.Hour, 1)
	s.checkScored(plan, n)
	if s.scorings != n || s.alone > 0 {
		t.Errorf("%d shards were scored %d times, and %d samples alone", n, s.scorings, s.alone)
	}
	t.Logf("ended after %s, %d tasks published again, %+v",
		s.ended[plan.Run], len(s.objects(plan, "again/")), s.shards())
}

// soak reports whether the tests run at full size.
func soak() bool { return os.Getenv("HARVEST_SOAK") != "" }
