package telemetry_test

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/harvest-ml/harvest/shared/telemetry"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	sdkmetric "go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
	"go.opentelemetry.io/otel/trace"
)

// newTelemetry records to memory.
func newTelemetry(t *testing.T) (context.Context, *tracetest.InMemoryExporter, *sdkmetric.ManualReader) {
	t.Helper()
	spans, measured := tracetest.NewInMemoryExporter(), sdkmetric.NewManualReader()
	tel, err := telemetry.New(sdktrace.WithSyncer(spans), measured)
	if err != nil {
		t.Fatal(err)
	}
	return tel.With(t.Context()), spans, measured
}

// TestOneTrace begins spans of a run like processes that do not share state.
func TestOneTrace(t *testing.T) {
	t.Parallel()
	ctx, spans, _ := newTelemetry(t)
	begin := time.Now().Add(-time.Minute)
	telemetry.Run(ctx, "demo-1", begin)
	telemetry.Run(ctx, "demo-1", begin) // the upload was delivered twice

	ranged, ended := telemetry.Start(ctx, "demo-1", "range", "", trace.SpanKindConsumer)
	var parent string
	telemetry.Inject(ranged, func(key, value string) { parent = value })
	ended(nil)
	_, ended = telemetry.Start(ctx, "demo-1", "shard", parent, trace.SpanKindConsumer)
	ended(errors.New("the bucket cannot be reached"))
	// A traceparent that is invalid, or belongs to another run, is not used.
	for _, strange := range []string{"nonsense", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"} {
		_, ended = telemetry.Start(ctx, "demo-1", "strange", strange, trace.SpanKindConsumer)
		ended(nil)
	}

	root, found := trace.SpanID{}, map[string]tracetest.SpanStub{}
	for _, span := range spans.GetSpans() {
		if id := span.SpanContext.TraceID(); id != telemetry.TraceID("demo-1") {
			t.Errorf("span %s is of trace %s", span.Name, id)
		}
		if span.Name == "accept" {
			if root.IsValid() && span.SpanContext.SpanID() != root {
				t.Error("a run has two roots")
			}
			if root = span.SpanContext.SpanID(); !span.StartTime.Equal(begin) || span.Parent.IsValid() {
				t.Errorf("root %+v", span)
			}
		}
		found[span.Name] = span
	}
	if n := len(spans.GetSpans()); n != 6 {
		t.Errorf("%d spans", n)
	}
	parents := map[string]trace.SpanID{}
	for _, name := range []string{"range", "shard", "strange"} {
		parents[name] = found[name].Parent.SpanID()
	}
	want := map[string]trace.SpanID{"range": root, "shard": found["range"].SpanContext.SpanID(), "strange": root}
	if diff := cmp.Diff(want, parents); diff != "" {
		t.Errorf("parents (-want +got):\n%s", diff)
	}
	if status := found["shard"].Status; status.Code != codes.Error ||
		status.Description != "the bucket cannot be reached" {
		t.Errorf("status of the failed span: %+v", status)
	}
}

// TestInstances distinguishes the spans and measurements of two processes of one service.
func TestInstances(t *testing.T) {
	t.Parallel()
	seen := map[attribute.Value]bool{}
	for range 2 {
		ctx, spans, reader := newTelemetry(t)
		telemetry.Run(ctx, "demo-1", time.Now())
		telemetry.Delivered(ctx, "shard", telemetry.Done, time.Second)
		var measured metricdata.ResourceMetrics
		if err := reader.Collect(ctx, &measured); err != nil {
			t.Fatal(err)
		}
		id, known := measured.Resource.Set().Value("service.instance.id")
		if of, _ := spans.GetSpans()[0].Resource.Set().Value("service.instance.id"); !known || of != id || seen[id] {
			t.Errorf("measured by instance %q, traced by %q; used before: %v", id.AsString(), of.AsString(), seen[id])
		}
		seen[id] = true
		if _, known := measured.Resource.Set().Value("service.name"); !known {
			t.Error("the service has no name")
		}
	}
}

// TestSampling checks that each trace is recorded completely or not at all.
func TestSampling(t *testing.T) {
	t.Setenv("OTEL_TRACES_SAMPLER", "parentbased_traceidratio")
	t.Setenv("OTEL_TRACES_SAMPLER_ARG", "0.5")
	ctx, spans, _ := newTelemetry(t)
	kept := map[trace.TraceID]int{}
	for _, run := range []string{"a", "b", "c", "d", "e", "f", "g", "h", "i", "j", "k", "l", "m", "n", "o", "p"} {
		telemetry.Run(ctx, run, time.Now())
		_, ended := telemetry.Start(ctx, run, "shard", "", trace.SpanKindConsumer)
		ended(nil)
	}
	for _, span := range spans.GetSpans() {
		kept[span.SpanContext.TraceID()]++
	}
	if len(kept) == 0 || len(kept) == 16 {
		t.Errorf("%d of 16 traces at a ratio of a half", len(kept))
	}
	for id, n := range kept {
		if n != 2 {
			t.Errorf("%d of 2 spans of trace %s", n, id)
		}
	}
}

// Without an exporter the log still has trace ids. Without a Telemetry the functions do nothing.
func TestWithoutExporter(t *testing.T) {
	t.Parallel()
	off, err := telemetry.New(nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	ctx, ended := telemetry.Start(off.With(t.Context()), "demo-1", "shard", "", trace.SpanKindConsumer)
	ended(nil)
	if span := trace.SpanContextFromContext(ctx); span.TraceID() != telemetry.TraceID("demo-1") || span.IsSampled() {
		t.Errorf("span %+v", span)
	}
	bare, ended := telemetry.Start(telemetry.Run(t.Context(), "demo-1", time.Now()), "demo-1", "shard", "",
		trace.SpanKindConsumer)
	ended(nil)
	telemetry.Inject(bare, func(key, value string) { t.Errorf("%s: %s without a span", key, value) })
	telemetry.Delivered(bare, "shard", telemetry.Done, time.Second)
	telemetry.Scored(bare, "gpu", map[string]int64{"ok": 1})
	if err := off.Close(t.Context()); err != nil {
		t.Error(err)
	}
}

func TestSidecar(t *testing.T) {
	t.Parallel()
	ctx, spans, measured := newTelemetry(t)
	ask := func(ctx context.Context) *http.Request {
		call := httptest.NewRequestWithContext(ctx, http.MethodPost, "http://localhost:8700/v1/score", nil)
		req, ended := telemetry.Sidecar(call)
		ended(http.StatusOK, nil)
		return req
	}
	if header := ask(ctx).Header.Get("Traceparent"); header != "" || len(spans.GetSpans()) != 0 {
		t.Errorf("traceparent %q of a request without a run", header)
	}
	shard, ended := telemetry.Start(ctx, "demo-1", "shard", "", trace.SpanKindConsumer)
	header := ask(shard).Header.Get("Traceparent")
	ended(nil)
	got := spans.GetSpans()[0]
	want := "00-" + telemetry.TraceID("demo-1").String() + "-" + got.SpanContext.SpanID().String() + "-01"
	if header != want || got.Name != "sidecar POST /v1/score" ||
		got.Parent.SpanID() != trace.SpanContextFromContext(shard).SpanID() {
		t.Errorf("traceparent %q of %+v, want %q", header, got, want)
	}
	telemetry.Delivered(ctx, "shard", telemetry.Redelivered, time.Second)
	telemetry.Scored(ctx, "gpu", map[string]int64{"ok": 3, "failed": 1, "skipped": 0})
	wantSums := map[string]int64{
		"harvest.deliveries": 1, "harvest.samples": 4, "harvest.sidecar.duration": 2, "harvest.delivery.duration": 1,
	}
	if diff := cmp.Diff(wantSums, sums(t, measured)); diff != "" {
		t.Errorf("measured (-want +got):\n%s", diff)
	}
}

// sums returns the totals of counters, and the numbers of values of histograms.
func sums(t *testing.T, reader sdkmetric.Reader) map[string]int64 {
	t.Helper()
	var data metricdata.ResourceMetrics
	if err := reader.Collect(t.Context(), &data); err != nil {
		t.Fatal(err)
	}
	found := map[string]int64{}
	for _, scope := range data.ScopeMetrics {
		for _, m := range scope.Metrics {
			switch values := m.Data.(type) {
			case metricdata.Sum[int64]:
				for _, p := range values.DataPoints {
					found[m.Name] += p.Value
				}
			case metricdata.Histogram[float64]:
				for _, p := range values.DataPoints {
					found[m.Name] += int64(p.Count)
				}
			}
		}
	}
	return found
}
