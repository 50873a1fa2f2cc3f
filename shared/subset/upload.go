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
	Named   bool   // whether the dataset.yaml next to the object names it, so that it starts no run of its own
	Waits   string // why the dataset.yaml next to the object is refused; until that is fixed, the object starts no run
	Refused string // why the run is refused
}

// AcceptUpload accepts the run that an object in the input bucket starts, and then records that this upload is handled,
// so that it needs no further notification. Each step can be repeated.
func (s *Selector) AcceptUpload(
	ctx context.Context, planner *run.Planner, worker *run.Worker, object string,
) (Arrival, error) {
	upload, spec, starts, err := planner.Uploaded(ctx, object)
	if err == nil && !starts {
		if upload.Object == "" {
			return Arrival{}, nil
		}
		return Arrival{Named: true}, s.index.NoteUpload(ctx, upload, "")
	}
	if refused, final := errors.AsType[*run.RefusedError](err); final && !starts {
		return Arrival{Waits: refused.Reason}, s.index.NoteUpload(ctx, upload, "")
	}
	arrival := Arrival{}
	if err == nil {
		arrival.Run, err = s.AcceptRun(ctx, planner, worker, spec, upload)
	}
	if refused, final := errors.AsType[*run.RefusedError](err); final {
		var plan *run.Plan
		if plan, err = worker.Refuse(ctx, spec.Dataset, refused.Reason); err == nil {
			arrival = Arrival{Run: plan.Run, Refused: refused.Reason}
		}
	}
	if err != nil && !events.IsDataError(err) {
		return Arrival{}, err
	}
	return arrival, errors.Join(err, s.index.NoteUpload(ctx, upload, arrival.Run))
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
