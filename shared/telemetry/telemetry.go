// Package telemetry makes one trace of each run, across processes and deliveries, and counts the work.
//
// The trace id and the id of the root span are computed from the run's id. So any delivery in any process finds the
// trace of its run, also after a redelivery or a resume. Functions get the Telemetry from the context. Without a
// Telemetry in the context nothing is recorded.
package telemetry

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"
	sdkmetric "go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/resource"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"
)

const scope = "github.com/harvest-ml/harvest"

// A Telemetry records spans and measurements.
type Telemetry struct {
	traces  *sdktrace.TracerProvider
	metrics *sdkmetric.MeterProvider

	tracer          trace.Tracer
	deliveries      metric.Int64Counter
	deliverySeconds metric.Float64Histogram
	samples         metric.Int64Counter
	sidecarSeconds  metric.Float64Histogram
}

// New makes a Telemetry from an exporter of spans and a reader of measurements. Without an exporter the log still has
// trace ids.
func New(spans sdktrace.TracerProviderOption, reader sdkmetric.Reader) (*Telemetry, error) {
	process, err := instance()
	if err != nil {
		return nil, err
	}
	options := []sdktrace.TracerProviderOption{sdktrace.WithIDGenerator(runIDs{}), sdktrace.WithResource(process)}
	if spans != nil {
		options = append(options, spans)
	} else {
		options = append(options, sdktrace.WithSampler(sdktrace.NeverSample()))
	}
	measured := []sdkmetric.Option{sdkmetric.WithResource(process)}
	if reader != nil {
		measured = append(measured, sdkmetric.WithReader(reader))
	}
	t := &Telemetry{traces: sdktrace.NewTracerProvider(options...), metrics: sdkmetric.NewMeterProvider(measured...)}
	t.tracer = t.traces.Tracer(scope)
	meter := t.metrics.Meter(scope)
	var errs [4]error
	t.deliveries, errs[0] = meter.Int64Counter("harvest.deliveries", metric.WithUnit("{delivery}"),
		metric.WithDescription("Messages delivered to functions, by task and outcome: done, refused (acknowledged, "+
			"can never succeed) or again."))
	t.deliverySeconds, errs[1] = meter.Float64Histogram("harvest.delivery.duration", metric.WithUnit("s"),
		metric.WithDescription("Duration of a delivery, by task."),
		metric.WithExplicitBucketBoundaries(.05, .2, .5, 1, 2, 5, 10, 30, 60, 120, 240, 540))
	t.samples, errs[2] = meter.Int64Counter("harvest.samples", metric.WithUnit("{sample}"),
		metric.WithDescription("Samples whose scores were written, by scorer and status: ok, failed or skipped."))
	t.sidecarSeconds, errs[3] = meter.Float64Histogram("harvest.sidecar.duration", metric.WithUnit("s"),
		metric.WithDescription("Duration of a request to the sidecar, by path and status."),
		metric.WithExplicitBucketBoundaries(.05, .2, .5, 1, 2, 5, 10, 30, 60, 120, 300))
	if err := errors.Join(errs[:]...); err != nil {
		return nil, fmt.Errorf("making instruments: %w", err)
	}
	return t, nil
}

// instance returns a description of the process: a random id, and the attributes of the environment. Without the id,
// the counters of two instances of a service would be one series, which a backend refuses or mixes up. Source:
// https://opentelemetry.io/docs/specs/semconv/resource/service/
func instance() (*resource.Resource, error) {
	own := resource.NewSchemaless(attribute.String("service.instance.id", fmt.Sprintf("%016x", rand.Uint64())))
	r, err := resource.Merge(own, resource.Default()) // an id in the environment replaces the random id
	if err != nil {
		return nil, fmt.Errorf("describing the process: %w", err)
	}
	return r, nil
}

// Close exports all that is not exported yet.
func (t *Telemetry) Close(ctx context.Context) error {
	return errors.Join(t.traces.Shutdown(ctx), t.metrics.Shutdown(ctx))
}

type key struct{}

// With returns a context whose work is recorded.
func (t *Telemetry) With(ctx context.Context) context.Context {
	return context.WithValue(ctx, key{}, t)
}

func from(ctx context.Context) *Telemetry {
	t, _ := ctx.Value(key{}).(*Telemetry)
	return t
}

// Handler returns a handler whose requests are recorded.
func (t *Telemetry) Handler(h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h.ServeHTTP(w, r.WithContext(t.With(r.Context())))
	})
}
