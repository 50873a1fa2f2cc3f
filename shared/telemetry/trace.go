package telemetry

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"math/rand/v2"
	"net/http"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/trace"
)

// Traceparent is the name of the HTTP header, and of the message attribute, that names the sender's span. The
// receiver's spans become children of that span. Source: https://www.w3.org/TR/trace-context/#traceparent-header
const Traceparent = "traceparent"

// TraceID returns the id of a run's trace.
func TraceID(run string) trace.TraceID {
	sum := sha256.Sum256([]byte("harvest run " + run))
	return trace.TraceID(sum[:16])
}

func rootSpanID(run string) trace.SpanID {
	sum := sha256.Sum256([]byte("harvest run " + run))
	return trace.SpanID(sum[16:24])
}

type runKey struct{}

// runIDs makes the ids of spans: fixed ids for the root span of the run in the context, random ids for all others.
type runIDs struct{}

func (runIDs) NewIDs(ctx context.Context) (trace.TraceID, trace.SpanID) {
	if run, ok := ctx.Value(runKey{}).(string); ok {
		return TraceID(run), rootSpanID(run)
	}
	var id trace.TraceID
	binary.BigEndian.PutUint64(id[:8], rand.Uint64())
	binary.BigEndian.PutUint64(id[8:], rand.Uint64()|1) // an id must not be all zeros
	return id, newSpanID()
}

func (runIDs) NewSpanID(context.Context, trace.TraceID) trace.SpanID { return newSpanID() }

func newSpanID() (id trace.SpanID) {
	binary.BigEndian.PutUint64(id[:], rand.Uint64()|1)
	return id
}

// Run records the root span of a run: its acceptance, from begin to now. If it is recorded twice, because the upload
// was delivered twice, both spans have the same ids.
func Run(ctx context.Context, run string, begin time.Time, attributes ...attribute.KeyValue) context.Context {
	t := from(ctx)
	if t == nil {
		return ctx
	}
	ctx, root := t.root(ctx, run, trace.WithTimestamp(begin), trace.WithAttributes(attributes...))
	root.End()
	return ctx
}

func (t *Telemetry) root(
	ctx context.Context, run string, options ...trace.SpanStartOption,
) (context.Context, trace.Span) {
	options = append(options, trace.WithNewRoot(), trace.WithSpanKind(trace.SpanKindConsumer),
		trace.WithAttributes(attribute.String("harvest.run", run)))
	_, span := t.tracer.Start(context.WithValue(ctx, runKey{}, run), "accept", options...)
	return trace.ContextWithSpan(ctx, span), span
}

// Start begins a span of a run. The argument parent is a traceparent. If its span belongs to the run, it is the parent;
// otherwise the run's root span is. The returned function ends the span.
func Start(
	ctx context.Context, run, name, parent string, kind trace.SpanKind, attributes ...attribute.KeyValue,
) (context.Context, func(error)) {
	t := from(ctx)
	if t == nil || run == "" {
		return ctx, func(error) {}
	}
	cause := propagation.TraceContext{}.Extract(context.Background(), propagation.MapCarrier{Traceparent: parent})
	if remote := trace.SpanContextFromContext(cause); remote.IsValid() && remote.TraceID() == TraceID(run) {
		ctx = trace.ContextWithRemoteSpanContext(ctx, remote)
	} else {
		// This span is never ended, so it is never recorded. It only decides whether the run's trace is sampled.
		ctx, _ = t.root(ctx, run)
	}
	ctx, span := t.tracer.Start(ctx, name, trace.WithSpanKind(kind),
		trace.WithAttributes(attribute.String("harvest.run", run)), trace.WithAttributes(attributes...))
	return ctx, func(err error) { end(span, err) }
}

// Inject calls set with the traceparent of the current span, if there is a span.
func Inject(ctx context.Context, set func(key, value string)) {
	carrier := propagation.MapCarrier{}
	propagation.TraceContext{}.Inject(ctx, carrier)
	if parent := carrier[Traceparent]; parent != "" {
		set(Traceparent, parent)
	}
}

// Sidecar begins the span of a request to the sidecar and sets the request's traceparent. The returned function ends
// the span, with the status of the answer, or 0 without an answer.
func Sidecar(req *http.Request) (*http.Request, func(status int, err error)) {
	t := from(req.Context())
	if t == nil {
		return req, func(int, error) {}
	}
	begin := time.Now()
	ctx, span := req.Context(), trace.SpanFromContext(req.Context())
	if span.SpanContext().IsValid() { // else the request belongs to no run, such as a request for the models' ids
		ctx, span = t.tracer.Start(ctx, "sidecar "+req.Method+" "+req.URL.Path, trace.WithSpanKind(trace.SpanKindClient))
	}
	req = req.WithContext(ctx)
	Inject(ctx, req.Header.Set)
	return req, func(status int, err error) {
		span.SetAttributes(attribute.Int("http.response.status_code", status))
		end(span, err)
		t.sidecarSeconds.Record(ctx, time.Since(begin).Seconds(),
			set(attribute.String("path", req.URL.Path), attribute.Int("status", status)))
	}
}

func end(span trace.Span, err error) {
	if err != nil {
		span.RecordError(err)
		span.SetStatus(codes.Error, err.Error())
	}
	span.End()
}
