package run

import (
	"cmp"
	"context"
	"errors"
	"sync"
	"time"

	"github.com/harvest-ml/harvest/shared/bucket"
	"github.com/harvest-ml/harvest/shared/dataset"
	"github.com/harvest-ml/harvest/shared/events"
	"github.com/harvest-ml/harvest/shared/memory"
)

// A Worker does the steps of runs: it starts, cuts, scores and continues runs. Every step can be repeated.
type Worker struct {
	runs   *Reader
	index  *Index
	input  bucket.Reader
	work   bucket.Bucket
	open   ScorerOpener
	tasks  events.Publisher
	events *events.Feed
	now    func() time.Time
	loader *loader

	width   int
	widths  map[string]int
	process Process
	again   Republisher
	waits   waits
	// alone is locked for writing while a sample is rated that may crash the process, and for reading while other samples
	// are rated.
	alone sync.RWMutex
}

// A WorkerConfig configures a Worker.
type WorkerConfig struct {
	Runs       *Reader // reads the work bucket
	Input      bucket.Reader
	Work       bucket.Bucket
	OpenScorer ScorerOpener
	Tasks      events.Publisher
	Events     *events.Feed
	Now        func() time.Time
	// ImageBuckets is as in PlannerConfig.
	ImageBuckets map[string]bucket.Reader
	// Width is the Wave.Width of the waves that the worker begins, at least 1. Widths has other widths, by kind of scorer.
	Width   int
	Widths  map[string]int
	Process Process
	// Memory is the memory budget for images.
	Memory *memory.Budget
}

// NewWorker returns a Worker. The error names a missing field.
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
	case c.Width < 1:
		return nil, missing("Worker", "width")
	case c.Process.ID == "":
		return nil, missing("Worker", "process")
	case c.Memory == nil:
		return nil, missing("Worker", "budget of memory")
	}
	return &Worker{
		runs: c.Runs, index: NewIndex(c.Work), input: c.Input, work: c.Work, open: c.OpenScorer,
		tasks: c.Tasks, events: c.Events, now: c.Now,
		loader: newLoader(c.Runs, Texts{c.Input, c.Work}, c.ImageBuckets, c.Memory), width: c.Width,
		widths: c.Widths, process: c.Process,
		again: Republisher{Work: c.Work, Process: c.Process, Now: c.Now},
	}, nil
}

// A RefusedError is the error of a dataset or a request that a user has to change.
type RefusedError struct {
	Reason string
	// Err is the cause, such as the *dataset.FormatError of a manifest, whose File is the object's name; nil if there is
	// no other error.
	Err error
	// Object is the name of the invalid object; empty if the reason is not about an object.
	Object string
	// Missing is the name of an object that does not exist in the input bucket; empty if there is another reason.
	Missing string
}

// ErrNoRecords is the cause of a RefusedError of a dataset without records.
var ErrNoRecords = errors.New("no records")

func (e *RefusedError) Error() string { return e.Reason }

// Unwrap returns the cause.
func (e *RefusedError) Unwrap() error { return e.Err }

// object returns the object that has to be uploaded or corrected; empty if this is not exactly one object.
func (e *RefusedError) object() string {
	if format, ok := errors.AsType[*dataset.FormatError](e.Err); ok && format.File != "" {
		return format.File
	}
	return cmp.Or(e.Object, e.Missing)
}

// Start accepts a planned run and begins it. If the run exists, Start continues it. It returns the stored plan of the
// run, which may have another selection than the given plan.
func (w *Worker) Start(ctx context.Context, plan *Plan) (*Plan, error) {
	plan, _, err := w.start(ctx, plan)
	return plan, err
}

// start is Start, and reports whether it created the plan.
func (w *Worker) start(ctx context.Context, plan *Plan) (stored *Plan, created bool, err error) {
	if created, err = bucket.CreateJSON(ctx, w.work, planName(plan.Run), plan); err != nil {
		return nil, false, err
	}
	if stored, err = w.runs.Plan(ctx, plan.Run); err != nil {
		return nil, false, err
	}
	if err := w.index.Accept(ctx, Entry{Run: plan.Run}, acceptedName(plan.Run), w.now()); err != nil {
		return nil, false, err
	}
	return stored, created, w.begin(ctx, stored)
}

// begin begins the first wave of a run that has none, and continues the run in its current wave, if it is workable.
func (w *Worker) begin(ctx context.Context, plan *Plan) error {
	workable, wave, err := w.workable(ctx, plan.Run, presentWave)
	if err != nil {
		return err
	} else if workable == nil {
		return w.announceWaiting(ctx, plan)
	}
	if wave == nil {
		if err := w.beginWave(ctx, plan, 0, 0); err != nil {
			return err
		}
		if wave, err = w.runs.wave(ctx, plan.Run); err != nil {
			return err
		}
	}
	if err := w.continueWave(ctx, plan, wave); err != nil {
		return err
	}
	if err := w.announcePlanned(ctx, plan); err != nil {
		return err
	}
	return w.announceWaiting(ctx, plan) // the run may have dead letters
}

// ContinueRun continues an accepted run. scored is true if the run is scored and its event is published. final is true
// if the run was cancelled.
func (w *Worker) ContinueRun(ctx context.Context, plan *Plan) (scored, final bool, err error) {
	if scored, err = bucket.Exists(ctx, w.work, ScoredSentName(plan.Run)); scored || err != nil {
		return scored, false, err
	}
	if final, err = w.cancelled(ctx, plan.Run); err != nil {
		return false, false, err
	} else if final {
		return false, true, w.announceWaiting(ctx, plan)
	}
	if err := w.begin(ctx, plan); err != nil {
		return false, false, err
	}
	scored, err = bucket.Exists(ctx, w.work, ScoredSentName(plan.Run))
	return scored, false, err
}

// cancelled reports whether a run was cancelled before all its samples were scored.
func (w *Worker) cancelled(ctx context.Context, run string) (bool, error) {
	if cancelled, err := bucket.Exists(ctx, w.work, cancelledName(run)); !cancelled || err != nil {
		return false, err
	}
	scored, err := w.runs.Scored(ctx, run)
	return !scored && err == nil, err
}

// Refuse stores the reason why an upload of a dataset was refused as a run, so that users can look it up. It returns
// the plan of this run. The same reason for the same upload is one run.
func (w *Worker) Refuse(ctx context.Context, datasetName string, u Upload, why *RefusedError) (*Plan, error) {
	if !namePattern.MatchString(datasetName) {
		return nil, events.DataError(&RefusedError{Reason: why.Reason})
	}
	plan := refusedPlan(datasetName, why)
	plan.Refused = u
	if err := w.runs.notRemoved(ctx, plan, func(plan *Plan) { plan.Removals++ }); err != nil {
		return nil, err
	}
	if _, err := bucket.CreateJSON(ctx, w.work, planName(plan.Run), plan); err != nil {
		return nil, err
	}
	if err := w.AnnounceRefused(ctx, plan); err != nil {
		return nil, err
	}
	// Lists of runs have only runs in the index.
	return plan, w.index.acceptFinished(ctx, Entry{Run: plan.Run}, acceptedName(plan.Run), w.now())
}

// refusedPlan returns the plan of a refused dataset, without the run's id.
func refusedPlan(datasetName string, why *RefusedError) *Plan {
	return &Plan{
		Layout: LayoutVersion, Dataset: datasetName, Problem: why.Reason, ProblemObject: why.object(),
		Manifests: []Manifest{}, Ranges: []Range{},
	}
}

// presentWave is the number that stands for the current wave in a call of workable.
const presentWave = -1

// workable returns the plan of a run and its current wave. The wave is nil before the first wave. The plan is nil if a
// message of the wave number has no work to do: the run was cancelled or refused, the run waits for approval, another
// wave has begun, or the wave was stopped.
func (w *Worker) workable(ctx context.Context, run string, number int) (*Plan, *Wave, error) {
	plan, err := w.runs.Plan(ctx, run)
	if errors.Is(err, ErrNoRun) {
		return nil, nil, events.DataError(err)
	} else if err != nil || plan.Problem != "" {
		return nil, nil, err
	}
	if cancelled, err := w.cancelled(ctx, run); cancelled || err != nil {
		return nil, nil, err
	}
	if plan.NeedsApproval {
		if approved, err := bucket.Exists(ctx, w.work, approvedName(run)); !approved || err != nil {
			return nil, nil, err
		}
	}
	wave, err := w.runs.wave(ctx, run)
	if err != nil || wave == nil {
		return plan, wave, err
	}
	if number != presentWave && number != wave.Number {
		return nil, nil, nil
	}
	if stop, err := w.runs.stopped(ctx, run, wave); stop != nil || err != nil {
		return nil, nil, err
	}
	return plan, wave, nil
}
