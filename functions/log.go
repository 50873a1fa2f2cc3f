package main

import (
	"context"
	"io"
	"log/slog"

	"go.opentelemetry.io/otel/trace"
)

// newLog writes lines in the form that Cloud Logging reads, with its field names for severity, message and trace.
// Alerts on errors and the view of one run's lines depend on these fields. Source:
// https://cloud.google.com/logging/docs/structured-logging#structured_logging_special_fields
func newLog(w io.Writer, project string) *slog.Logger {
	return slog.New(traced{project: project, Handler: slog.NewJSONHandler(w, &slog.HandlerOptions{
		ReplaceAttr: func(groups []string, a slog.Attr) slog.Attr {
			switch {
			case len(groups) > 0:
			case a.Key == slog.MessageKey:
				a.Key = "message"
			case a.Key == slog.LevelKey:
				a.Key = "severity"
				if a.Value.Any() == slog.LevelWarn {
					a.Value = slog.StringValue("WARNING")
				}
			}
			return a
		},
	})})
}

// traced adds the span of a line's context to the line.
type traced struct {
	slog.Handler
	project string
}

func (h traced) Handle(ctx context.Context, line slog.Record) error {
	if span := trace.SpanContextFromContext(ctx); span.IsValid() {
		line.AddAttrs(
			slog.String("logging.googleapis.com/trace", "projects/"+h.project+"/traces/"+span.TraceID().String()),
			slog.String("logging.googleapis.com/spanId", span.SpanID().String()),
			slog.Bool("logging.googleapis.com/trace_sampled", span.IsSampled()))
	}
	return h.Handler.Handle(ctx, line)
}

func (h traced) WithAttrs(attrs []slog.Attr) slog.Handler {
	return traced{Handler: h.Handler.WithAttrs(attrs), project: h.project}
}

func (h traced) WithGroup(name string) slog.Handler {
	return traced{Handler: h.Handler.WithGroup(name), project: h.project}
}
