// Package ingest is the function that turns an uploaded dataset into a run: it plans the run after a notification of
// the input bucket, and cuts ranges into shards. Ranges and shards are published in chains. The step that begins a
// chain publishes its first task. Each delivery that finishes a task publishes the next task.
package ingest

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"time"

	"github.com/harvest-ml/harvest/shared/events"
	"github.com/harvest-ml/harvest/shared/images"
	"github.com/harvest-ml/harvest/shared/run"
	"github.com/harvest-ml/harvest/shared/subset"
	"github.com/harvest-ml/harvest/shared/telemetry"
	"go.opentelemetry.io/otel/attribute"
)

// Config has the dependencies of ingest.
type Config struct {
	Planner *run.Planner
	Worker  *run.Worker
	Subsets *subset.Selector
	Log     *slog.Logger
	// OneRun is set if all work belongs to one run. Then a dataset.yaml whose run was refused during planning is not
	// handled again, although a file that it names was replaced in the meantime.
	OneRun bool
	// Arrived, if not nil, is called after each notification of an object that was handled.
	Arrived func(object string, arrival subset.Arrival)
}

// Attributes of Cloud Storage's notifications.
// Source: https://cloud.google.com/storage/docs/pubsub-notifications#attributes
const (
	attrEvent = "eventType"
	finalize  = "OBJECT_FINALIZE"
)

// New returns the push endpoint of the subscriptions to uploads and to range tasks.
func New(c Config) (http.Handler, error) {
	if c.Planner == nil || c.Worker == nil || c.Subsets == nil || c.Log == nil {
		return nil, errors.New("making ingest: its planner, worker, selector or log is missing")
	}
	return events.PushHandler(c.Log, c.handle), nil
}

func (c Config) handle(ctx context.Context, d events.Delivery) error {
	switch {
	case d.Attributes[events.AttrTask] == events.TaskPlan:
		return c.plan(ctx, d)
	case d.Attributes[events.AttrTask] == events.TaskRange:
		var task events.RangeTask
		if err := d.Decode(&task); err != nil {
			return err
		}
		givenUp, err := c.Worker.CutRange(ctx, task, d.ID)
		if givenUp != "" && err == nil {
			c.Log.ErrorContext(ctx, "task given up", "run", task.Run, "range", task.Range, "reason", givenUp)
		}
		return err
	case d.Attributes[attrEvent] == finalize:
		return c.arrived(ctx, d.Attributes[events.AttrObject])
	case d.Attributes[attrEvent] != "":
		return nil // other changes of the input bucket start no run
	default:
		return events.DataError(
			fmt.Errorf("message %s is neither a task of ingest nor a notification of Cloud Storage", d.ID))
	}
}

// plan does one step of planning an accepted run.
func (c Config) plan(ctx context.Context, d events.Delivery) error {
	var task events.PlanTask
	if err := d.Decode(&task); err != nil {
		return err
	}
	plan, created, err := c.Subsets.PlanRun(ctx, c.Planner, c.Worker, task, d.ID)
	if created { // also with an error, because a later delivery does not create the plan
		c.logPlanned(ctx, plan)
	}
	if err != nil || plan == nil {
		return err
	}
	if plan.Problem != "" {
		return c.replaced(ctx, plan)
	}
	return nil
}

// logPlanned logs that a run starts, waits for approval or is refused.
func (c Config) logPlanned(ctx context.Context, plan *run.Plan) {
	switch {
	case plan.Problem != "":
		c.Log.ErrorContext(ctx, "dataset refused", "run", plan.Run, "reason", plan.Problem)
	case plan.NeedsApproval:
		c.Log.WarnContext(ctx, "run waits for approval", "run", plan.Run, "samples", plan.Samples,
			"estimated_cost", plan.EstimatedCost)
	default:
		c.Log.InfoContext(ctx, "run started", "run", plan.Run, "samples", plan.Samples, "ranges", len(plan.Ranges))
	}
}

// replaced accepts another run of a dataset whose run was refused, if a file was replaced during planning.
func (c Config) replaced(ctx context.Context, refused *run.Plan) error {
	if c.OneRun {
		return nil
	}
	arrival, err := c.Subsets.AcceptReplaced(ctx, c.Planner, c.Worker, refused)
	if err != nil || arrival.Run == "" || arrival.Run == refused.Run {
		return err
	}
	c.logAccepted(ctx, arrival.Spec, arrival)
	return nil
}

// arrived accepts the run of a dataset after its manifest or dataset.yaml was uploaded.
func (c Config) arrived(ctx context.Context, object string) error {
	begin := time.Now()
	arrival, err := c.Subsets.AcceptUpload(ctx, c.Planner, c.Worker, object)
	if err == nil && c.Arrived != nil {
		c.Arrived(object, arrival)
	}
	switch {
	case err != nil:
		return err
	case images.IsName(object): // an image of a dataset starts no run
		return nil
	case arrival.Missing != "":
		c.Log.InfoContext(ctx, "object starts no run yet, because the dataset.yaml of its dataset waits for other files: "+
			"upload them to start the run", "object", object, "missing", arrival.Missing)
		return nil
	case arrival.Waits != "" && arrival.Named:
		c.Log.WarnContext(ctx, "object starts no run, because the run of its dataset.yaml was refused: fix the reason, then "+
			"upload the corrected file or the dataset.yaml again", "object", object, "reason", arrival.Waits)
		return nil
	case arrival.Coming:
		c.Log.InfoContext(ctx, "object starts no run of its own, because the dataset.yaml of its dataset names it, and "+
			"starts the run itself", "object", object)
		return nil
	case arrival.Named:
		c.Log.InfoContext(ctx, "object starts no run of its own, because the dataset.yaml of its dataset names it: upload "+
			"the dataset.yaml again to start a run", "object", object)
		return nil
	case arrival.Waits != "":
		c.Log.WarnContext(ctx, "object starts no run, because the dataset.yaml of its dataset is refused: upload a "+
			"corrected dataset.yaml to start a run", "object", object, "reason", arrival.Waits)
		return nil
	case arrival.Run == "" && run.IsBelow(object):
		c.Log.WarnContext(ctx, "object starts no run, because it lies in a subfolder of its dataset: name the object in "+
			"dataset.yaml, or move it to the dataset's folder", "object", object)
		return nil
	case arrival.Run == "":
		c.Log.InfoContext(ctx, "object starts no run", "object", object)
		return nil
	}
	if arrival.Refused == "" {
		ctx = telemetry.Run(ctx, arrival.Run, begin, attribute.String("harvest.object", object))
	}
	c.logAccepted(ctx, object, arrival)
	return nil
}

// logAccepted logs that the run of an object was accepted or refused. A refusal by planning is logged by logPlanned.
func (c Config) logAccepted(ctx context.Context, object string, arrival subset.Arrival) {
	switch {
	case arrival.Refused != "" && !arrival.Planning:
		c.Log.ErrorContext(ctx, "dataset refused", "object", object, "reason", arrival.Refused)
	case arrival.Earlier != "":
		c.Log.InfoContext(ctx, "run accepted, because a file was replaced that the dataset.yaml names", "object", object,
			"run", arrival.Run, "refused_run", arrival.Earlier)
	case arrival.Spec != "":
		c.Log.InfoContext(ctx, "run accepted, because the last file arrived that the dataset.yaml names", "object", object,
			"run", arrival.Run)
	default:
		c.Log.InfoContext(ctx, "run accepted", "object", object, "run", arrival.Run)
	}
}
