package telemetry

import (
	"context"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"
)

// Outcomes of a delivery.
const (
	Done        = "done"
	Refused     = "refused" // acknowledged, because the delivery can never succeed
	Redelivered = "again"   // the message is redelivered
)

// Delivered counts a delivery.
func Delivered(ctx context.Context, task, outcome string, took time.Duration) {
	if t := from(ctx); t != nil {
		t.deliveries.Add(ctx, 1, set(attribute.String("task", task), attribute.String("outcome", outcome)))
		t.deliverySeconds.Record(ctx, took.Seconds(), set(attribute.String("task", task)))
	}
}

// Scored counts samples whose scores were written.
func Scored(ctx context.Context, scorer string, byStatus map[string]int64) {
	if t := from(ctx); t != nil {
		for status, n := range byStatus {
			t.samples.Add(ctx, n, set(attribute.String("scorer", scorer), attribute.String("status", status)))
		}
	}
}

func set(attributes ...attribute.KeyValue) metric.MeasurementOption {
	return metric.WithAttributes(attributes...)
}
