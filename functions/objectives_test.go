package main

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/harvest-ml/harvest/shared/events"
	"github.com/harvest-ml/harvest/shared/run/runtest"
)

type published struct{ err error }

func (p published) Publish(context.Context, ...events.Message) error { return p.err }

// Of the published events, only a scored run and a completed selection are logged, with the time since they were
// accepted.
func TestObjectivesAreLogged(t *testing.T) {
	t.Parallel()
	f := runtest.New(t)
	f.Limits.Budget = runtest.Budget(t, "50%")
	f.Upload("datasets/demo/a.json", runtest.Array(runtest.Plain("a", 20)))
	f.Finish(f.Begin("datasets/demo/a.json"))

	var log bytes.Buffer
	p := measured{published{}, f.Runs, f.Work, slog.New(slog.NewTextHandler(&log, nil)), func() time.Time {
		return f.Now().Add(15 * time.Minute)
	}}
	if err := p.Publish(t.Context(), f.Published...); err != nil {
		t.Fatal(err)
	}
	// The run took 15 minutes. The objective allows 10 minutes plus a time per sample: 5 minutes for 20 samples are 15 s
	// each.
	for _, want := range []string{
		`msg="run scored" run=demo-`, ` scorer=fake samples=20 seconds=900 per_million=1.5e+07`,
		`msg="selection completed" run=demo-`, ` selected=10 seconds=900`,
	} {
		if !strings.Contains(log.String(), want) {
			t.Errorf("the log lacks %q:\n%s", want, log.String())
		}
	}
	if lines := strings.Count(log.String(), "\n"); lines != 2 {
		t.Errorf("%d lines are logged for %d events", lines, len(f.Published))
	}
	log.Reset()
	p.Publisher = published{errors.New("Pub/Sub is unreachable")}
	if err := p.Publish(t.Context(), f.Published...); err == nil || log.Len() > 0 {
		t.Errorf("publishing failed, but returned the error %v and logged %s", err, log.String())
	}
}
