package run

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/harvest-ml/harvest/shared/bucket"
	"github.com/harvest-ml/harvest/shared/events"
)

// A Worker works on runs: it starts them, cuts, scores, and carries them on. Every step can be repeated.
type Worker struct {
	runs   *Reader
	input  bucket.Reader
	work   bucket.Bucket
	open   ScorerOpener
	tasks  events.Publisher
	events events.Publisher
	now    func() time.Time
	loader *loader
}

// A WorkerConfig is what a Worker needs.
type WorkerConfig struct {
	Runs       *Reader // of the work bucket
	Input      bucket.Reader
	Work       bucket.Bucket
	OpenScorer ScorerOpener
	Tasks      events.Publisher
	Events     events.Publisher
	Now        func() time.Time
	// ImageBuckets are as in PlannerConfig.
	ImageBuckets map[string]bucket.Reader
}

// NewWorker makes a worker.
func NewWorker(c WorkerConfig) (*Worker, error) {
	switch {
	case c.Runs == nil:
		return nil, missing("Worker", "Reader")
	case c.Input == nil:
		return nil, missing("Worker", "input bucket")
	case c.Work == nil:
		return nil, missing("Worker", "work bucket")
	case c.OpenScorer == nil:
		return nil, missing("Worker", "opener of scorers")
	case c.Tasks == nil, c.Events == nil:
		return nil, missing("Worker", "topic of tasks or of events")
	case c.Now == nil:
		return nil, missing("Worker", "clock")
	}
	return &Worker{
		runs: c.Runs, input: c.Input, work: c.Work, open: c.OpenScorer, tasks: c.Tasks, events: c.Events, now: c.Now,
		loader: newLoader(c.Runs, c.Input, c.ImageBuckets),
	}, nil
}

// A RefusedError says why a dataset cannot be run as it is. Its author has to change something.
type RefusedError struct {
	Reason string
	// Err is the error behind it, such as the *dataset.FormatError of a manifest, whose File is the object's name; nil
	// where there is none.
	Err error
	// Object is the name of the object that the reason begins with, if it is about one.
	Object string
}

// ErrNoRecords is the error behind a RefusedError of a dataset without records.
var ErrNoRecords = errors.New("no records")

func (e *RefusedError) Error() string { return e.Reason }

// Unwrap returns the error behind it.
func (e *RefusedError) Unwrap() error { return e.Err }

// Start sets a planned run going, and returns the plan that stands: an earlier one may have another selection. A run
// that is started again gets what is still missing.
func (w *Worker) Start(ctx context.Context, plan *Plan) (*Plan, error) {
	if _, err := bucket.CreateJSON(ctx, w.work, planName(plan.Run), plan); err != nil {
		return nil, err
	}
	plan, err := w.runs.Plan(ctx, plan.Run)
	if err != nil {
		return nil, err
	}
	return plan, w.publishMissing(ctx, plan)
}

// Refuse keeps the reason why a dataset was refused as a run of its own, so that it can be looked up.
func (w *Worker) Refuse(ctx context.Context, datasetName, reason string) (*Plan, error) {
	if !namePattern.MatchString(datasetName) {
		return nil, events.DataError(&RefusedError{Reason: reason})
	}
	plan := &Plan{
		Layout: LayoutVersion, Dataset: datasetName, Problem: reason, Manifests: []Manifest{}, Ranges: []Range{},
	}
	if err := plan.identify(); err != nil {
		return nil, err
	}
	_, err := bucket.CreateJSON(ctx, w.work, planName(plan.Run), plan)
	return plan, err
}

// workable is the plan of a run on which work is to be done; nil if it was cancelled, refused, or waits for approval.
func (w *Worker) workable(ctx context.Context, run string) (*Plan, error) {
	plan, err := w.runs.Plan(ctx, run)
	if errors.Is(err, ErrNoRun) {
		return nil, events.DataError(err)
	} else if err != nil || plan.Problem != "" {
		return nil, err
	}
	if cancelled, err := bucket.Exists(ctx, w.work, cancelledName(run)); cancelled || err != nil {
		return nil, err
	}
	if plan.NeedsApproval {
		if approved, err := bucket.Exists(ctx, w.work, approvedName(run)); !approved || err != nil {
			return nil, err
		}
	}
	return plan, nil
}

// checkRange refuses a task of a range that the plan does not have. It would fail again.
func (p *Plan) checkRange(r int) error {
	if r < 0 || r >= len(p.Ranges) {
		return events.DataError(fmt.Errorf("run %s has no range %d", p.Run, r))
	}
	return nil
}
