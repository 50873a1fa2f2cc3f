package main

import (
	"encoding/json"
	"errors"
	"log/slog"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestLogIsCloudLoggings(t *testing.T) {
	t.Parallel()
	for level, severity := range map[slog.Level]string{slog.LevelInfo: "INFO", slog.LevelWarn: "WARNING", slog.LevelError: "ERROR"} {
		var line strings.Builder
		newLog(&line, "farm").With("message_id", "17", "trace", "0af7").Log(t.Context(), level, "message will be delivered again", "error", errors.New("no such bucket"))
		var got map[string]string
		if err := json.Unmarshal([]byte(line.String()), &got); err != nil {
			t.Fatal(err)
		}
		delete(got, "time")
		want := map[string]string{
			"severity": severity, "message": "message will be delivered again", "message_id": "17",
			"logging.googleapis.com/trace": "projects/farm/traces/0af7", "error": "no such bucket",
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("line (-want +got):\n%s", diff)
		}
	}
}
