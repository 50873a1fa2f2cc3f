package main

import (
	"encoding/json"
	"errors"
	"log/slog"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.opentelemetry.io/otel/trace"
)

func TestLogIsCloudLoggings(t *testing.T) {
	t.Parallel()
	span := trace.ContextWithSpanContext(t.Context(), trace.NewSpanContext(trace.SpanContextConfig{
		TraceID: trace.TraceID{0x0a, 0xf7}, SpanID: trace.SpanID{0xb7}, TraceFlags: trace.FlagsSampled,
	}))
	for level, severity := range map[slog.Level]string{
		slog.LevelInfo: "INFO", slog.LevelWarn: "WARNING", slog.LevelError: "ERROR",
	} {
		var line strings.Builder
		log := newLog(&line, "farm").With("message_id", "17", "attempt", 3)
		log.Log(span, level, "message will be delivered again", "error", errors.New("no such bucket"))
		var got map[string]any
		if err := json.Unmarshal([]byte(line.String()), &got); err != nil {
			t.Fatal(err)
		}
		delete(got, "time")
		want := map[string]any{
			"severity": severity, "message": "message will be delivered again", "message_id": "17",
			"error": "no such bucket", "attempt": 3.0,
			"logging.googleapis.com/trace":  "projects/farm/traces/0af70000000000000000000000000000",
			"logging.googleapis.com/spanId": "b700000000000000", "logging.googleapis.com/trace_sampled": true,
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("line (-want +got):\n%s", diff)
		}
	}
}
