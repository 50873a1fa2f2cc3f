// Package ingest is the function that turns an arrived dataset into a run: a notification of the
// input bucket becomes a plan with a message for each range, and a range becomes shards with a message for each.
package ingest

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"time"

	"github.com/harvest-ml/harvest/shared/events"
	"github.com/harvest-ml/harvest/shared/run"
	"github.com/harvest-ml/harvest/shared/telemetry"
	"go.opentelemetry.io/otel/attribute"
)

// Config is what ingest takes from the environment.
type Config struct {
	Limits run.Limits
}

// Attributes of Cloud Storage's notifications.
// Source: https://cloud.google.com/storage/docs/pubsub-notifications#attributes
const (
	attrEvent  = "eventType"
	attrObject = "objectId"
	finalize   = "OBJECT_FINALIZE"
)

// New is the push endpoint of the subscriptions to uploads and to range tasks.
func New(cfg Config, store *run.Store, log *slog.Logger) http.Handler {
	h := handler{cfg: cfg, store: store, log: log}
	return events.PushHandler(log, h.handle)
}

type handler struct {
	cfg   Config
	store *run.Store
	log   *slog.Logger
}

func (h handler) handle(ctx context.Context, d events.Delivery) error {
	switch {
	case d.Attributes[events.AttrTask] == events.TaskRange:
		var task events.RangeTask
		if err := d.Decode(&task); err != nil {
			return err
		}
		return h.store.CutRange(ctx, task, d.ID)
	case d.Attributes[attrEvent] == finalize:
		return h.arrived(ctx, d.Attributes[attrObject])
	case d.Attributes[attrEvent] != "":
		return nil // other changes of the input bucket start nothing
	default:
		return events.DataError(fmt.Errorf("message %s is neither a range task nor a notification of Cloud Storage", d.ID))
	}
}

// arrived starts the run of a dataset whose manifest or dataset.yaml has arrived.
func (h handler) arrived(ctx context.Context, object string) error {
	begin := time.Now()
	spec, starts, err := h.store.SpecOf(ctx, object)
	if err == nil && !starts {
		h.log.InfoContext(ctx, "object starts no run", "object", object)
		return nil
	}
	var plan *run.Plan
	if err == nil {
		plan, err = h.store.Start(ctx, spec, h.cfg.Limits)
	}
	var refused *run.RefusedError
	if errors.As(err, &refused) {
		h.log.ErrorContext(ctx, "dataset refused", "object", object, "reason", refused.Reason)
		_, err = h.store.Refuse(ctx, spec.Dataset, refused.Reason)
		return err
	} else if err != nil {
		return err
	}
	ctx = telemetry.Run(ctx, plan.Run, begin, attribute.String("harvest.object", object))
	h.log.InfoContext(ctx, "run started", "object", object, "run", plan.Run, "samples", plan.Samples, "ranges", len(plan.Ranges))
	return nil
}
