package main

import (
	"io"
	"log/slog"
)

// newLog writes lines in the form that Cloud Logging reads: with its names of severity, message and
// trace, so that alerts on errors fire and the lines of one request are found together.
// Source: https://cloud.google.com/logging/docs/structured-logging#structured_logging_special_fields
func newLog(w io.Writer, project string) *slog.Logger {
	return slog.New(slog.NewJSONHandler(w, &slog.HandlerOptions{
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
			case a.Key == "trace":
				a = slog.String("logging.googleapis.com/trace", "projects/"+project+"/traces/"+a.Value.String())
			}
			return a
		},
	}))
}
