package run_test

import (
	"testing"
	"time"

	"github.com/harvest-ml/harvest/shared/events"
	"github.com/harvest-ml/harvest/shared/memory/memorytest"
	"github.com/harvest-ml/harvest/shared/run"
	"github.com/harvest-ml/harvest/shared/run/runtest"
)

// TestConstructorsRefuse omits each dependency in turn. The constructor returns an error.
func TestConstructorsRefuse(t *testing.T) {
	t.Parallel()
	f := runtest.New(t)
	if _, err := run.NewReader(nil, run.DefaultCacheBytes); err == nil {
		t.Error("a reader without a bucket was made")
	}
	for i, leave := range []func(*run.PlannerConfig){
		func(c *run.PlannerConfig) { c.Runs = nil },
		func(c *run.PlannerConfig) { c.Input = nil },
		func(c *run.PlannerConfig) { c.Work = nil },
		func(c *run.PlannerConfig) { c.OpenScorer = nil },
		func(c *run.PlannerConfig) { c.Memory = nil },
	} {
		c := run.PlannerConfig{
			Runs: f.Runs, Input: f.Input, Work: f.Work, OpenScorer: f.OpenScorer, Limits: f.Limits, Memory: memorytest.Budget(t),
		}
		leave(&c)
		if _, err := run.NewPlanner(c); err == nil {
			t.Errorf("planner %d was made without a dependency", i)
		}
	}
	feed, err := events.NewFeed(f.Events, runtest.Origin(), time.Now)
	if err != nil {
		t.Fatal(err)
	}
	for i, leave := range []func(*run.WorkerConfig){
		func(c *run.WorkerConfig) { c.Runs = nil },
		func(c *run.WorkerConfig) { c.Input = nil },
		func(c *run.WorkerConfig) { c.Work = nil },
		func(c *run.WorkerConfig) { c.OpenScorer = nil },
		func(c *run.WorkerConfig) { c.Tasks = nil },
		func(c *run.WorkerConfig) { c.Events = nil },
		func(c *run.WorkerConfig) { c.Now = nil },
		func(c *run.WorkerConfig) { c.Memory = nil },
	} {
		c := run.WorkerConfig{
			Runs: f.Runs, Input: f.Input, Work: f.Work, OpenScorer: f.OpenScorer,
			Tasks: f.Tasks, Events: feed, Now: time.Now, Width: 1, Process: run.Process{ID: "p"},
			Memory: memorytest.Budget(t),
		}
		leave(&c)
		if _, err := run.NewWorker(c); err == nil {
			t.Errorf("worker %d was made without a dependency", i)
		}
	}
}
