package subset

import (
	"context"
	"errors"
	"fmt"

	"github.com/harvest-ml/harvest/shared/bucket"
	"github.com/harvest-ml/harvest/shared/events"
	"github.com/harvest-ml/harvest/shared/run"
)

// An Arrival says how a new object in the input bucket was handled.
type Arrival struct {
	Run     string // accepted or refused run; empty if the object starts none
	Spec    string // the dataset.yaml that waited for the object and started the run; empty if the object itself did
	Earlier string // the refused run of this dataset.yaml if the object is a corrected file; empty if it was missing
	Named   bool   // whether the dataset.yaml of the object's dataset names it, so that it starts no run of its own
	Coming  bool   // whether this dataset.yaml was not handled yet, so that it will start its run itself
	Missing string // a file for which this dataset.yaml waits; when all files have arrived, its run starts
	Waits   string // why the dataset.yaml of the object's dataset is refused, so that the object starts no run
	Refused string // why the run is refused
	// Planning is set if Refused comes from planning, which had not ended when the object arrived, and reports the refusal
	// itself.
	Planning bool
}

// AcceptUpload accepts the run that an object in the input bucket starts, and then records that this upload is handled,
// so that it needs no further notification. If the object is the last file that a refused dataset.yaml waits for, or
// corrects the file that was the reason, the dataset.yaml is handled again. Each step can be repeated.
func (s *Selector) AcceptUpload(
	ctx context.Context, planner *run.Planner, worker *run.Worker, object string,
) (Arrival, error) {
	upload, spec, starts, err := planner.Uploaded(ctx, object)
	refused, final := errors.AsType[*run.RefusedError](err)
	switch {
	case starts:
		if waiting, err := s.stillAwaits(ctx, planner, upload); waiting.Missing != "" || err != nil {
			return waiting, err
		}
		return s.acceptStart(ctx, planner, worker, upload, spec, err)
	case final:
		return s.acceptAwaited(ctx, planner, worker, object, upload, Arrival{Waits: refused.Reason})
	case err != nil:
		return Arrival{}, err
	}
	return s.acceptAwaited(ctx, planner, worker, object, upload, Arrival{Named: upload.Object != ""})
}

// stillAwaits returns the arrival of a dataset.yaml that was refused, and still waits for a file. Another refusal would
// name another file, and so be another run. The Arrival is zero for other uploads.
func (s *Selector) stillAwaits(ctx context.Context, planner *run.Planner, upload run.Upload) (Arrival, error) {
	if !upload.IsSpec() {
		return Arrival{}, nil
	}
	if refused, err := s.index.HasUpload(ctx, upload); !refused || err != nil {
		return Arrival{}, err
	}
	awaiting, err := planner.Awaiting(ctx, upload.Object)
	return Arrival{Named: awaiting.Missing != "", Missing: awaiting.Missing}, err
}

// acceptAwaited handles an object that starts no run of its own. arrival is the answer if no dataset.yaml waits for the
// object.
func (s *Selector) acceptAwaited(
	ctx context.Context, planner *run.Planner, worker *run.Worker, object string, upload run.Upload, arrival Arrival,
) (Arrival, error) {
	awaiting, err := planner.Awaiting(ctx, object)
	switch {
	case err != nil:
		return Arrival{}, err
	case awaiting.Missing != "":
		arrival = Arrival{Named: true, Missing: awaiting.Missing}
	case awaiting.Spec != "":
		if arrival, err = s.AcceptUpload(ctx, planner, worker, awaiting.Spec); err != nil {
			return Arrival{}, err
		}
		if arrival.Spec, arrival.Earlier = awaiting.Spec, awaiting.Run; awaiting.Run != "" && arrival.Run == awaiting.Run {
			arrival = Arrival{Named: true, Waits: awaiting.Reason} // the dataset is refused for the same reason again
		}
	case awaiting.Named || awaiting.Reason != "":
		arrival = Arrival{Named: awaiting.Named, Waits: awaiting.Reason, Coming: awaiting.Coming}
	}
	if upload.Object == "" { // reconcile does not look for such objects
		return arrival, nil
	}
	return arrival, s.index.NoteUpload(ctx, upload, "")
}

// acceptStart accepts the run of an upload. err is the error of reading the upload.
func (s *Selector) acceptStart(
	ctx context.Context, planner *run.Planner, worker *run.Worker, upload run.Upload, spec run.Spec, err error,
) (Arrival, error) {
	var arrival Arrival
	note, mayRepeat := s.index.NoteUpload, err == nil && upload.IsSpec()
	if err == nil {
		arrival, err = s.acceptRun(ctx, planner, worker, spec, upload)
	}
	waits := upload.Awaits(spec, err)
	if waits != nil {
		if err := s.index.Await(ctx, upload); err != nil {
			return Arrival{}, err
		}
		// A file may have arrived in the meantime: then this repetition finds it. The arrival of a later file finds the
		// record of Await.
		arrival, err = s.acceptRun(ctx, planner, worker, spec, upload)
		if waits = upload.Awaits(spec, err); waits != nil {
			err, note = waits, s.index.NoteRefused
		}
	}
	if refused, final := errors.AsType[*run.RefusedError](err); final {
		if waits == nil { // nobody knows whether the missing file is the only one, as with a pattern
			refused = &run.RefusedError{Reason: refused.Reason, Err: refused.Err, Object: refused.Object}
		}
		var plan *run.Plan
		if plan, err = worker.Refuse(ctx, spec.Dataset, upload, refused); err == nil {
			arrival = Arrival{Run: plan.Run, Refused: refused.Reason}
		}
	}
	if err != nil && !events.IsDataError(err) {
		return Arrival{}, err
	}
	if err := errors.Join(err, note(ctx, upload, arrival.Run)); err != nil || !mayRepeat || arrival.Refused == "" {
		return arrival, err
	}
	if waits == nil {
		arrival, err = s.acceptAgain(ctx, planner, worker, upload, spec, arrival)
	}
	return arrival, err
}

// acceptAgain accepts the run of a dataset.yaml that was just refused if the cause was fixed in the meantime. A later
// correction finds the record of the refusal.
func (s *Selector) acceptAgain(
	ctx context.Context, planner *run.Planner, worker *run.Worker, upload run.Upload, spec run.Spec, refused Arrival,
) (Arrival, error) {
	again, err := s.acceptRun(ctx, planner, worker, spec, upload)
	if _, final := errors.AsType[*run.RefusedError](err); final {
		return refused, nil
	} else if err != nil {
		return Arrival{}, err
	} else if again.Run == refused.Run {
		return refused, nil
	}
	return again, s.index.NoteUpload(ctx, upload, again.Run)
}

// acceptRun is AcceptRun for an upload. If the run is already refused, the Arrival has the reason.
func (s *Selector) acceptRun(
	ctx context.Context, planner *run.Planner, worker *run.Worker, spec run.Spec, upload run.Upload,
) (Arrival, error) {
	plan, planned, err := s.acceptPlan(ctx, planner, worker, spec, upload)
	if plan == nil {
		return Arrival{}, err
	}
	return Arrival{Run: plan.Run, Refused: plan.Problem, Planning: plan.Problem != "" && !planned}, err
}

// AcceptReplaced accepts the run of a dataset.yaml whose run was refused during planning, if a file that may be the
// reason was replaced since. The Arrival is zero if no file was replaced.
func (s *Selector) AcceptReplaced(
	ctx context.Context, planner *run.Planner, worker *run.Worker, refused *run.Plan,
) (Arrival, error) {
	at, err := planner.ReplacedSince(ctx, refused)
	if at == "" || err != nil {
		return Arrival{}, err
	}
	arrival, err := s.AcceptUpload(ctx, planner, worker, at)
	arrival.Spec, arrival.Earlier = at, refused.Run
	return arrival, err
}

const (
	// uploadsLimit is the most objects of the input bucket that one step of reconcile checks.
	uploadsLimit = 100
	// uploadsAccepted is the most uploads that one step accepts.
	uploadsAccepted = 10
)

// acceptUploads does one step of the search for uploads whose notification was lost. It begins at a cursor, and returns
// the cursor of the next step; empty after the last step. After a failure it reports the error to failed, and continues
// with other uploads.
func (c *Reconciler) acceptUploads(
	ctx context.Context, cursor string, failed func(context.Context, run.Entry, error),
) (string, error) {
	uploads, next, err := c.planner.Uploads(ctx, cursor, uploadsLimit)
	if err != nil {
		return "", err
	}
	accepted := 0
	for _, u := range uploads {
		noted, err := c.subsets.index.HasUpload(ctx, u)
		if err != nil {
			return "", err
		}
		if noted {
			continue
		}
		_, err = c.subsets.AcceptUpload(ctx, c.planner, c.worker, u.Object)
		if _, machine := errors.AsType[*bucket.MachineError](err); machine || ctx.Err() != nil {
			return "", err
		} else if err != nil {
			failed(ctx, run.Entry{}, fmt.Errorf("accepting %s: %w", u.Object, err))
		}
		if accepted++; accepted == uploadsAccepted {
			return u.Object, nil
		}
	}
	return next, nil
}
