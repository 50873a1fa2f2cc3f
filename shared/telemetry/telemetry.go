// Package telemetry makes one trace of each run, across processes and deliveries, and counts the work.
//
// A run's trace id follows from the run's id, as does the id of its root span, so that any delivery
// of any process finds its trace, also when it is redelivered or after a resume. Libraries get
// everything from the context: without a Telemetry in it nothing is recorded.
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

// New makes a Telemetry of an exporter of spans and a reader of measurements. Without exporter there
// are trace ids for the log all the same.
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
		metric.WithDescription("How long a delivery took, by task."),
		metric.WithExplicitBucketBoundaries(.05, .2, .5, 1, 2, 5, 10, 30, 60, 120, 240, 540))
	t.samples, errs[2] = meter.Int64Counter("harvest.samples", metric.WithUnit("{sample}"),
		metric.WithDescription("Samples whose scores were written, by scorer and status: ok, failed or skipped."))
	t.sidecarSeconds, errs[3] = meter.Float64Histogram("harvest.sidecar.duration", metric.WithUnit("s"),
		metric.WithDescription("How long the sidecar took to answer, by path and status."),
		metric.WithExplicitBucketBoundaries(.05, .2, .5, 1, 2, 5, 10, 30, 60, 120, 300))
	if err := errors.Join(errs[:]...); err != nil {
		return nil, fmt.Errorf("making instruments: %w", err)
	}
	return t, nil
}

// instance is what the environment says of the process, with an id of its own: without it, the counters of two
// instances of a service would be one series, which a backend refuses or mixes up.
// Source: https://opentelemetry.io/docs/specs/semconv/resource/service/
func instance() (*resource.Resource, error) {
	own := resource.NewSchemaless(attribute.String("service.instance.id", fmt.Sprintf("%016x", rand.Uint64())))
	r, err := resource.Merge(own, resource.Default()) // the environment may know better
	if err != nil {
		return nil, fmt.Errorf("describing the process: %w", err)
	}
	return r, nil
}

// Close exports what is left.
func (t *Telemetry) Close(ctx context.Context) error {
	return errors.Join(t.traces.Shutdown(ctx), t.metrics.Shutdown(ctx))
}

type key struct{}

// With gives a context whose work is recorded.
func (t *Telemetry) With(ctx context.Context) context.Context {
	return context.WithValue(ctx, key{}, t)
}

func from(ctx context.Context) *Telemetry {
	t, _ := ctx.Value(key{}).(*Telemetry)
	return t
}

// Handler has the requests to a handler recorded by what answers them.
func (t *Telemetry) Handler(h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h.ServeHTTP(w, r.WithContext(t.With(r.Context())))
	})
}
